"""Karpenter: rights that end at its own cluster's instances, warnings that come from EC2 alone, nodes that are like the others."""

import json

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.karpenter.construct import Karpenter, node_role_name
from eks_constructs.compute.karpenter.objects import charts, nodes
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.roles import IamSpec

pytestmark = pytest.mark.xdist_group("cdk")  # one Node, in one process
NETWORK = ClusterNetwork(
    vpc_id="vpc-1",
    private_subnet_ids=["subnet-1"],
    subnet_of_each_zone=["subnet-1"],
    subnet_selector=[{"id": "subnet-1"}],
)
TAGGED = ("aws:RequestTag/kubernetes.io/cluster/one", "aws:ResourceTag/kubernetes.io/cluster/one")


@pytest.fixture(scope="module")
def template():
    stack = cdk.Stack(cdk.App(), "Stack")
    Karpenter(stack, "Karpenter", iam=IamSpec(), environment="env", cluster=ClusterHandle("one", "one"))
    return Template.from_stack(stack).to_json()["Resources"]


def of_type(template, kind):
    return [one["Properties"] for one in template.values() if one["Type"] == kind]


def statements(template):
    (policy,) = of_type(template, "AWS::IAM::ManagedPolicy")
    return policy["PolicyDocument"]["Statement"]


def test_it_changes_only_what_bears_the_tag_of_its_cluster(template):
    made_of = {"LaunchFrom"}  # subnets, groups and images are not made by it
    for statement in statements(template):
        changes = [one for one in statement["Action"] if one.startswith("ec2:") and "Describe" not in one]
        if changes and statement["Sid"] not in made_of:
            assert any(tag in statement["Condition"]["StringEquals"] for tag in TAGGED), statement["Sid"]


def test_it_cannot_give_rights_away(template):
    actions = {action for statement in statements(template) for action in statement["Action"]}
    assert {one for one in actions if one.startswith("iam:")} == {
        "iam:CreateServiceLinkedRole",
        "iam:GetInstanceProfile",
        "iam:ListInstanceProfiles",
        "iam:PassRole",
    }
    (linked,) = [one for one in statements(template) if "iam:CreateServiceLinkedRole" in one["Action"]]
    assert linked["Condition"] == {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}
    assert deployed(linked["Resource"]).endswith(":role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot")
    (passing,) = [one for one in statements(template) if "iam:PassRole" in one["Action"]]
    (node_role,) = [key for key, one in template.items() if one["Type"] == "AWS::IAM::Role" and "NodeRole" in key]
    assert passing["Resource"] == {"Fn::GetAtt": [node_role, "Arn"]}


def deployed(value):
    """What CloudFormation makes of a value, at its longest."""
    longest = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-2", "AWS::AccountId": "123456789012"}
    match value:
        case {"Fn::Join": [between, parts]}:
            return between.join(deployed(part) for part in parts)
        case {"Ref": name}:
            return longest[name]
        case {"Fn::GetAtt": _}:
            return "arn:aws-us-gov:iam::123456789012:role/" + 64 * "r"
        case dict():
            return {key: deployed(one) for key, one in value.items()}
        case list():
            return [deployed(one) for one in value]
    return value


def test_the_policy_fits(template):
    (policy,) = of_type(template, "AWS::IAM::ManagedPolicy")
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(json.dumps(deployed(policy["PolicyDocument"]), separators=(",", ":"))) <= 6_144


def test_rules_alone_fill_its_queue(template):
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy")
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    rules = {key for key, one in template.items() if one["Type"] == "AWS::Events::Rule"}
    assert len(rules) == 4
    assert [one["Principal"] for one in allowed] == [{"Service": "events.amazonaws.com"}]
    assert {arn["Fn::GetAtt"][0] for arn in allowed[0]["Condition"]["ArnEquals"]["aws:SourceArn"]} == rules


def test_the_block_storage_driver_may_attach_volumes_to_its_nodes():
    """The driver's policy asks for the cluster's name on instances, and Karpenter writes it on none by itself."""
    spec = KarpenterSpec.model_validate({"node_pools": [{"name": "more"}]})
    file = nodes(spec, cluster="one", profile="p", network=NETWORK, tags={"owner": "a"})
    (node_class,) = [item for item in file.objects if item["kind"] == "EC2NodeClass"]
    assert node_class["spec"]["tags"] == {"owner": "a", "ebs.csi.aws.com/cluster-name": "one"}


def test_its_nodes_are_let_in_and_find_their_profile(template):
    (entry,) = of_type(template, "AWS::EKS::AccessEntry")
    assert entry["Type"] == "EC2_LINUX"
    (profile,) = of_type(template, "AWS::IAM::InstanceProfile")
    file = nodes(spec(), cluster="one", profile=node_role_name(IamSpec(), "env", "one"), network=NETWORK, tags={})
    assert file.objects[0]["spec"]["instanceProfile"] == profile["InstanceProfileName"]


def spec(**more):
    return KarpenterSpec(node_pools=[{"name": "more", "labels": {"team": "a"}}], **more)


@pytest.mark.parametrize(
    ("ami", "devices"),
    [
        ("al2023@latest", {"/dev/xvda": "60Gi"}),
        ("bottlerocket@v1.50.0", {"/dev/xvda": "4Gi", "/dev/xvdb": "60Gi"}),
    ],
)
def test_data_goes_to_the_volume_that_the_system_keeps_it_on(ami, devices):
    file = nodes(spec(ami=ami, volume_gib=60), cluster="one", profile="p", network=NETWORK, tags={})
    mappings = file.objects[0]["spec"]["blockDeviceMappings"]
    assert {one["deviceName"]: one["ebs"]["volumeSize"] for one in mappings} == devices
    assert all(one["ebs"]["encrypted"] for one in mappings)


def test_its_nodes_are_told_from_managed_ones_and_do_not_hold_it():
    file = nodes(spec(), cluster="one", profile="p", network=NETWORK, tags={})
    labels = file.objects[1]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"team": "a", "eks-platform/compute-kind": "karpenter"}
    _, chart = charts("one", host="managed_nodes", replicas=2)
    assert chart.values["nodeSelector"]["eks-platform/compute-kind"] == "managed_nodes"


@pytest.mark.parametrize(
    ("says", "own_image", "left_out"),
    [
        ({"instance_categories": ["g"]}, False, True),
        ({"instance_categories": ["g"]}, True, False),
        ({"instance_categories": ["g"], "instance_generation_above": 7}, False, False),
        ({"instance_categories": ["c", "m"]}, False, False),
        ({"instance_types": ["g6.xlarge"]}, False, False),
    ],
    ids=["gpus", "own image", "newer ones", "no gpus", "named types"],
)
def test_pools_leave_out_gpus_that_eks_has_no_driver_for(says, own_image, left_out):
    """https://docs.aws.amazon.com/eks/latest/userguide/eks-ami-build-scripts.html"""
    image = {"ami_ids": ["ami-0123456789abcdef0"]} if own_image else {}
    wanted = KarpenterSpec(node_pools=[{"name": "gpu", **says}], **image)
    made = nodes(wanted, cluster="one", profile="nodes", network=NETWORK, tags={})
    (pool,) = [item for item in made.objects if item["kind"] == "NodePool"]
    excluded = [one["values"] for one in pool["spec"]["template"]["spec"]["requirements"] if one["operator"] == "NotIn"]
    assert excluded == ([["g7"]] if left_out else [])
