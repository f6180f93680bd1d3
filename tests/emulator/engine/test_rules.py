"""Each rule of EKS: a request that it lets pass, and one that it refuses."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emulator.engine.eks.rules import RULES
from emulator.engine.eks.service import Eks
from emulator.engine.eks.state import Refused, now
from tests.emulator.engine.account import ARN, service, settled

VPC = {"subnetIds": ["subnet-a", "subnet-b"], "endpointPublicAccess": False, "endpointPrivateAccess": True}
AUTO = {
    "computeConfig": {"enabled": True, "nodePools": ["general-purpose"], "nodeRoleArn": f"{ARN}node"},
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
    "storageConfig": {"blockStorage": {"enabled": True}},
}
WHO = {"clusterName": "c"}
SCOPE = {"type": "namespace", "namespaces": ["x"]}
NO_KEY = [{"provider": {"keyArn": "arn:aws:kms:us-east-1:1:key/bad"}}]
OLD_MODE = {"authenticationMode": "CONFIG_MAP"}
REMOTE = {"remoteNodeNetworks": [{"cidrs": ["10.80.0.0/16"]}], "remotePodNetworks": [{"cidrs": ["10.85.0.0/16"]}]}
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

OIDC = {"identityProviderConfigName": "company", "issuerUrl": "https://login.example.com/x", "clientId": "kubernetes"}

GOOD: dict[str, dict[str, Any]] = {
    "CreateCluster": {
        "name": "new",
        "version": "1.35",
        "roleArn": f"{ARN}auto",
        "resourcesVpcConfig": {**VPC, "securityGroupIds": ["sg-1"]},
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:us-east-1:1:key/good"}}],
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API"},
        "remoteNetworkConfig": REMOTE,
        **AUTO,
    },
    "UpdateClusterConfig": {"name": "c", "resourcesVpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["8.8.8.0/24"]}},
    "UpdateClusterVersion": {"name": "c", "version": "1.36"},
    "DeleteCluster": {"name": "bare"},
    "CreateNodegroup": {
        **WHO, "nodegroupName": "new", "subnets": ["subnet-a"], "nodeRole": f"{ARN}node", "amiType": "AL2023_x86_64_STANDARD",
        "instanceTypes": ["m7i.large"], "version": "1.35", "launchTemplate": {"id": "lt-1", "version": "2"},
        "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
    },
    "UpdateNodegroupConfig": {**WHO, "nodegroupName": "n", "scalingConfig": {"maxSize": 9}},
    "UpdateNodegroupVersion": {**WHO, "nodegroupName": "n", "version": "1.35"},
    "DeleteNodegroup": {**WHO, "nodegroupName": "n"},
    "CreateFargateProfile": {
        **WHO, "fargateProfileName": "new", "podExecutionRoleArn": f"{ARN}pods", "subnets": ["subnet-a"],
        "selectors": [{"namespace": "x", "labels": {"a": "b"}}],
    },
    "DeleteFargateProfile": {**WHO, "fargateProfileName": "f"},
    "CreateAddon": {**WHO, "addonName": "coredns", "podIdentityAssociations": [{"serviceAccount": "s", "roleArn": f"{ARN}app"}]},
    "CreateAccessEntry": {**WHO, "principalArn": f"{ARN}nobody", "kubernetesGroups": ["people"], "type": "STANDARD"},
    "UpdateAccessEntry": {**WHO, "principalArn": f"{ARN}app", "kubernetesGroups": ["people"]},
    "AssociateIdentityProviderConfig": {**WHO, "oidc": OIDC},
    "AssociateAccessPolicy": {**WHO, "principalArn": f"{ARN}app", "policyArn": POLICY, "accessScope": SCOPE},
    "CreatePodIdentityAssociation": {**WHO, "namespace": "n", "serviceAccount": "new", "roleArn": f"{ARN}app"},
    "CreateCertificateAuthority": WHO,
    "ActivateCertificateAuthority": {"clusterName": "bare", "certificateAuthorityId": "next"},
    "DeleteCertificateAuthority": {"clusterName": "bare", "certificateAuthorityId": "next"},
    "CreateCapability": {**WHO, "capabilityName": "new", "type": "ACK", "roleArn": f"{ARN}app", "deletePropagationPolicy": "RETAIN"},
}  # fmt: skip


def successor(cluster: str, **changes: Any) -> Callable[[Eks], Any]:
    def before(eks: Eks) -> None:
        old = {"id": "old", "signingStatus": "IN_USE", "distributionStatus": "COMPLETE", "activatedAt": 1}
        new = {"id": "next", "signingStatus": "NOT_USED", "distributionStatus": "COMPLETE", **changes}
        for one in (old, new):
            eks.state.children["certificateAuthority", cluster, one["id"]] = one

    return before


def account() -> Eks:
    """A cluster `c` with a node group, a profile, an association and an access entry; a cluster `bare` with nothing."""
    eks = service()
    for name in ("c", "bare"):
        eks.call("CreateCluster", {**copy.deepcopy(GOOD["CreateCluster"]), "name": name})
        settled(eks)
    eks.call("CreateNodegroup", {**GOOD["CreateNodegroup"], "nodegroupName": "n"})
    eks.call("CreateFargateProfile", {**GOOD["CreateFargateProfile"], "fargateProfileName": "f"})
    eks.call("CreateAccessEntry", {**WHO, "principalArn": f"{ARN}app"})
    eks.call("CreatePodIdentityAssociation", {**GOOD["CreatePodIdentityAssociation"], "serviceAccount": "s"})
    successor("bare")(eks)
    return settled(eks)


def with_(operation: str, **changes: Any) -> tuple[str, dict[str, Any], Callable[[Eks], Any] | None]:
    """A good request with other parameters; ``before`` puts the account into another state first."""
    before = changes.pop("before", None)
    return operation, {**copy.deepcopy(GOOD[operation]), **changes}, before


def cluster(name: str = "c", **changes: Any) -> Callable[[Eks], Any]:
    return lambda eks: eks.state.clusters[name].update(changes)


def child(kind: str, name: str, **changes: Any) -> Callable[[Eks], Any]:
    return lambda eks: eks.state.children[kind, "c", name].update(changes)


def provider(name: str, **changes: str) -> Callable[[Eks], Any]:
    oidc = {**OIDC, "identityProviderConfigName": name, **changes}
    return lambda eks: (eks.call("AssociateIdentityProviderConfig", {**WHO, "oidc": oidc}), settled(eks))


BAD = {
    "cluster_name_free": (with_("CreateCluster", name="c"), "already exists"),
    "child_name_free": (with_("CreateNodegroup", nodegroupName="n"), "already exists"),
    "cluster_active": (with_("CreateNodegroup", before=cluster(status="UPDATING")), "not in ACTIVE status"),
    "node_group_settled": (with_("UpdateNodegroupConfig", before=child("nodegroup", "n", status="UPDATING")), "not in Active state"),
    "one_kind_of_update": (with_("UpdateClusterConfig", deletionProtection=True), "Only one type of update"),
    "version_offered": (with_("CreateCluster", version="1.12"), "unsupported Kubernetes version 1.12"),
    "standard_support_in_time": (
        with_("CreateCluster", version="1.33", upgradePolicy={"supportType": "STANDARD"}),
        "1.33 is in extended support since 2026-07-29",
    ),
    "one_minor_version": (with_("UpdateClusterVersion", version="1.37"), "from 1.35 to 1.37"),
    "rollback_in_time": (
        with_("UpdateClusterVersion", version="1.34", before=cluster(_upgraded=now() - timedelta(days=8))), "comes within 7 days",
    ),
    "rollback_with_extended_support": (
        with_("UpdateClusterVersion", version="1.33", before=cluster(
            version="1.34", _upgraded=now(), upgradePolicy={"supportType": "STANDARD"}
        )), "first change the upgrade policy to EXTENDED",
    ),
    "nodes_caught_up": (with_("UpdateClusterVersion", before=child("nodegroup", "n", version="1.34")), "must be updated to match"),
    "two_zones": (with_("CreateCluster", resourcesVpcConfig={**VPC, "subnetIds": ["subnet-a", "subnet-public"]}), "two different AZs"),
    "no_local_zones": (with_("CreateFargateProfile", subnets=["subnet-local"]), "no Availability Zone"),
    "zones_stay": (
        with_("UpdateClusterConfig", resourcesVpcConfig={"subnetIds": ["subnet-a", "subnet-b", "subnet-c"]}),
        "exact set of AZs 'us-east-1a,us-east-1b'",
    ),
    "egress_stays_routed": (
        with_(
            "UpdateClusterConfig",
            resourcesVpcConfig={"controlPlaneEgressMode": "AWS_MANAGED"},
            before=lambda eks: eks.state.clusters["c"]["resourcesVpcConfig"].update(controlPlaneEgressMode="CUSTOMER_ROUTED"),
        ),
        "cannot be changed from CUSTOMER_ROUTED",
    ),
    "two_authorities": (with_("CreateCertificateAuthority", before=successor("c")), "has a successor certificate authority already"),
    "successor_distributed": (
        with_("ActivateCertificateAuthority", before=successor("bare", distributionStatus="IN_PROGRESS")),
        "must be COMPLETE",
    ),
    "signer_stays": (with_("DeleteCertificateAuthority", certificateAuthorityId="old"), "is in use"),
    "rotation_finished": (with_("UpdateClusterVersion", before=successor("c")), "rotation of c is in progress: activate next first"),
    "endpoint_reachable": (with_("CreateCluster", resourcesVpcConfig={**VPC, "endpointPrivateAccess": False}), "cannot be false"),
    "security_groups_of_vpc": (with_("CreateCluster", resourcesVpcConfig={**VPC, "securityGroupIds": ["sg-2"]}), "not in the same VPC"),
    "cluster_role_assumable": (with_("CreateCluster", roleArn=f"{ARN}node"), "could not be assumed"),
    "auto_mode_role": (with_("CreateCluster", roleArn=f"{ARN}cluster"), "sts:TagSession"),
    "node_role_assumable": (with_("CreateNodegroup", nodeRole=f"{ARN}cluster"), "could not be assumed"),
    "pod_execution_role_assumable": (with_("CreateFargateProfile", podExecutionRoleArn=f"{ARN}node"), "could not be assumed"),
    "pod_role_assumable": (with_("CreatePodIdentityAssociation", roleArn=f"{ARN}node"), "could not be assumed"),
    "policy_without_tags": (with_("CreatePodIdentityAssociation", policy="{}"), "disableSessionTags must be set to true"),
    "principal_exists": (with_("CreateAccessEntry", principalArn=f"{ARN}absent"), "invalid principal"),
    "key_usable": (with_("CreateCluster", encryptionConfig=NO_KEY), "does not exist"),
    "auto_mode_together": (with_("CreateCluster", storageConfig={"blockStorage": {"enabled": False}}), "fully enabled or fully disabled"),
    "auto_mode_without_self_managed": (with_("CreateCluster", bootstrapSelfManagedAddons=True), "must be set to false"),
    "node_pools_with_role": (with_("CreateCluster", computeConfig={"enabled": True, "nodePools": ["general-purpose"]}), "nodeRoleArn"),
    "not_protected": (with_("DeleteCluster", before=cluster("bare", deletionProtection=True)), "deletion protection"),
    "nothing_attached": (with_("DeleteCluster", name="c"), "has nodegroups attached"),
    "cluster_settled": (with_("DeleteCluster", before=cluster("bare", status="UPDATING")), "status UPDATING"),
    "ami_type_exists": (with_("CreateNodegroup", amiType="AL2_x86_64"), "not supported for kubernetes version 1.35"),
    "architecture_fits": (with_("CreateNodegroup", instanceTypes=["m7g.large"]), "not a valid instance type"),
    "nodes_of_the_clusters_version": (with_("CreateNodegroup", version="1.34"), "not the cluster's version 1.35"),
    "nodes_not_ahead": (with_("UpdateNodegroupVersion", version="1.36"), "does not fit"),
    "sizes_together": (with_("CreateNodegroup", scalingConfig={"minSize": 1, "maxSize": 3}), "desiredSize: all or none"),
    "sizes_in_order": (with_("CreateNodegroup", scalingConfig={"minSize": 3, "desiredSize": 3, "maxSize": 2}), "can't be greater"),
    "subnets_of_cluster": (with_("CreateNodegroup", subnets=["subnet-other"]), "does not belong to the VPC"),
    "launch_template_exists": (with_("CreateNodegroup", launchTemplate={"id": "lt-1", "version": "7"}), "version 7 of lt-1 does not exist"),
    "launch_template_alone": (with_("CreateNodegroup", diskSize=50), "within the launch template"),
    "within_quota": (
        with_("CreateFargateProfile", before=lambda eks: [
            eks.state.children.update({("fargateProfile", "c", f"f{one}"): dict(eks.state.children["fargateProfile", "c", "f"])})
            for one in range(9)
        ]), "quota of fargate profiles",
    ),
    "one_profile_at_a_time": (with_("CreateFargateProfile", before=child("fargateProfile", "f", status="DELETING")), "in status DELETING"),
    "private_subnets": (with_("CreateFargateProfile", subnets=["subnet-public"]), "is not a private subnet"),
    "selectors_few": (with_("CreateFargateProfile", selectors=[{"namespace": str(one)} for one in range(6)]), "between 1 and 5"),
    "addon_settings_fit": (with_("CreateAddon", configurationValues='{"replicas": 3}'), r"\$\.: .*'replicas' was unexpected"),
    "addon_offered": (with_("CreateAddon", addonName="core-dns"), "not supported"),
    "groups_not_reserved": (with_("CreateAccessEntry", kubernetesGroups=["system:masters"]), "must not start with system:"),
    "entry_type_known": (with_("CreateAccessEntry", type="HYBRID"), "The type HYBRID is invalid"),
    "user_name_allowed": (with_("CreateAccessEntry", username="jo{{SessionName}}"), "needs a colon"),
    "node_entry_of_a_role": (
        with_(
            "CreateAccessEntry", type="HYBRID_LINUX", kubernetesGroups=[], principalArn="arn:aws:iam::123456789012:user/jo",
            before=lambda eks: eks.account.roles.update({"arn:aws:iam::123456789012:user/jo": None}),
        ),
        "needs an IAM role of account 123456789012",
    ),
    "people_have_policies": (
        with_("AssociateAccessPolicy", before=child("accessEntry", f"{ARN}app", type="EC2_LINUX")),
        "cannot be associated with an access entry of type EC2_LINUX",
    ),
    "remote_ranges_private": (
        with_("CreateCluster", remoteNetworkConfig={"remoteNodeNetworks": [{"cidrs": ["203.0.113.0/24"]}]}),
        "203.0.113.0/24 is not within 10.0.0.0/8",
    ),
    "remote_ranges_apart": (
        with_("CreateCluster", remoteNetworkConfig={"remoteNodeNetworks": [{"cidrs": ["10.1.128.0/24"]}]}),
        "10.1.128.0/24 overlaps the VPC's 10.1.0.0/16",
    ),
    "hybrid_cluster_fits": (with_("CreateCluster", accessConfig=OLD_MODE), "authentication mode to be one of"),
    "access_entries_on": (with_("CreateAccessEntry", before=cluster(accessConfig=OLD_MODE)), "authentication mode"),
    "access_policy_exists": (with_("AssociateAccessPolicy", policyArn=POLICY.replace("View", "NoSuch")), "could not be found"),
    "provider_is_new": (
        with_("AssociateIdentityProviderConfig", before=provider("other"), oidc={**OIDC, "identityProviderConfigName": "new"}),
        "other has this issuerUrl",
    ),
    "providers_are_few": (
        with_(
            "AssociateIdentityProviderConfig",
            before=lambda eks: [provider(f"p{n}", issuerUrl=f"https://{n}.example.com")(eks) for n in range(10)],
        ),
        "has 10",
    ),
    "nobody_of_the_system": (
        with_("AssociateIdentityProviderConfig", oidc={**OIDC, "groupsPrefix": "system:"}), "groupsPrefix can not have system:",
    ),
    "one_association": (with_("CreatePodIdentityAssociation", serviceAccount="s"), "already exists"),
}  # fmt: skip


@pytest.mark.parametrize("operation", GOOD)
def test_good_requests_pass(operation: str) -> None:
    account().call(operation, copy.deepcopy(GOOD[operation]))


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_every_rule_refuses(name: str) -> None:
    (operation, parameters, before), message = BAD[name]
    (rule,) = [one for one in RULES if one.name == name]
    assert operation in rule.operations
    eks = account()
    if before:
        before(eks)
    with pytest.raises(Refused, match=message) as refusal:
        eks.call(operation, parameters)
    assert refusal.value.code == rule.code


def test_every_rule_has_a_page_and_is_named_once() -> None:
    names = [rule.name for rule in RULES]
    assert sorted(names) == sorted(set(names)) == sorted(BAD)
    assert all(rule.page.startswith("https://") and rule.says.endswith(".") for rule in RULES)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            {"remoteNodeNetworks": [{"cidrs": ["10.85.128.0/20"]}]},
            "10.85.128.0/20 overlaps remotePodNetworks 10.85.0.0/16",
        ),
        ({"remotePodNetworks": [{"cidrs": ["10.100.4.0/24"]}]}, "overlaps the Services' 10.100.0.0/16"),
        ({"remoteNodeNetworks": [{"cidrs": ["10.80.0.1/16"]}]}, "10.80.0.1/16 is no IPv4 range"),
        ({"remoteNodeNetworks": [{"cidrs": ["fd00::/64"]}]}, "fd00::/64 is no IPv4 range"),
        ({"remoteNodeNetworks": [{"cidrs": ["172.0.0.0/8"]}]}, "172.0.0.0/8 is not within"),
        ({"remoteNodeNetworks": [{"cidrs": [f"192.168.{n}.0/24" for n in range(16)]}]}, "16 CIDRs .* quota is 15"),
        ({"remoteNodeNetworks": [{"cidrs": ["10.81.0.0/16"]}, {"cidrs": ["10.82.0.0/16"]}]}, "valid max length: 1"),
    ],
)
def test_an_update_of_remote_networks_is_judged_as_it_would_be(config: dict[str, Any], problem: str) -> None:
    eks = account()
    with pytest.raises(Refused, match=problem):
        eks.call("UpdateClusterConfig", {"name": "c", "remoteNetworkConfig": config})


def test_remote_networks_are_changed_part_by_part_and_taken_away() -> None:
    eks = account()

    def change(**config: Any) -> dict[str, Any]:
        update = settled(eks).call("UpdateClusterConfig", {"name": "c", "remoteNetworkConfig": config})["update"]
        assert update["type"] == "RemoteNetworkConfigUpdate"
        found: dict[str, Any] = settled(eks).call("DescribeCluster", {"name": "c"})["cluster"]["remoteNetworkConfig"]
        return found

    assert change(remoteNodeNetworks=[{"cidrs": ["172.20.0.0/16"]}]) == REMOTE | {
        "remoteNodeNetworks": [{"cidrs": ["172.20.0.0/16"]}]
    }
    assert change(remoteNodeNetworks=[], remotePodNetworks=[]) == {"remoteNodeNetworks": [], "remotePodNetworks": []}


def test_hybrid_nodes_need_ipv4_and_access_entries() -> None:
    eks = account()
    eks.state.clusters["c"]["kubernetesNetworkConfig"]["ipFamily"] = "ipv6"
    with pytest.raises(Refused, match="IPv4 address family only"):
        eks.call("UpdateClusterConfig", {"name": "c", "remoteNetworkConfig": REMOTE})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("EC2_LINUX", "system:node:{{EC2PrivateDNSName}}"),
        ("EC2_WINDOWS", "system:node:{{EC2PrivateDNSName}}"),
        ("HYBRID_LINUX", "system:node:{{SessionName}}"),
    ],
)
def test_eks_names_the_nodes_of_an_entry(kind: str, name: str) -> None:
    eks = account()
    entry = {**WHO, "principalArn": f"{ARN}node2", "type": kind}
    eks.account.roles[f"{ARN}node2"] = eks.account.roles[f"{ARN}node"]  # type: ignore[attr-defined]
    for bad in ({"kubernetesGroups": ["people"]}, {"username": "jo"}):
        with pytest.raises(Refused, match=f"cannot be set for an access entry of type {kind}"):
            eks.call("CreateAccessEntry", entry | bad)
    made = eks.call("CreateAccessEntry", entry)["accessEntry"]
    assert (made["username"], made["kubernetesGroups"]) == (name, ["system:nodes"])


def test_an_add_on_waits_for_a_place_and_recovers() -> None:
    eks = service()
    off = {
        "computeConfig": {"enabled": False},
        "storageConfig": {"blockStorage": {"enabled": False}},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": False}},
    }
    eks.call("CreateCluster", {**copy.deepcopy(GOOD["CreateCluster"]), "name": "c", **off})
    settled(eks).call("CreateAddon", {**WHO, "addonName": "coredns"})
    eks.call("CreateAddon", {**WHO, "addonName": "vpc-cni"})

    def status(name: str) -> str:
        return str(settled(eks).call("DescribeAddon", {**WHO, "addonName": name})["addon"]["status"])

    assert (status("coredns"), status("vpc-cni")) == ("DEGRADED", "ACTIVE")
    eks.call("CreateNodegroup", {**GOOD["CreateNodegroup"], "nodegroupName": "n"})
    settled(eks)
    assert status("coredns") == "ACTIVE"


def test_nodes_of_custom_pools_are_a_place_once_their_role_may_join() -> None:
    eks = service()
    auto = {**copy.deepcopy(GOOD["CreateCluster"]), "name": "c"}
    auto["computeConfig"] = {"enabled": True}
    eks.call("CreateCluster", auto)
    settled(eks).call("CreateAddon", {**WHO, "addonName": "coredns"})

    def status() -> str:
        return str(settled(eks).call("DescribeAddon", {**WHO, "addonName": "coredns"})["addon"]["status"])

    assert status() == "DEGRADED"
    eks.call("CreateAccessEntry", {**WHO, "principalArn": f"{ARN}node", "type": "EC2"})
    assert status() == "ACTIVE"


def test_a_certificate_authority_is_rotated() -> None:
    eks = service()
    eks.call("CreateCluster", {**copy.deepcopy(GOOD["CreateCluster"]), "name": "c"})
    settled(eks)
    (first,) = eks.call("ListCertificateAuthorities", WHO)["certificateAuthorities"]
    successor = eks.call("CreateCertificateAuthority", WHO)["certificateAuthority"]["id"]
    settled(eks).call("ActivateCertificateAuthority", {**WHO, "certificateAuthorityId": successor})
    settled(eks).call("UpdateClusterVersion", {"name": "c", "version": "1.36"})
    states = {
        one["id"]: one["signingStatus"] for one in eks.call("ListCertificateAuthorities", WHO)["certificateAuthorities"]
    }
    assert states == {first["id"]: "NOT_USED", successor: "IN_USE"}


def test_one_rollback_of_one_version() -> None:
    eks = account()

    def move(version: str, **options: Any) -> str:
        update = settled(eks).call("UpdateClusterVersion", {"name": "c", "version": version, **options})["update"]
        settled(eks)
        return str(update["type"])

    def move_nodes(version: str) -> None:
        settled(eks).call("UpdateNodegroupVersion", {**WHO, "nodegroupName": "n", "version": version})
        settled(eks)

    with pytest.raises(Refused, match=r"was not upgraded to 1\.35 in place"):
        move("1.34", force=True)
    assert move("1.36") == "VersionUpdate"
    move_nodes("1.36")
    with pytest.raises(Refused, match=r"roll node group\(s\) n back to 1.35"):
        move("1.35")
    move_nodes("1.35")
    assert move("1.35") == "VersionRollback"
    with pytest.raises(Refused, match=r"was not upgraded to 1\.35 in place"):
        move("1.34", force=True)
    assert move("1.36") == "VersionUpdate"
    move_nodes("1.36")
    assert move("1.35", force=True) == "VersionRollback"
    assert "_upgraded" not in eks.request("GET", "/clusters/c", {}, b"")[1].decode()


def test_what_eks_takes_though_it_looks_odd() -> None:
    eks = account()
    parameters = copy.deepcopy(GOOD["CreateCluster"])
    del parameters["bootstrapSelfManagedAddons"]
    eks.call("CreateCluster", parameters)
    for name in ("AmazonAIOpsAssistantPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEMRJobPolicy"):
        arn = POLICY.replace("AmazonEKSViewPolicy", name)
        eks.call("AssociateAccessPolicy", {**GOOD["AssociateAccessPolicy"], "policyArn": arn})
    with pytest.raises(Refused, match="format is not valid"):
        eks.call("AssociateAccessPolicy", {**GOOD["AssociateAccessPolicy"], "policyArn": "arn:aws:iam::aws:policy/X"})


@pytest.mark.parametrize(
    ("version", "ami"), [("1.29", "AL2_x86_64"), ("1.30", "AL2023_x86_64_STANDARD"), ("1.36", "AL2023_x86_64_STANDARD")]
)
def test_a_group_without_an_ami_type(version: str, ami: str) -> None:
    eks = account()
    eks.state.clusters["c"]["version"] = version
    group = {
        key: value
        for key, value in GOOD["CreateNodegroup"].items()
        if key not in ("amiType", "launchTemplate", "version")
    }
    made = eks.call("CreateNodegroup", group)["nodegroup"]
    assert (made["amiType"], made["version"]) == (ami, version)
    if version != "1.29":
        with pytest.raises(Refused, match=f"not a valid instance type for requested amiType {ami}"):
            eks.call("CreateNodegroup", {**group, "nodegroupName": "arm", "instanceTypes": ["m7g.large"]})
