"""The three kinds of compute, each by itself: what AWS gets to see of the nodes, pools and profiles."""

import fnmatch
import itertools
import json

import boto3
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from eks_constructs.compute.fargate.spec import FargateSelectorSpec, globs_meet
from eks_constructs.compute.managed_nodes.spec import AmiType, NodeGroupSpec
from eks_facts.instances import ami_types
from tests.support.environments import NODES, minimal
from tests.support.synth import assembled
from tests.support.templates import of_type, only


def group(**fields):
    return {"groups": [{"name": "general", "instance_types": ["m7i.large"], "min_size": 1, **fields}]}


def node_resources(synth, compute):
    template = synth(minimal({"managed_nodes": compute}))["t-compute-c"]
    return (
        only(template, "AWS::EKS::Nodegroup"),
        only(template, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"],
        template,
    )


def test_nodes_are_hardened_by_default(synth):
    nodes, launch, _ = node_resources(synth, group())
    assert nodes["AmiType"] == "AL2023_x86_64_STANDARD"
    assert nodes["ForceUpdateEnabled"] is False
    assert nodes["NodeRepairConfig"] == {"Enabled": True}
    assert nodes["UpdateConfig"]["MaxUnavailablePercentage"] == 33
    assert nodes["Version"] == "1.36"
    assert launch["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    }
    assert launch["BlockDeviceMappings"] == [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {"DeleteOnTermination": True, "Encrypted": True, "VolumeSize": 50, "VolumeType": "gp3"},
        }
    ]
    # EKS refuses a launch template that sets what the node group sets.
    assert not {"ImageId", "InstanceType", "IamInstanceProfile", "UserData"} & set(launch)
    assert "DiskSize" not in nodes


def test_bottlerocket_has_two_volumes_and_both_are_encrypted(synth):
    _, launch, _ = node_resources(synth, group(ami_type="BOTTLEROCKET_x86_64", volume_gib=80))
    assert [
        (volume["DeviceName"], volume["Ebs"].get("VolumeSize"), volume["Ebs"]["Encrypted"])
        for volume in launch["BlockDeviceMappings"]
    ] == [
        ("/dev/xvda", None, True),
        ("/dev/xvdb", 80, True),
    ]


def test_the_node_role_has_no_cni_policy_and_ssm_only_when_asked(synth):
    _, _, plain = node_resources(synth, group())
    _, _, managed = node_resources(synth, {**group(), "session_manager": True})
    for template, ssm in ((plain, False), (managed, True)):
        (role,) = [value for key, value in of_type(template, "AWS::IAM::Role").items() if "NodeRole" in key]
        names = {arn["Fn::Join"][1][-1].split("/")[-1] for arn in role["ManagedPolicyArns"]}
        assert names == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"} | (
            {"AmazonSSMManagedInstanceCore"} if ssm else set()
        )


def test_spot_taints_labels_and_sizes(synth):
    taint = {"key": "workload", "value": "batch", "effect": "NoSchedule"}
    compute = {
        "groups": [
            *NODES["groups"],
            {
                "name": "spot",
                "capacity": "spot",
                "instance_types": ["m7i.large", "m6i.large"],
                "min_size": 0,
                "max_size": 9,
                "labels": {"a": "b"},
                "taints": [taint],
            },
        ]
    }
    template = synth(minimal({"managed_nodes": compute}))["t-compute-c"]
    (spot,) = [value for value in of_type(template, "AWS::EKS::Nodegroup").values() if value["CapacityType"] == "SPOT"]
    assert spot["ScalingConfig"] == {"MinSize": 0, "DesiredSize": 0, "MaxSize": 9}
    assert spot["Taints"] == [{"Key": "workload", "Value": "batch", "Effect": "NO_SCHEDULE"}]
    assert spot["Labels"] == {"a": "b", "eks-platform/compute-kind": "managed_nodes"}


def test_instances_and_volumes_carry_the_environments_tags(synth):
    data = minimal({"managed_nodes": group()})
    data["tags"] = {"owner": "me"}
    launch = only(synth(data)["t-compute-c"], "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    for specification in launch["TagSpecifications"]:
        assert {"Key": "owner", "Value": "me"} in specification["Tags"]
    assert {specification["ResourceType"] for specification in launch["TagSpecifications"]} == {"instance", "volume"}


def test_a_release_pins_the_ami_and_leaves_the_version_to_it(synth):
    nodes, _, _ = node_resources(synth, group(release_version="1.36.1-20261112"))
    assert nodes["ReleaseVersion"] == "1.36.1-20261112"
    assert "Version" not in nodes


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        ("m7g.large", "arm64"),
        ("c7gn.large", "arm64"),
        ("t4g.nano", "arm64"),
        ("x2gd.large", "arm64"),
        ("im4gn.large", "arm64"),
        ("a1.large", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("p6e-gb200.36xlarge", "arm64"),
        ("p6-b200.48xlarge", "x86_64"),
        ("r8g.metal-24xl", "arm64"),
        ("m7i.large", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("g4dn.xlarge", "x86_64"),
        ("c7i-flex.large", "x86_64"),
        ("u-6tb1.metal", "x86_64"),
        ("p4d.24xlarge", "x86_64"),
        ("inf2.xlarge", "x86_64"),
        ("m7a.large", "x86_64"),
        ("mac2.metal", "x86_64"),
    ],
)
def test_the_name_of_an_instance_type_tells_its_processor(instance_type, architecture):
    # Accelerators need drivers.
    kind = "NVIDIA" if instance_type[0] in "gp" else "NEURON" if instance_type.startswith("inf") else "STANDARD"
    ami = {"arm64": f"AL2023_ARM_64_{kind.replace('NEURON', 'STANDARD')}", "x86_64": f"AL2023_x86_64_{kind}"}
    NodeGroupSpec(name="a", instance_types=[instance_type], ami_type=ami[architecture])
    wrong = ami["x86_64" if architecture == "arm64" else "arm64"]
    with pytest.raises(ValueError, match=architecture):
        NodeGroupSpec(name="a", instance_types=[instance_type], ami_type=wrong)


def test_ami_types_are_those_of_the_api_and_none_is_al2():
    api = set(boto3.client("eks", region_name="us-east-1").meta.service_model.shape_for("AMITypes").enum)
    ours = set(AmiType.__args__)
    assert ours <= api
    known = ami_types()
    assert set(known) | {"CUSTOM"} == api
    assert ours == {
        one.name
        for one in known.values()
        if one.family in ("al2023", "bottlerocket", "windows") and "_2019_" not in one.name
    }
    assert not any(one.startswith("AL2_") for one in ours)


def test_fargate_takes_private_subnets_and_its_role_only_from_this_cluster(synth):
    templates = synth("fargate")
    template = templates["fargate-compute-fargate"]
    for profile in of_type(template, "AWS::EKS::FargateProfile").values():
        for subnet in profile["Subnets"]:
            assert "PrivateSubnet" in subnet["Fn::GetStackOutput"]["OutputName"]
    (role,) = [value for key, value in of_type(template, "AWS::IAM::Role").items() if "PodExecution" in key]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "eks-fargate-pods.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1] == ":fargateprofile/fargate/*"


def test_pods_on_fargate_log_to_the_foundations_group(synth):
    templates = synth("fargate")
    groups = {
        value["LogGroupName"] for value in of_type(templates["fargate-foundation"], "AWS::Logs::LogGroup").values()
    }
    assert "/aws/eks/fargate/fargate" in groups
    (policy,) = [
        value
        for key, value in of_type(templates["fargate-compute-fargate"], "AWS::IAM::ManagedPolicy").items()
        if "PodExecution" in key
    ]
    assert "/aws/eks/fargate/fargate" in json.dumps(policy["PolicyDocument"])
    assert "logs:CreateLogGroup" not in json.dumps(policy["PolicyDocument"])


TEXT = st.text("ab*?", max_size=5)


@given(TEXT, TEXT)
def test_patterns_meet_exactly_when_some_text_matches_both(one, other):
    texts = ("".join(letters) for length in range(8) for letters in itertools.product("abc", repeat=length))
    brute = any(fnmatch.fnmatchcase(text, one) and fnmatch.fnmatchcase(text, other) for text in texts)
    assert globs_meet(one, other) == brute


def test_selectors_with_contradicting_labels_do_not_overlap():
    blue, green = ({"namespace": "a*", "labels": {"color": color}} for color in ("blue", "green"))
    assert not FargateSelectorSpec(**blue).overlaps(FargateSelectorSpec(**green))
    assert FargateSelectorSpec(**blue).overlaps(FargateSelectorSpec(namespace="ab", labels={"size": "s"}))


@pytest.mark.parametrize(
    ("auto", "pools"),
    [({}, ["general-purpose", "system"]), ({"built_in_node_pools": ["system"]}, ["system"])],
)
def test_auto_mode_is_on_as_a_whole(synth, auto, pools):
    properties = only(synth(minimal({"auto_mode": auto}))["t-control-plane-c"], "AWS::EKS::Cluster")
    assert properties["ComputeConfig"]["Enabled"] is True
    assert properties["ComputeConfig"]["NodePools"] == pools
    assert properties["KubernetesNetworkConfig"]["ElasticLoadBalancing"] == {"Enabled": True}
    assert properties["StorageConfig"] == {"BlockStorage": {"Enabled": True}}


def test_auto_mode_switched_off_keeps_its_roles_for_the_clean_up(synth):
    on, off = (synth(minimal({"auto_mode": {"enabled": enabled}, "managed_nodes": NODES})) for enabled in (True, False))
    assert on["t-foundation"] == off["t-foundation"]
    properties = only(off["t-control-plane-c"], "AWS::EKS::Cluster")
    assert properties["ComputeConfig"] == {"Enabled": False}
    assert properties["StorageConfig"] == {"BlockStorage": {"Enabled": False}}


def test_built_in_pools_are_switched_off_by_an_empty_list(synth):
    properties = only(
        synth(minimal({"auto_mode": {"built_in_node_pools": [], **POOLS}}))["t-control-plane-c"], "AWS::EKS::Cluster"
    )
    assert properties["ComputeConfig"] == {"Enabled": True, "NodePools": []}


POOLS = {
    "node_classes": [{"name": "own", "ephemeral_storage_gib": 120}],
    "node_pools": [{"name": "batch", "node_class": "own", "capacity": ["spot"], "weight": 5}],
}


def test_custom_node_classes_have_a_role_of_their_own_and_a_way_in(synth):
    templates = synth(minimal({"auto_mode": POOLS}))
    role = templates["t-foundation"]["Resources"]["CAutoCustomNodeRole"]["Properties"]
    assert role["RoleName"] == "t-c-auto-custom"
    (entry,) = [
        value for value in of_type(templates["t-compute-c"], "AWS::EKS::AccessEntry").values() if value["Type"] == "EC2"
    ]
    assert entry["AccessPolicies"][0]["PolicyArn"]["Fn::Join"][1][-1].endswith("/AmazonEKSAutoNodePolicy")
    assert "AutoCustomNodeRole" in entry["PrincipalArn"]["Fn::GetStackOutput"]["OutputName"], (
        "weak: it can be let go of"
    )


def manifests(data):
    files = assembled(data).files["c"]
    return {name: list(yaml.safe_load_all(text)) for name, text in files.items()}


def test_node_pools_and_classes_as_kubernetes_objects():
    files = manifests(minimal({"auto_mode": POOLS}))
    (node_class,), (pool,) = files["20-node-classes.yaml"], files["21-node-pools.yaml"]
    assert node_class["apiVersion"] == "eks.amazonaws.com/v1"
    assert node_class["spec"]["role"] == "t-c-auto-custom"
    assert node_class["spec"]["subnetSelectorTerms"] == [
        {"tags": {"eks-platform/network": "t", "eks-platform/tier": "private"}}
    ]
    assert node_class["spec"]["ephemeralStorage"] == {"size": "120Gi"}
    assert pool["apiVersion"] == "karpenter.sh/v1"
    template = pool["spec"]["template"]["spec"]
    assert template["nodeClassRef"] == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "own"}
    assert {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]} in template["requirements"]
    assert pool["spec"]["limits"] == {"cpu": "100"}
    assert pool["spec"]["weight"] == 5


def test_node_classes_find_pod_subnets_and_existing_subnets():
    data = minimal({"auto_mode": POOLS})
    data["network"]["pod_cidr"] = "100.64.0.0/16"
    spec = manifests(data)["20-node-classes.yaml"][0]["spec"]
    assert spec["podSubnetSelectorTerms"] == [{"tags": {"eks-platform/network": "t", "eks-platform/tier": "pods"}}]
    assert spec["podSecurityGroupSelectorTerms"] == spec["securityGroupSelectorTerms"]
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    data["network"] = {"vpc_id": "vpc-0123456789abcdef0", "cidr": "10.0.0.0/16", "private_subnet_ids": subnets}
    spec = manifests(data)["20-node-classes.yaml"][0]["spec"]
    assert spec["subnetSelectorTerms"] == [{"id": subnet} for subnet in subnets]


def test_each_driver_has_a_storage_class_and_one_is_the_default():
    files = manifests(minimal({"auto_mode": {}, "managed_nodes": NODES}))
    classes = {item["metadata"]["name"]: item for item in files["30-storage-classes.yaml"]}
    assert {name: item["provisioner"] for name, item in classes.items()} == {
        "auto-gp3": "ebs.csi.eks.amazonaws.com",
        "gp3": "ebs.csi.aws.com",
    }
    assert all(item["parameters"] == {"type": "gp3", "encrypted": "true"} for item in classes.values())
    assert [name for name, item in classes.items() if item["metadata"].get("annotations")] == ["auto-gp3"]
    assert classes["auto-gp3"]["allowedTopologies"][0]["matchLabelExpressions"][0]["values"] == ["auto"]


def test_the_log_router_is_small_enough_and_names_the_region():
    data = minimal({"fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}})
    config = manifests(data)["10-fargate-logging.yaml"][1]
    assert "region ${AWS_REGION}" in config["data"]["output.conf"]
    assert sum(len(value) for value in config["data"].values()) < 5300, "EKS's limit"
    data["region"] = "eu-west-1"
    config = manifests(data)["10-fargate-logging.yaml"][1]
    assert "region eu-west-1" in config["data"]["output.conf"]


def test_network_policies_are_switched_on_in_either_way_but_not_in_both():
    alone = manifests(minimal({"auto_mode": {}}))
    assert alone["11-network-policy.yaml"][0]["data"] == {"enable-network-policy-controller": "true"}
    mixed = manifests(minimal({"auto_mode": {}, "managed_nodes": NODES}))
    assert "11-network-policy.yaml" not in mixed, "the vpc-cni add-on owns the ConfigMap there"


def test_a_group_may_keep_the_size_that_it_has(synth):
    data = minimal({"managed_nodes": NODES})
    for sizes, desired in (({}, 2), ({("c", "general"): 3}, 3), ({("other", "general"): 3}, 2)):
        group = only(synth(data, sizes=sizes)["t-compute-c"], "AWS::EKS::Nodegroup")
        assert group["ScalingConfig"] == {"MinSize": 2, "MaxSize": 3, "DesiredSize": desired}
    data = minimal({"managed_nodes": {"groups": [{**NODES["groups"][0], "desired_size": "keep"}]}})
    group = only(synth(data)["t-compute-c"], "AWS::EKS::Nodegroup")
    assert group["ScalingConfig"] == {"MinSize": 2, "MaxSize": 3}
