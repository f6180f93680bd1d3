"""Devices of nodes: whose plugin is missing and comes as a chart, where it runs; how many pods Karpenter's nodes have addresses for."""

import tomllib

import pytest
import yaml

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.objects import node_class_manifest
from eks_constructs.compute.auto_mode.spec import AutoModeSpec
from eks_constructs.compute.device_settings import SHARING_LABEL, network_interfaces
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.compute.ec2_nodes.group import EFA_LABEL, PLUGIN_LABEL
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
ROCKET_INFERENTIA = {"name": "ri", "ami_type": "BOTTLEROCKET_x86_64", "instance_types": ["inf2.xlarge"]}
FABRIC = {**AL2023, "name": "fabric", "instance_types": ["p5.48xlarge"], "efa_interfaces": 32}
DRA = {"device_allocation": "dra"}
SLICED = {"gpu_sharing": {"time_slices": 4}}
GENERAL = NODES["groups"][0]


def charts(groups, karpenter=None, **cluster):
    compute = {"managed_nodes": {"groups": [GENERAL, *groups]}} | ({"karpenter": karpenter} if karpenter else {})
    environment = validated(minimal(compute, **cluster))
    found = controllers(environment.clusters[0], environment, NETWORK)
    return {one.name: one for one in found if one.name.endswith(("device-plugin", "dra-driver"))}


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
        ([], pools("bottlerocket@latest", instance_types=["inf2.xlarge"]), {"neuron-device-plugin"}),
        ([ROCKET_INFERENTIA], None, {"neuron-device-plugin"}),
        ([{**AL2023, **DRA}], None, {"nvidia-dra-driver"}),
        ([{**ROCKET, **DRA}, AL2023], None, {"nvidia-device-plugin", "nvidia-dra-driver"}),
        ([{**INFERENTIA, **DRA}], None, {"neuron-dra-driver"}),
        ([], pools(instance_types=["g6.xlarge"], static_nodes=1) | DRA, {"nvidia-dra-driver"}),
        ([FABRIC], None, {"nvidia-device-plugin", "efa-device-plugin"}),
        ([], pools(instance_types=["c7gn.16xlarge"]) | {"efa_interfaces": 1}, {"efa-device-plugin"}),
    ],
)
def test_a_plugin_comes_where_nodes_have_the_driver_alone(groups, karpenter, expected):
    assert set(charts(groups, karpenter)) == expected


def test_what_something_else_offers_gets_no_second_plugin():
    assert charts([AL2023], provided_elsewhere=["nvidia.com/gpu"]) == {}


def test_auto_mode_brings_its_plugins():
    assert plugin_charts(KINDS["auto_mode"].device_software(AutoModeSpec())) == []


def test_the_plugin_runs_on_the_nodes_that_lack_it_alone_whatever_their_taints(synth):
    chart = charts([AL2023, ROCKET], pools(instance_categories=["g"]))["nvidia-device-plugin"]
    affinity = chart.values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    keys = [[one["key"] for one in term["matchExpressions"]] for term in affinity["nodeSelectorTerms"]]
    assert keys == [[PLUGIN_LABEL], ["karpenter.k8s.aws/instance-gpu-manufacturer", "karpenter.sh/nodepool"]]
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


def test_gpus_in_turns_are_a_configuration_that_nodes_choose_by_their_label(synth):
    renamed = {**AL2023, "name": "named", "gpu_sharing": {"time_slices": 2, "rename": True}}
    groups = [AL2023, {**AL2023, "name": "turns", **SLICED}, renamed]
    config = charts(groups)["nvidia-device-plugin"].values["config"]
    assert config["default"] in config["map"]
    assert "sharing" not in yaml.safe_load(config["map"][config["default"]])
    slicing = {name: yaml.safe_load(text).get("sharing", {}).get("timeSlicing") for name, text in config["map"].items()}
    assert slicing["slices-4"]["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert slicing["slices-2-shared"]["renameByDefault"] is True
    assert all(one["failRequestsGreaterThanOne"] for one in slicing.values() if one)
    template = synth(minimal({"managed_nodes": {"groups": [GENERAL, *groups]}}))["t-compute-c"]
    chosen = [value["Labels"].get(SHARING_LABEL) for value in of_type(template, "AWS::EKS::Nodegroup").values()]
    assert chosen == [None, None, "slices-4", "slices-2-shared"]
    assert "config" not in charts([AL2023])["nvidia-device-plugin"].values


def user_data(template, group):
    data = next(
        value["LaunchTemplateData"]
        for key, value in of_type(template, "AWS::EC2::LaunchTemplate").items()
        if f"group {group}" in value["VersionDescription"]
    )
    return tomllib.loads(data["UserData"]["Fn::Base64"])["settings"]


@pytest.mark.parametrize(
    ("group", "path", "expected"),
    [
        ({**ROCKET, **SLICED}, ("kubelet-device-plugins", "nvidia", "time-slicing", "replicas"), 4),
        ({**ROCKET, **SLICED}, ("kubelet-device-plugins", "nvidia", "device-sharing-strategy"), "time-slicing"),
        (
            {**ROCKET, "instance_types": ["p4d.24xlarge"], "gpu_sharing": {"mig_profile": "1g.5gb"}},
            ("kubelet-device-plugins", "nvidia"),
            {"device-partitioning-strategy": "mig", "mig": {"profile": {"a100.40gb": "1g.5gb"}}},
        ),
        # Its own plugin would hand the GPUs out beside the driver.
        ({**ROCKET, **DRA}, ("kubelet-device-plugins", "nvidia", "enabled"), False),
        (ROCKET_INFERENTIA, ("kubernetes", "device-ownership-from-security-context"), True),
    ],
)
def test_bottlerocket_learns_from_user_data_how_its_nodes_offer_devices(synth, group, path, expected):
    template = synth(minimal({"managed_nodes": {"groups": [GENERAL, group]}}))["t-compute-c"]
    found = user_data(template, group["name"])
    for key in path:
        found = found[key]
    assert found == expected


def test_the_plugin_of_adapters_runs_on_the_nodes_that_have_them_alone():
    chart = charts([AL2023, FABRIC], pools(instance_types=["c7gn.16xlarge"]) | {"efa_interfaces": 1})[
        "efa-device-plugin"
    ]
    labels = chart.values["supportedInstanceLabels"]
    assert labels == {"keys": [EFA_LABEL, "karpenter.sh/nodepool"], "values": ["true", "more"]}
    assert chart.values["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize(
    ("instance_type", "adapters", "expected"),
    [
        ("g6.8xlarge", 1, [(0, 0, "efa")]),
        ("p4d.24xlarge", 2, [(0, 0, "interface"), (0, 1, "efa-only"), (1, 0, "efa-only")]),
        # Its first network card has no adapter.
        ("p6-b300.48xlarge", 1, [(0, 0, "interface"), (1, 0, "efa-only")]),
    ],
)
def test_one_interface_of_a_node_has_an_address_and_each_adapter_a_card(instance_type, adapters, expected):
    found = network_interfaces(adapters, instance_type)
    assert [(one.card, one.device, one.type) for one in found] == expected


def test_node_classes_with_adapters_have_a_fixed_list_of_interfaces():
    spec = KarpenterSpec.model_validate(pools(instance_types=["p4d.24xlarge"]) | {"efa_interfaces": 4})
    node_class, _ = karpenter_manifests.nodes(spec, cluster="c", profile="p", network=NETWORK, tags={}).objects
    types = [one["interfaceType"] for one in node_class["spec"]["networkInterfaces"]]
    assert types == ["interface"] + ["efa-only"] * 4
    auto = AutoModeSpec.model_validate(
        {
            "node_classes": [{"name": "fabric", "efa_interfaces": 1, "pod_address_prefixes": 3}],
            "node_pools": [{"name": "p", "node_class": "fabric", "instance_types": ["g6.8xlarge"]}],
        }
    )
    made = node_class_manifest(
        auto.node_classes[0], cluster="c", role_name="r", network=NETWORK, tags={}, instance_types=["g6.8xlarge"]
    )
    first, second = made["spec"]["advancedNetworking"]["networkInterfaces"]
    # EKS adds no address to such a node later, and takes addresses on the first interface alone.
    assert (first["interfaceType"], first["secondaryIPv4PrefixCount"]) == ("interface", 3)
    assert second == {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"}


def test_karpenters_sharing_pools_have_the_label_or_the_settings_by_their_system():
    for ami, where in (("al2023@latest", "label"), ("bottlerocket@latest", "settings")):
        spec = KarpenterSpec.model_validate(pools(ami, instance_types=["g6.xlarge"], static_nodes=1) | SLICED)
        node_class, pool = karpenter_manifests.nodes(spec, cluster="c", profile="p", network=NETWORK, tags={}).objects
        label = pool["spec"]["template"]["metadata"]["labels"].get(SHARING_LABEL)
        assert (label == "slices-4") is (where == "label")
        assert ("time-slicing" in str(node_class["spec"].get("userData"))) is (where == "settings")
