"""The front door of the library: kinds of compute with controllers, and add-ons that wait for node pools."""

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.eks_cluster import EksCluster
from tests.support.templates import needs, of_type

pytestmark = pytest.mark.xdist_group("cdk")  # one Node, in one process
NETWORK = ClusterNetwork(
    vpc_id="vpc-1",
    private_subnet_ids=["subnet-1", "subnet-2"],
    subnet_of_each_zone=["subnet-1", "subnet-2"],
    subnet_selector=[{"id": "subnet-1"}],
)
ON_NODES = {
    "managed_nodes": {"groups": [{"name": "general", "instance_types": ["m7i.large"]}]},
    "karpenter": {"node_pools": [{"name": "more"}]},
}
OWN_POOLS = {"auto_mode": {"built_in_node_pools": ["system"], "node_pools": [{"name": "apps"}]}}


def cluster(compute, **more):
    spec = EksClusterSpec.model_validate(
        {
            "name": "shop",
            "control_plane": {"kubernetes_version": "1.36"},
            "access": {"admins": [{"new_role": "admin"}]},
            "compute": compute,
            **more,
        }
    )
    stack = cdk.Stack(cdk.App(), "Stack")
    return stack, EksCluster(stack, "Shop", spec, network=NETWORK)


def test_karpenter_has_its_rights_its_charts_and_its_pools():
    stack, made = cluster(ON_NODES)
    template = Template.from_stack(stack).to_json()
    (queue,) = of_type(template, "AWS::SQS::Queue")
    names = [role.get("RoleName") for role in of_type(template, "AWS::IAM::Role").values()]
    assert "shop-karpenter-nodes" in names
    accounts = {one["ServiceAccount"] for one in of_type(template, "AWS::EKS::PodIdentityAssociation").values()}
    assert "karpenter" in accounts
    crd, chart = made.charts()
    assert crd.order < chart.order
    assert stack.resolve(chart.values["settings"]["interruptionQueue"]) == {"Fn::GetAtt": [queue, "QueueName"]}
    objects = {item["kind"]: item for file in made.manifests() for item in file.objects}
    assert objects["NodePool"]["metadata"]["name"] == "more"
    assert objects["EC2NodeClass"]["spec"]["instanceProfile"] == "shop-karpenter-nodes"
    assert made.addons_after_pools() is None, "the managed nodes run them"


def test_addons_that_only_node_pools_can_run_come_after_these():
    stack, made = cluster(OWN_POOLS, addons={"metrics-server": {"enabled": True}})
    pools = ssm.CfnParameter(stack, "Pools", type="String", value="stands for what applies them")
    assert made.addons_after_pools(pools)
    template = Template.from_stack(stack).to_json()
    (late,) = of_type(template, "AWS::EKS::Addon")
    assert "Pools" in needs(template, late)


def test_until_then_they_are_left_out():
    stack, made = cluster(OWN_POOLS, addons={"metrics-server": {"enabled": True}})
    assert made.charts() == []
    template = Template.from_stack(stack).to_json()
    assert "metrics-server" not in json.dumps(template)


def test_names_that_controllers_need_begin_with_the_cluster():
    stack, made = cluster(
        {"auto_mode": {"node_classes": [{"name": "own"}], "node_pools": [{"name": "apps", "node_class": "own"}]}}
    )
    objects = {item["kind"]: item for file in made.manifests() for item in file.objects}
    assert objects["NodeClass"]["spec"]["role"] == "shop-auto-custom"
    names = [role.get("RoleName") for role in of_type(Template.from_stack(stack).to_json(), "AWS::IAM::Role").values()]
    assert "shop-auto-custom" in names
