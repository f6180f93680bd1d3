"""Devices of nodes: whose plugin is missing and comes as a chart, where it runs; how many pods Karpenter's nodes have addresses for."""

import pytest

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.spec import AutoModeSpec
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.compute.ec2_nodes.group import PLUGIN_LABEL
from eks_constructs.compute.karpenter import objects as karpenter_manifests
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.registry import KINDS
from stacks.controllers import controllers
from tests.support.environments import NODES, minimal, validated
from tests.support.templates import of_type

NETWORK = ClusterNetwork(
    vpc_id="vpc-1",
    private_subnet_ids=["subnet-1"],
    subnet_of_each_zone=["subnet-1"],
    subnet_selector=[{"id": "subnet-1"}],
)
AL2023 = {"name": "gpu", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g6.xlarge"]}
ROCKET = {"name": "rocket", "ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "instance_types": ["g6.xlarge"]}
INFERENTIA = {"name": "inf", "ami_type": "AL2023_x86_64_NEURON", "instance_types": ["inf2.xlarge"]}
GENERAL = NODES["groups"][0]


def charts(groups, karpenter=None, **cluster):
    compute = {"managed_nodes": {"groups": [GENERAL, *groups]}} | ({"karpenter": karpenter} if karpenter else {})
    environment = validated(minimal(compute, **cluster))
    found = controllers(environment.clusters[0], environment, NETWORK)
    return {one.name: one for one in found if one.name.endswith("device-plugin")}


def pools(ami="al2023@latest", **pool):
    return {"ami": ami, "node_pools": [{"name": "more", **pool}]}


@pytest.mark.parametrize(
    ("groups", "karpenter", "expected"),
    [
        ([], None, set()),
        ([AL2023], None, {"nvidia-device-plugin"}),
        ([ROCKET], None, set()),  # Bottlerocket's NVIDIA variants bring it
        ([INFERENTIA], None, {"neuron-device-plugin"}),
        ([AL2023, INFERENTIA], None, {"nvidia-device-plugin", "neuron-device-plugin"}),
        ([], pools(), set()),
        ([], pools(instance_categories=["g"]), {"nvidia-device-plugin"}),
        ([], pools("bottlerocket@latest", instance_categories=["g"]), set()),
        ([], pools(instance_categories=["inf"], instance_generation_above=1), {"neuron-device-plugin"}),
        ([], pools(instance_categories=["inf"]), set()),  # there is none of that generation
    ],
)
def test_a_plugin_comes_where_nodes_have_the_driver_alone(groups, karpenter, expected):
    assert set(charts(groups, karpenter)) == expected


def test_what_something_else_offers_gets_no_second_plugin():
    assert charts([AL2023], provided_elsewhere=["nvidia.com/gpu"]) == {}


def test_auto_mode_brings_its_plugins():
    assert plugin_charts(KINDS["auto_mode"].devices_without_plugin(AutoModeSpec())) == []


def test_the_plugin_runs_on_the_nodes_that_lack_it_alone_whatever_their_taints(synth):
    chart = charts([AL2023, ROCKET], pools(instance_categories=["g"]))["nvidia-device-plugin"]
    affinity = chart.values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    expressions = [one for term in affinity["nodeSelectorTerms"] for one in term["matchExpressions"]]
    assert [one["key"] for one in expressions] == [PLUGIN_LABEL, "karpenter.k8s.aws/instance-gpu-manufacturer"]
    assert chart.values["tolerations"] == [{"operator": "Exists"}]
    template = synth(minimal({"managed_nodes": {"groups": [GENERAL, AL2023, ROCKET]}}))["t-compute-c"]
    labels = {
        value["Tags"]["Name"]: value["Labels"].get(PLUGIN_LABEL)
        for value in of_type(template, "AWS::EKS::Nodegroup").values()
    }
    assert labels == {"c-general": None, "c-gpu": "nvidia", "c-rocket": None}


def test_the_neuron_chart_installs_its_plugin_alone():
    chart = charts([INFERENTIA])["neuron-device-plugin"]
    assert chart.in_public_ecr
    assert chart.values["npd"] == {"enabled": False}
    assert chart.values["devicePlugin"]["tolerations"] == [{"operator": "Exists"}]


def test_pods_are_counted_without_the_interface_that_has_no_address_for_them():
    def told(own):
        (_, chart) = karpenter_manifests.charts("c", host="managed_nodes", replicas=1, own_pod_subnets=own)
        return chart.values["settings"].get("reservedENIs")

    assert (told(False), told(True)) == (None, "1")


@pytest.mark.parametrize("prefixes", [False, True])
def test_prefixes_give_pods_of_karpenters_nodes_the_number_that_eks_recommends(prefixes):
    spec = KarpenterSpec.model_validate(pools())
    node_class, pool = karpenter_manifests.nodes(
        spec, cluster="c", profile="p", network=NETWORK, tags={}, prefixes=prefixes
    ).objects
    assert node_class["spec"].get("kubelet") == ({"maxPods": 110} if prefixes else None)
    requirements = {one["key"]: one for one in pool["spec"]["template"]["spec"]["requirements"]}
    # 98 addresses, or 50 with subnets for pods alone, on an instance of one vCPU; more than 110 on every larger one.
    assert ("karpenter.k8s.aws/instance-cpu" in requirements) is prefixes


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, False),
        ({"addons": {"vpc-cni": {"configuration": {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}}}}, True),
        ({"addons": {"vpc-cni": {"configuration": {"env": {"ENABLE_PREFIX_DELEGATION": "false"}}}}}, False),
        ({"control_plane": {"kubernetes_version": "1.36", "ip_family": "ipv6"}}, True),
    ],
)
def test_prefixes_are_the_cnis_setting_and_ipv6s_nature(how, expected):
    data = minimal({"managed_nodes": NODES}, **how)
    data["network"]["ipv6"] = True
    assert validated(data).clusters[0].prefixes is expected
