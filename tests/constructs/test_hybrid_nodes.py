"""Hybrid nodes: what AWS gets to see of them, and what the people who join them get."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from eks_constructs.addon_plan import AddonSpec, plan_addons
from eks_constructs.compute.hybrid_nodes.handouts import INDEX, handouts
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec
from tests.constructs.mixes import mix_of
from tests.stacks.every_field import CA
from tests.support.environments import NODES, minimal, validated
from tests.support.templates import needs, of_type, only

ANCHOR = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/1234abcd-12ab-34cd-56ef-1234567890ab"
HYBRID = {
    "remote_node_networks": ["192.168.16.0/20"],
    "remote_pod_networks": ["192.168.64.0/18"],
    "credentials": {"ssm": {}},
    "sites": [{"name": "berlin"}],
}
CONNECTED = {"connections": [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}]}


def environment(*, beside=None, network=None, **fields):
    data = minimal({**({"managed_nodes": NODES} if beside is None else beside), "hybrid_nodes": {**HYBRID, **fields}})
    data["network"] |= {**CONNECTED, **(network or {})}
    return data


def anywhere(**fields):
    return environment(
        credentials={"iam_roles_anywhere": fields}, sites=[{"name": "berlin", "nodes": ["node-1", "node-2"]}]
    )


def compute(synth, data):
    return synth(data)["t-compute-c"]


def files(data):
    cluster = validated(data).clusters[0]
    found = dict(handouts(cluster.compute.hybrid_nodes, validated(data).context_of(cluster)))
    return {name.removeprefix("hybrid/c/"): text for name, text in found.items()}


def node_config(data, name="berlin/nodeConfig.yaml"):
    return yaml.safe_load(files(data)[name])["spec"]


def node_role(template):
    return next(one for one in of_type(template, "AWS::IAM::Role").values() if "Hybrid nodes" in one["Description"])


def policy(template):
    found = of_type(template, "AWS::IAM::ManagedPolicy").values()
    document = next(one["PolicyDocument"] for one in found if "Hybrid nodes" in one["Description"])
    return {one["Sid"]: one for one in document["Statement"]}


# The cluster and its network


def test_the_cluster_knows_the_ranges_and_can_let_go_of_them(synth):
    def config(data):
        return only(synth(data)["t-control-plane-c"], "AWS::EKS::Cluster").get("RemoteNetworkConfig")

    # At most one entry in each list; what an update leaves out would stay.
    nodes, pods = [{"Cidrs": ["192.168.16.0/20"]}], [{"Cidrs": ["192.168.64.0/18"]}]
    assert config(environment()) == {"RemoteNodeNetworks": nodes, "RemotePodNetworks": pods}
    unrouted = environment(remote_pod_networks=[], unrouted_pod_networks=["192.168.64.0/18"])
    assert config(unrouted) == {"RemoteNodeNetworks": nodes, "RemotePodNetworks": []}
    assert config(environment(enabled=False)) == {"RemoteNodeNetworks": [], "RemotePodNetworks": []}
    assert config(minimal()) is None


def test_what_is_switched_off_leaves_nothing_but_the_empty_lists(synth):
    template = compute(synth, environment(enabled=False))
    assert not [one for one in template["Resources"] if "Hybrid" in one]
    addons = {one["AddonName"]: one for one in of_type(template, "AWS::EKS::Addon").values()}
    assert addons["eks-pod-identity-agent"]["ConfigurationValues"] == "{}", "takes its second DaemonSet back"


def test_the_sites_reach_the_api_and_dns_in_the_vpc(synth):
    rules = of_type(compute(synth, environment()), "AWS::EC2::SecurityGroupIngress").values()
    found = {(one["CidrIp"], one["IpProtocol"], one["FromPort"], one["ToPort"]) for one in rules}
    ranges = ("192.168.16.0/20", "192.168.64.0/18")
    assert found == {
        (cidr, protocol, port, port) for cidr in ranges for protocol, port in (("tcp", 443), ("tcp", 53), ("udp", 53))
    }
    alone = of_type(compute(synth, environment(beside={})), "AWS::EC2::SecurityGroupIngress").values()
    assert {one["FromPort"] for one in alone} == {443}, "DNS is at the sites alone"


def test_the_endpoints_of_the_vpc_serve_the_sites_too(synth):
    network = {"interface_endpoints": True, "additional_endpoints": ["rolesanywhere"]}
    template = synth(environment(network=network))["t-egress"]
    (group,) = [
        one for one in of_type(template, "AWS::EC2::SecurityGroup").values() if "TLS" in one["GroupDescription"]
    ]
    clients = {one["CidrIp"] for one in group["SecurityGroupIngress"]}
    assert clients == {"10.0.0.0/16", "192.168.16.0/20", "192.168.64.0/18"}
    services = {json.dumps(one["ServiceName"]) for one in of_type(template, "AWS::EC2::VPCEndpoint").values()}
    assert any("rolesanywhere" in one for one in services)


def test_pods_need_no_route_where_the_gateway_of_aws_makes_them():
    narrow = {"connections": [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.16.0/20"]}]}
    assert validated(environment(network=narrow, hybrid_nodes_gateway=True))


def test_the_tunnels_of_the_gateway_reach_its_nodes(synth):
    rules = of_type(compute(synth, environment(hybrid_nodes_gateway=True)), "AWS::EC2::SecurityGroupIngress").values()
    tunnels = [(one["CidrIp"], one["IpProtocol"]) for one in rules if one["FromPort"] == 8472]
    assert tunnels == [("192.168.16.0/20", "udp")]


def test_nodes_of_auto_mode_may_run_the_gateway():
    assert validated(environment(beside={"auto_mode": {}}, hybrid_nodes_gateway=True))


# The role


def test_systems_manager_alone_takes_the_role_and_for_this_account_alone(synth):
    template = compute(synth, environment())
    made = node_role(template)
    (statement,) = made["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ssm.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "aws:SourceArn" in statement["Condition"]["ArnEquals"]
    names = json.dumps(made["ManagedPolicyArns"])
    assert "AmazonSSMManagedInstanceCore" in names
    assert "AmazonEC2ContainerRegistryPullOnly" in names
    rights = policy(template)
    assert set(rights) == {"FindTheCluster", "ServePodIdentity", "LeaveSystemsManager", "FindItself"}
    assert "ssm:resourceTag/EKSClusterARN" in rights["LeaveSystemsManager"]["Condition"]["StringEquals"]
    assert all("cluster/c" in json.dumps(rights[one]["Resource"]) for one in ("FindTheCluster", "ServePodIdentity"))


def test_a_certificate_takes_the_role_under_its_own_name(synth):
    template = compute(synth, anywhere(ca_bundle=CA, session_hours=4))
    made, profile = node_role(template), only(template, "AWS::RolesAnywhere::Profile")
    anchor_id, anchor = next(iter(of_type(template, "AWS::RolesAnywhere::TrustAnchor").items()))
    assert anchor["Source"] == {
        "SourceType": "CERTIFICATE_BUNDLE",
        "SourceData": {"X509CertificateData": CA.strip()},
    }
    tag, assume = made["AssumeRolePolicyDocument"]["Statement"]
    assert tag["Action"] == ["sts:TagSession", "sts:SetSourceIdentity"]
    assert assume["Action"] == "sts:AssumeRole"
    for one in (tag, assume):
        assert one["Condition"]["ArnEquals"] == {"aws:SourceArn": {"Fn::GetAtt": [anchor_id, "TrustAnchorArn"]}}
    assert assume["Condition"]["StringEquals"] == {"sts:RoleSessionName": "${aws:PrincipalTag/x509Subject/CN}"}
    assert profile["AcceptRoleSessionName"] is True
    assert profile["DurationSeconds"] == 4 * 3600 < made["MaxSessionDuration"]
    assert "ssm" not in json.dumps(policy(template))
    assert "SSM" not in json.dumps(made["ManagedPolicyArns"])


def test_an_anchor_that_exists_is_not_made_again(synth):
    template = compute(synth, anywhere(trust_anchor_arn=ANCHOR))
    assert of_type(template, "AWS::RolesAnywhere::TrustAnchor") == {}
    assert ANCHOR in json.dumps(node_role(template)["AssumeRolePolicyDocument"])


def test_the_role_joins_as_a_hybrid_node_and_follows_the_organisation(synth):
    data = environment()
    data["iam"] = {
        "path": "/platform/eks/",
        "name_prefix": "corp-",
        "permissions_boundary": "arn:aws:iam::123456789012:policy/Boundary",
    }
    data["clusters"][0]["name"] = "c" + "x" * 60
    template = synth(data)[f"t-compute-c{'x' * 60}"]
    made = node_role(template)
    assert made["Path"] == "/platform/eks/"
    assert made["PermissionsBoundary"].endswith("Boundary")
    # Systems Manager takes 64 characters of path and name.
    assert len("platform/eks/" + made["RoleName"]) <= 64
    entry = next(one for one in of_type(template, "AWS::EKS::AccessEntry").values() if one["Type"] == "HYBRID_LINUX")
    assert not {"AccessPolicies", "KubernetesGroups", "Username"} & set(entry)


def test_a_role_that_exists_is_used_as_it_is(synth):
    role = "arn:aws:iam::123456789012:role/corp/Hybrid"
    template = compute(synth, environment(role_arn=role))
    entry = next(one for one in of_type(template, "AWS::EKS::AccessEntry").values() if one["Type"] == "HYBRID_LINUX")
    assert entry["PrincipalArn"] == role
    assert json.loads(files(environment(role_arn=role))[INDEX])["role"] == "corp/Hybrid"


# Add-ons


def test_coredns_is_in_the_cloud_and_at_the_sites(synth):
    addons = of_type(compute(synth, environment()), "AWS::EKS::Addon").values()
    settings = {one["AddonName"]: json.loads(one.get("ConfigurationValues", "{}")) for one in addons}
    zones = settings["coredns"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert "topology.kubernetes.io/zone" in [one["podAffinityTerm"]["topologyKey"] for one in zones]
    assert "nodeSelector" not in settings["coredns"]
    assert settings["eks-pod-identity-agent"] == {"daemonsets": {"hybrid": {"create": True}}}
    assert settings["metrics-server"]["nodeSelector"] == {"eks-platform/compute-kind": "managed_nodes"}, (
        "the control plane calls its pods"
    )


def test_beside_auto_mode_the_sites_get_what_auto_mode_has_built_in():
    names = {addon.name for addon in plan_addons({}, mix_of(auto_mode="at_once", hybrid_nodes="once_applied"))}
    assert {"coredns", "kube-proxy", "eks-pod-identity-agent"} <= names
    assert "vpc-cni" not in names, "which does not run on hybrid nodes"


def test_alone_its_deployments_come_once_nodes_have_joined():
    planned = {addon.name: addon for addon in plan_addons({}, mix_of(hybrid_nodes="once_applied"))}
    assert planned["coredns"].after_pools
    assert not planned["kube-proxy"].after_pools
    assert not planned["eks-pod-identity-agent"].after_pools


def test_volumes_of_ebs_are_for_other_nodes():
    mix = mix_of(hybrid_nodes="once_applied")
    assert "aws-ebs-csi-driver" not in {addon.name for addon in plan_addons({}, mix)}
    with pytest.raises(ValueError, match="aws-ebs-csi-driver is for managed_nodes"):
        plan_addons({"aws-ebs-csi-driver": AddonSpec(enabled=True)}, mix)


# What people get


def test_the_file_of_a_site_has_its_labels_and_taints_and_no_secret():
    site = {
        "name": "berlin",
        "labels": {"line": "press"},
        "taints": [{"key": "line", "value": "press", "effect": "NoSchedule"}],
    }
    spec = node_config(environment(sites=[site]))
    assert spec["kubelet"]["flags"] == ["--node-labels=topology.kubernetes.io/zone=berlin,line=press"]
    assert spec["kubelet"]["config"] == {"registerWithTaints": site["taints"]}
    assert spec["hybrid"]["ssm"] == {"activationCode": "${ACTIVATION_CODE}", "activationId": "${ACTIVATION_ID}"}
    assert spec["hybrid"]["enableCredentialsFile"] is True


def test_the_agent_that_is_switched_off_gets_no_credentials_file():
    data = environment()
    data["clusters"][0]["addons"] = {"eks-pod-identity-agent": {"enabled": False}, "vpc-cni": {"role_arn": ROLE}}
    data["clusters"][0]["addons"] |= {"aws-ebs-csi-driver": {"enabled": False}}
    assert "enableCredentialsFile" not in node_config(data)["hybrid"]


ROLE = "arn:aws:iam::123456789012:role/cni"


def test_with_certificates_each_node_has_a_file_that_bears_its_name():
    data = anywhere(trust_anchor_arn=ANCHOR)
    for name in ("node-1", "node-2"):
        found = node_config(data, f"berlin/{name}.yaml")["hybrid"]["iamRolesAnywhere"]
        assert found["nodeName"] == name
        assert found["privateKeyPath"] == "/etc/iam/pki/server.key"
    assert "berlin/nodeConfig.yaml" not in files(data)


def test_the_steps_install_what_the_site_is():
    site = {"name": "porto", "operating_system": "rhel-9", "architecture": "arm64", "kubernetes_version": "1.34"}
    steps = files(environment(sites=[site]))["porto/README.md"]
    assert "linux/arm64/nodeadm" in steps
    assert "nodeadm install 1.34 --credential-provider ssm" in steps
    assert "--containerd-source docker" in steps, "RHEL's own containerd is none of nodeadm's sources"


@pytest.mark.parametrize("per_node", [32, 64, 128, 256])
def test_cilium_runs_on_hybrid_nodes_alone_and_has_the_ranges_of_pods(per_node):
    values = yaml.safe_load(files(environment(pods_per_node=per_node))["cilium-values.yaml"])
    for affinity in (values["affinity"], values["operator"]["affinity"]):
        (term,) = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"] == [
            {"key": "eks.amazonaws.com/compute-type", "operator": "In", "values": ["hybrid"]}
        ]
    pool = values["ipam"]["operator"]
    assert pool["clusterPoolIPv4PodCIDRList"] == ["192.168.64.0/18"]
    assert IPv4Network(f"192.168.64.0/{pool['clusterPoolIPv4MaskSize']}").num_addresses == per_node
    assert values["operator"]["unmanagedPodWatcher"] == {"restart": False}, "it would restart pods in the VPC"


def test_the_operator_of_cilium_finds_a_node_where_every_site_has_a_taint():
    def tolerations(*taints):
        sites = [
            {"name": f"site-{number}", "taints": [{"key": key, "value": "x", "effect": effect}] if key else []}
            for number, (key, effect) in enumerate(taints)
        ]
        values = yaml.safe_load(files(environment(sites=sites))["cilium-values.yaml"])
        return values["operator"].get("tolerations")

    assert tolerations(("line", "NoSchedule"), ("", "")) is None
    assert tolerations(("line", "PreferNoSchedule")) is None
    found = tolerations(("line", "NoSchedule"), ("other", "NoExecute"))
    # A list of its own takes the place of the chart's.
    assert {one["key"] for one in found} > {
        "line",
        "other",
        "node.cilium.io/agent-not-ready",
        "node.kubernetes.io/not-ready",
    }


@pytest.mark.parametrize(("version", "source"), [("1.35", ""), ("1.36", " --containerd-source docker")])
def test_ubuntu_gets_containerd_2_from_where_it_is(version, source):
    site = {"name": "berlin", "operating_system": "ubuntu-24.04", "kubernetes_version": version}
    steps = files(environment(sites=[site]))["berlin/README.md"]
    (line,) = [line for line in steps.splitlines() if "nodeadm install" in line]
    assert line.endswith("--region ${AWS_REGION}" + source)


def test_a_policy_for_the_agent_of_the_node_has_no_peers_here():
    from stacks.objects.rendering import placed_workloads

    def egress(compute):
        data = environment()
        data["clusters"][0]["workloads"] = [{"name": "bucket-reader", "compute": compute}]
        built = validated(data)
        (workload,) = placed_workloads(built.clusters[0], built)
        (policy,) = [one for one in workload.objects if one["metadata"]["name"] == "allow-aws"]
        return [rule for rule in policy["spec"]["egress"] if {"protocol": "TCP", "port": 80} in rule["ports"]]

    assert egress("hybrid_nodes") == [{"ports": [{"protocol": "TCP", "port": 80}]}]
    (rule,) = egress("managed_nodes")
    assert rule["to"][0] == {"ipBlock": {"cidr": "169.254.170.23/32"}}


def test_cilium_is_the_newest_that_every_site_runs():
    assert "--version 1.18." in files(environment())["README.md"]
    old = [{"name": "berlin"}, {"name": "porto", "operating_system": "ubuntu-20.04", "kubernetes_version": "1.34"}]
    assert "--version 1.17." in files(environment(sites=old))["README.md"]


def test_each_site_announces_pods_to_its_own_router():
    bgp = {"local_asn": 65010, "peer_asn": 65000, "peer_address": "192.168.16.1"}
    found = list(yaml.safe_load_all(files(environment(sites=[{"name": "berlin", "bgp": bgp}]))["cilium-bgp.yaml"]))
    (cluster,) = [one for one in found if one["kind"] == "CiliumBGPClusterConfig"]
    assert cluster["spec"]["nodeSelector"]["matchLabels"]["topology.kubernetes.io/zone"] == "berlin"
    (instance,) = cluster["spec"]["bgpInstances"]
    assert (instance["localASN"], instance["peers"][0]["peerASN"]) == (65010, 65000)
    assert "cilium-bgp.yaml" not in files(environment())


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_firewall_lets_in_what_the_control_plane_calls():
    table = rows(files(environment(sites=[{"name": "berlin", "cidr": "192.168.17.0/24"}]))["berlin/firewall.md"])
    found = {(row[0], row[1], row[2], row[3].split(" ")[0], row[4].split(" ")[0]) for row in table}
    assert ("in", "tcp", "10250", "10.0.0.0/16", "192.168.17.0/24") in found
    assert ("out", "tcp", "443", "192.168.17.0/24", "10.0.0.0/16") in found
    assert ("both", "udp", "8472", "192.168.17.0/24", "192.168.16.0/20") in found, "tunnels lead to other sites, too"
    assert any("ssm." in row[4] for row in table)
    assert not any("rolesanywhere" in row[4] for row in table)


def test_the_firewall_has_nothing_for_what_a_site_does_not_use():
    data = environment(
        beside={},
        remote_pod_networks=[],
        unrouted_pod_networks=["192.168.64.0/18"],
        credentials={"iam_roles_anywhere": {"trust_anchor_arn": ANCHOR}},
        sites=[{"name": "berlin", "nodes": ["n"]}],
    )
    table = rows(files(data)["berlin/firewall.md"])
    assert any("rolesanywhere" in row[4] for row in table)
    assert not any("ssm" in row[4] for row in table)
    assert not any("192.168.64" in " ".join(row) for row in table), "no network has these addresses"
    assert [row for row in table if row[0] == "in"] == [row for row in table if row[2] == "10250"]


def test_the_index_names_every_other_file():
    found = files(environment())
    assert set(json.loads(found[INDEX])["files"]) | {INDEX} == set(found)


# The rules


def test_a_ca_is_read_from_a_file(tmp_path: Path):
    (tmp_path / "ca.pem").write_text(CA + "\n" + CA)
    spec = {**HYBRID, "credentials": {"iam_roles_anywhere": {"ca_bundle": "ca.pem"}}}
    spec["sites"] = [{"name": "berlin", "nodes": ["n"]}]
    made = HybridNodesSpec.model_validate(spec, context={"paths": {"ca.pem": tmp_path / "ca.pem"}})
    assert made.credentials.iam_roles_anywhere.ca_bundle.count("BEGIN CERTIFICATE") == 2


def test_the_add_ons_that_nodes_need_come_before_them_and_the_rest_after_the_cloud_nodes(synth):
    template = compute(synth, environment())
    groups = set(of_type(template, "AWS::EKS::Nodegroup"))
    addons = {one["AddonName"]: key for key, one in of_type(template, "AWS::EKS::Addon").items()}
    assert groups <= needs(template, addons["coredns"])
    (entry,) = [key for key, one in of_type(template, "AWS::EKS::AccessEntry").items() if one["Type"] == "HYBRID_LINUX"]
    assert any("NodeRole" in one for one in needs(template, entry))
