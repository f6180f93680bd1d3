"""The cluster itself: what is on by default, and the knobs of its components."""

import pytest

from tests.support.environments import ENVIRONMENTS, NODES, environment_data, minimal
from tests.support.synth import assembled
from tests.support.templates import of_type, only


def cluster(templates, name="t-control-plane-c"):
    return only(templates[name], "AWS::EKS::Cluster")


def with_plane(**plane):
    data = minimal()
    data["clusters"][0]["control_plane"] |= plane
    return data


def test_a_cluster_is_private_logged_encrypted_and_protected_by_default(synth):
    properties = cluster(synth(minimal()))
    assert properties["ResourcesVpcConfig"]["EndpointPrivateAccess"] is True
    assert properties["ResourcesVpcConfig"]["EndpointPublicAccess"] is False
    assert {kind["Type"] for kind in properties["Logging"]["ClusterLogging"]["EnabledTypes"]} == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    assert properties["EncryptionConfig"][0]["Resources"] == ["secrets"]
    assert properties["AccessConfig"] == {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False}
    assert properties["DeletionProtection"] is True
    assert properties["UpgradePolicy"] == {"SupportType": "STANDARD"}


def test_the_control_plane_is_routed_through_the_vpc_only_where_the_file_says_so(synth):
    assert "ControlPlaneEgressMode" not in cluster(synth(minimal()))["ResourcesVpcConfig"]
    routed = cluster(synth(with_plane(egress="CUSTOMER_ROUTED")))
    assert routed["ResourcesVpcConfig"]["ControlPlaneEgressMode"] == "CUSTOMER_ROUTED"


def test_a_successor_certificate_authority_stays_with_the_cluster(synth):
    template = synth(with_plane(certificate_authority={"successor": True}))["t-access-c"]
    (successor,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::EKS::CertificateAuthority"]
    assert successor["DeletionPolicy"] == "Retain"
    assert successor["Properties"] == {"ClusterName": "c"}
    assert "SuccessorCertificateAuthorityId" in template["Outputs"]


def test_knobs_that_are_not_set_are_not_in_the_template(synth):
    properties = cluster(synth(minimal()))
    for name in (
        "KubeApiServerConfig",
        "KubeSchedulerConfig",
        "KubeControllerManagerConfig",
        "ControlPlaneScalingConfig",
    ):
        assert name not in properties


@pytest.mark.parametrize(
    ("plane", "name", "expected"),
    [
        ({"api_server": {"event_ttl": "30m"}}, "KubeApiServerConfig", {"EventTtl": "30m"}),
        (
            {"api_server": {"node_port_range": {"min_port": 30000, "max_port": 30100}}},
            "KubeApiServerConfig",
            {"ServiceNodePortRange": {"MinPort": 30000, "MaxPort": 30100}},
        ),
        (
            {"scheduler": {"scoring_strategy": "MostAllocated", "resource_weights": [{"name": "cpu", "weight": 3}]}},
            "KubeSchedulerConfig",
            {
                "NodeResourcesFit": {
                    "ScoringStrategy": {"Type": "MostAllocated", "Resources": [{"Name": "cpu", "Weight": 3}]}
                }
            },
        ),
        (
            {"controller_manager": {"terminated_pod_gc_threshold": 100}},
            "KubeControllerManagerConfig",
            {"PodGcControllerConfig": {"TerminatedPodGcThreshold": 100}},
        ),
        (
            {"controller_manager": {"hpa_sync_period": "10s"}, "scaling_tier": "tier-xl"},
            "KubeControllerManagerConfig",
            {"HorizontalPodAutoscalerControllerConfig": {"HorizontalPodAutoscalerSyncPeriod": "10s"}},
        ),
        ({"scaling_tier": "tier-2xl"}, "ControlPlaneScalingConfig", {"Tier": "tier-2xl"}),
        ({"zonal_shift": True}, "ZonalShiftConfig", {"Enabled": True}),
        ({"support": "EXTENDED"}, "UpgradePolicy", {"SupportType": "EXTENDED"}),
        ({"rollback_timeout_minutes": 240}, "RollbackConfig", {"TimeoutMinutes": 240}),
        ({"certificate_authority": {"active_id": "ca-1"}}, "ActiveCertificateAuthorityId", "ca-1"),
    ],
)
def test_knobs(synth, plane, name, expected):
    assert cluster(synth(with_plane(**plane)))[name] == expected


def test_a_public_endpoint_has_its_networks(synth):
    properties = cluster(synth(with_plane(endpoint={"public_access_cidrs": ["203.0.113.0/24"]})))["ResourcesVpcConfig"]
    assert properties["EndpointPublicAccess"] is True
    assert properties["PublicAccessCidrs"] == ["203.0.113.0/24"]
    assert properties["EndpointPrivateAccess"] is True


def test_an_own_key_takes_the_place_of_ours(synth):
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    templates = synth(with_plane(etcd={"kms_key_arn": arn}))
    assert cluster(templates)["EncryptionConfig"][0]["Provider"]["KeyArn"] == arn
    assert len(of_type(templates["t-foundation"], "AWS::KMS::Key")) == 1, "the key of the log groups"


def test_cloudformation_refuses_to_take_role_and_key_from_under_a_cluster(synth):
    templates = synth(minimal())
    properties = cluster(templates)
    exports = {
        output["Export"]["Name"]: output["Value"]
        for output in templates["t-foundation"]["Outputs"].values()
        if "Export" in output
    }
    names = {
        properties["RoleArn"]["Fn::ImportValue"],
        properties["EncryptionConfig"][0]["Provider"]["KeyArn"]["Fn::ImportValue"],
    }
    names.add(properties["ComputeConfig"]["NodeRoleArn"]["Fn::ImportValue"])
    assert names == set(exports)
    assert {value["Fn::GetAtt"][0] for value in exports.values()} == {"CClusterRole", "CEtcdKey", "CAutoNodeRole"}


def test_only_the_cluster_can_take_its_role(synth):
    templates = synth(minimal({"managed_nodes": NODES}))
    role = templates["t-foundation"]["Resources"]["CClusterRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1] == ":cluster/c"


@pytest.mark.parametrize("enabled", [True, False])
def test_with_auto_mode_the_trust_asks_for_nothing_that_is_not_documented(synth, enabled):
    templates = synth(minimal({"auto_mode": {"enabled": enabled}, "managed_nodes": NODES}))
    role = templates["t-foundation"]["Resources"]["CClusterRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert "Condition" not in statement


@pytest.mark.parametrize(
    ("compute", "tag_session", "policies"),
    [
        ({"managed_nodes": NODES}, False, {"AmazonEKSClusterPolicy"}),
        (
            {"auto_mode": {}},
            True,
            {
                "AmazonEKSClusterPolicy",
                "AmazonEKSComputePolicy",
                "AmazonEKSBlockStoragePolicyV2",
                "AmazonEKSLoadBalancingPolicy",
                "AmazonEKSNetworkingPolicy",
            },
        ),
    ],
    ids=["managed nodes", "auto mode"],
)
def test_the_cluster_role_has_what_its_compute_needs(synth, compute, tag_session, policies):
    role = synth(minimal(compute))["t-foundation"]["Resources"]["CClusterRole"]["Properties"]
    assert {arn["Fn::Join"][1][-1].split("/")[-1] for arn in role["ManagedPolicyArns"]} == policies
    assert ("sts:TagSession" in role["AssumeRolePolicyDocument"]["Statement"][0]["Action"]) == tag_session


def test_the_log_group_is_there_before_eks_would_make_one(synth):
    template = synth(minimal())["t-foundation"]
    groups = {value["LogGroupName"]: value for value in of_type(template, "AWS::Logs::LogGroup").values()}
    group = groups["/aws/eks/c/cluster"]
    assert group["RetentionInDays"] == 365
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["LogsKey", "Arn"]}
    statements = template["Resources"]["LogsKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert statements[1]["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]


def test_keys_rotate(synth):
    assert all(
        key["EnableKeyRotation"] is True for key in of_type(synth(minimal())["t-foundation"], "AWS::KMS::Key").values()
    )


def test_names_that_cannot_move(synth):
    templates = synth(
        minimal({"auto_mode": {}, "fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}})
    )
    assert {
        "LogsKey",
        "FlowLogs",
        "CEtcdKey",
        "CClusterRole",
        "CAutoNodeRole",
        "CControlPlaneLogs",
        "CFargateLogs",
    } <= set(templates["t-foundation"]["Resources"])
    assert "Cluster" in templates["t-control-plane-c"]["Resources"]


def test_the_zones_of_a_cluster_can_be_pinned_before_the_network_grows(synth):
    data = with_plane(zones=2)
    data["network"]["availability_zones"] = 3
    properties = cluster(synth(data))
    assert len(properties["ResourcesVpcConfig"]["SubnetIds"]) == 2


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_first_deploy_of_a_protected_cluster_can_be_rolled_back(synth, name):
    """EKS deletes a protected cluster that is creating or failed, so nothing may fail in its stack once it is active."""
    for stack, template in synth(name).items():
        if clusters := of_type(template, "AWS::EKS::Cluster"):
            assert set(template["Resources"]) == set(clusters), stack


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_destroy_is_refused_at_its_first_stack(name):
    """The CLI deletes in the reverse order, and CloudFormation refuses a stack with termination protection before anything."""
    import json

    artifacts = json.loads((assembled(name).folder / "manifest.json").read_text())["artifacts"]
    stacks = {key: one for key, one in artifacts.items() if one["type"] == "aws:cloudformation:stack"}
    last = {key for key, one in stacks.items() if one["properties"].get("terminationProtection")}
    data = environment_data(name)
    protected = [
        one["name"]
        for one in data["clusters"]
        if not one.get("existing") and one["control_plane"].get("deletion_protection", True)
    ]
    assert last == {f"{data['name']}-protection-{cluster}" for cluster in protected}
    for cluster in data["clusters"] if protected else []:
        own = {
            key for key in stacks if key.startswith(tuple(f"{data['name']}-{part}-{cluster['name']}" for part in PARTS))
        }
        assert own <= before(artifacts, f"{data['name']}-protection-{cluster['name']}")


PARTS = ("control-plane", "access", "compute", "workloads")


def before(artifacts, name):
    """Everything that is deployed before a stack, and so deleted after it."""
    found = set()
    for one in artifacts[name].get("dependencies", ()):
        found |= {one, *before(artifacts, one)}
    return found


def test_to_close_a_public_endpoint_its_networks_stay(synth):
    properties = cluster(
        synth(with_plane(endpoint={"public_access": False, "public_access_cidrs": ["203.0.113.0/24"]}))
    )["ResourcesVpcConfig"]
    assert properties["EndpointPublicAccess"] is False
    assert properties["PublicAccessCidrs"] == ["203.0.113.0/24"]


def test_networks_beside_the_vpc_reach_the_private_endpoint_by_named_rules(synth):
    endpoint = {
        "private_access_cidrs": ["192.168.0.0/16", "203.0.113.0/24", "10.1.0.0/24", "10.10.0.0/24"],
        "private_access_security_groups": ["sg-0123456789abcdef0"],
        "private_access_prefix_lists": ["pl-0123456789abcdef0"],
    }
    data = minimal(control_plane={"kubernetes_version": "1.36", "endpoint": endpoint})
    templates = synth(data)
    template = templates["t-access-c"]
    rules = of_type(template, "AWS::EC2::SecurityGroupIngress").values()
    sources = {
        rule.get("CidrIp") or rule.get("SourceSecurityGroupId") or rule.get("SourcePrefixListId") for rule in rules
    }
    assert sources == {one for named in endpoint.values() for one in named}
    for rule in rules:
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
        assert rule["GroupId"]["Fn::GetStackOutput"]["StackName"] == "t-control-plane-c"
        assert rule["Description"]
    vpc = only(templates["t-control-plane-c"], "AWS::EKS::Cluster")["ResourcesVpcConfig"]
    assert vpc["EndpointPublicAccess"] is False
