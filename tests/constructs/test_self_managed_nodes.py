"""Self-managed nodes: how they join, what replaces and drains them, who may do what; and Windows nodes of both kinds."""

import json
from typing import Any

import pytest

from eks_facts.capacity import addresses_of_an_interface
from stacks.controllers import controllers
from tests.support.environments import NODES, minimal, validated
from tests.support.templates import of_type

GROUP = {"name": "own", "instance_types": ["m7i.large"]}
PLANE = {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"}
TEMPLATE, ROLE = "AWS::EC2::LaunchTemplate", "AWS::IAM::Role"
LINUX, WINDOWS = "AL2023_x86_64_STANDARD", "WINDOWS_CORE_2022_x86_64"
WIN = {"name": "win", "ami_type": WINDOWS, "instance_types": ["m7i.large"]}


def cluster(
    group: dict[str, Any] | None = None, *, compute: dict[str, Any] | None = None, **section: Any
) -> dict[str, Any]:
    own = {"groups": [{**GROUP, **(group or {})}], **section}
    return minimal({"self_managed_nodes": own, **(compute or {})}, control_plane=PLANE)


def made(synth: Any, data: dict[str, Any]) -> dict[str, Any]:
    return synth(data)["t-compute-c"]


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    ((_, one),) = of_type(template, kind).items()
    return one


def launch(template: dict[str, Any], name: str = "own") -> dict[str, Any]:
    for one in of_type(template, TEMPLATE).values():
        if one["VersionDescription"].endswith(f"group {name}"):
            return one["LaunchTemplateData"]
    raise AssertionError(name)


def text_of(user_data: dict[str, Any]) -> str:
    return "".join(part if isinstance(part, str) else "<ref>" for part in user_data["Fn::Base64"]["Fn::Join"][1])


@pytest.mark.parametrize(
    ("ami_type", "instance_type", "image", "words"),
    [
        (LINUX, "m7i.large", "optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended", "kind: NodeConfig"),
        (
            "BOTTLEROCKET_ARM_64",
            "m7g.large",
            "bottlerocket/aws-k8s-1.36/arm64/latest",
            'cluster-dns-ip = "172.20.0.10"',
        ),
        (
            "UBUNTU_2404_ARM_64",
            "m7g.large",
            "canonical/ubuntu/eks/24.04/1.36/stable/current/arm64",
            "/etc/eks/bootstrap.sh c",
        ),
        (WINDOWS, "m7i.large", "Windows_Server-2022-English-Core-EKS_Optimized-1.36", "-EKSClusterName 'c'"),
    ],
)
def test_user_data_says_how_to_join(synth: Any, ami_type: str, instance_type: str, image: str, words: str) -> None:
    group = {"name": "more", "ami_type": ami_type, "instance_types": [instance_type], "labels": {"a": "b"}}
    taint = {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}
    data = cluster()
    data["clusters"][0]["compute"]["self_managed_nodes"]["groups"].append({**group, **taint})
    template = launch(made(synth, data), "more")
    assert image in template["ImageId"]
    assert template["ImageId"].startswith("{{resolve:ssm:/aws/service/")
    text = text_of(template["UserData"])
    assert words in text
    assert text.count("<ref>") == 2, "the endpoint and the authority"
    assert "v:NoSchedule" in text
    assert "self_managed_nodes" in text, "the label of the kind"


def test_a_release_is_a_parameter_of_its_own(synth: Any) -> None:
    image = launch(made(synth, cluster({"ami_release": "v20261112"})))["ImageId"]
    assert image.endswith("/standard/amazon-eks-node-al2023-x86_64-standard-1.36-v20261112/image_id}}")


def test_a_change_of_the_launch_template_replaces_nodes_new_ones_first(synth: Any) -> None:
    one = next(iter(made(synth, cluster())["Resources"].values()))
    template = made(synth, cluster())
    one = next(item for item in template["Resources"].values() if item["Type"] == "AWS::AutoScaling::AutoScalingGroup")
    refresh = one["UpdatePolicy"]["AutoScalingInstanceRefresh"]
    assert refresh["Strategy"] == "Rolling"
    assert refresh["Preferences"]["MinHealthyPercentage"] == 100
    assert refresh["Preferences"]["MaxHealthyPercentage"] > 100
    off = made(synth, cluster({"refresh": {"enabled": False}}))
    assert not any("UpdatePolicy" in item for item in off["Resources"].values())


def test_an_autoscaler_keeps_its_size_unless_the_file_says_one(synth: Any) -> None:
    kind = "AWS::AutoScaling::AutoScalingGroup"
    assert "DesiredCapacity" not in only(made(synth, cluster()), kind)
    assert only(made(synth, cluster({"desired_size": 3})), kind)["DesiredCapacity"] == "3"


def test_spot_takes_what_is_cheap_and_lasts(synth: Any) -> None:
    group = only(
        made(synth, cluster({"capacity": "spot", "on_demand_base": 1, "on_demand_percentage": 20})),
        "AWS::AutoScaling::AutoScalingGroup",
    )
    assert group["CapacityRebalance"] is True
    assert group["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 1,
        "OnDemandPercentageAboveBaseCapacity": 20,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }


def test_nodes_come_after_their_access_entry_and_the_cni(synth: Any) -> None:
    template = made(synth, cluster())
    (name,) = of_type(template, "AWS::AutoScaling::AutoScalingGroup")
    before = template["Resources"][name]["DependsOn"]
    (entry,) = of_type(template, "AWS::EKS::AccessEntry")
    assert entry in before
    assert any("VpcCni" in one for one in before)


def test_a_hook_waits_for_the_drain_and_goes_before_its_group(synth: Any) -> None:
    hook = only(made(synth, cluster({"drain_seconds": 900})), "AWS::AutoScaling::LifecycleHook")
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert (hook["HeartbeatTimeout"], hook["DefaultResult"]) == (900, "CONTINUE")
    assert list(hook["AutoScalingGroupName"]) == ["Ref"], "so it is deleted first"


def test_the_handler_reads_a_queue_of_its_own_and_knows_its_cluster_by_a_tag(synth: Any) -> None:
    stacks = synth(cluster())
    workloads = stacks["t-workloads-c"]
    patterns = [one["EventPattern"]["detail-type"] for one in of_type(workloads, "AWS::Events::Rule").values()]
    assert ["EC2 Instance-terminate Lifecycle Action"] in patterns
    assert ["EC2 Instance Rebalance Recommendation"] not in patterns, (
        "the group acts on it, and ends the node by its hook"
    )
    policies = json.dumps(of_type(workloads, "AWS::IAM::ManagedPolicy"))
    assert "autoscaling:ResourceTag/aws-node-termination-handler/c" in policies
    tags = {one["Key"] for one in only(stacks["t-compute-c"], "AWS::AutoScaling::AutoScalingGroup")["Tags"]}
    assert {"aws-node-termination-handler/c", "kubernetes.io/cluster/c"} <= tags
    assert not any(key.startswith("k8s.io/cluster-autoscaler") for key in tags)


def test_volumes_of_nodes_do_not_look_like_those_of_pods(synth: Any) -> None:
    specifications = launch(made(synth, cluster()))["TagSpecifications"]
    (volumes,) = [one["Tags"] for one in specifications if one["ResourceType"] == "volume"]
    assert not [tag for tag in volumes if tag["Key"].startswith(("kubernetes.io/cluster/", "ebs.csi.aws.com/"))]


def charts(data: dict[str, Any]) -> dict[str, Any]:
    from tests.constructs.test_devices import NETWORK

    environment = validated(data)
    return {
        one.name: one for one in controllers(environment.clusters[0], environment, NETWORK) if hasattr(one, "chart")
    }


def test_the_autoscaler_finds_its_groups_and_has_the_version_of_the_cluster(synth: Any) -> None:
    data = cluster({"labels": {"a": "b"}}, cluster_autoscaler={"enabled": True, "values": {"extraArgs": {"v": 4}}})
    group = only(made(synth, data), "AWS::AutoScaling::AutoScalingGroup")
    tags = {one["Key"]: (one["Value"], one["PropagateAtLaunch"]) for one in group["Tags"]}
    assert tags["k8s.io/cluster-autoscaler/c"] == ("owned", False)
    assert tags["k8s.io/cluster-autoscaler/node-template/label/a"] == ("b", False)
    chart = charts(data)["cluster-autoscaler"]
    assert chart.values["image"] == {"tag": "v1.36.0"}
    assert chart.values["extraArgs"] == {"balance-similar-node-groups": True, "v": 4}
    assert chart.values["nodeSelector"]["eks-platform/compute-kind"] == "self_managed_nodes"


def test_the_autoscaler_knows_what_nodes_of_an_empty_group_have(synth: Any) -> None:
    def resources(**group: Any) -> dict[str, str]:
        data = cluster(cluster_autoscaler={"enabled": True})
        own = {**GROUP, "name": "empty", "min_size": 0, "desired_size": 0, **group}
        data["clusters"][0]["compute"]["self_managed_nodes"]["groups"].append(own)
        groups = of_type(made(synth, data), "AWS::AutoScaling::AutoScalingGroup").values()
        (found,) = [one["Tags"] for one in groups if one["MinSize"] == "0"]
        mark = "k8s.io/cluster-autoscaler/node-template/"
        return {one["Key"].removeprefix(mark): one["Value"] for one in found if one["Key"].startswith(mark)}

    assert resources(volume_gib=100)["resources/ephemeral-storage"].endswith("Gi")
    gpu = resources(instance_types=["g6.12xlarge"], ami_type="AL2023_x86_64_NVIDIA")
    assert gpu["resources/nvidia.com/gpu"] == "4"
    windows = resources(instance_types=["m6i.xlarge"], ami_type=WINDOWS, volume_gib=100)
    assert windows["label/kubernetes.io/os"] == "windows"
    assert windows["resources/vpc.amazonaws.com/PrivateIPv4Address"] == "14"


@pytest.mark.parametrize(
    ("name", "addresses"),
    [("m6i.large", 9), ("m6i.xlarge", 14), ("m6i.4xlarge", 29), ("t3.large", 11), ("t3.small", 3), ("t3.micro", 1)],
)
def test_windows_nodes_have_the_addresses_of_one_interface(name: str, addresses: int) -> None:
    assert addresses_of_an_interface(name) == addresses


def test_without_a_handler_there_is_no_queue(synth: Any) -> None:
    stacks = synth(cluster(termination_handler={"enabled": False}))
    assert "t-workloads-c" not in stacks, "CloudFormation takes no stack without resources"


def test_an_existing_role_gets_an_entry(synth: Any) -> None:
    arn = "arn:aws:iam::123456789012:role/corp/Nodes"
    alone = made(synth, cluster(role_arn=arn))
    assert not of_type(alone, ROLE) or "NodeRole" not in json.dumps(list(of_type(alone, ROLE)))
    assert only(alone, "AWS::EKS::AccessEntry")["PrincipalArn"] == arn
    assert only(alone, "AWS::IAM::InstanceProfile")["Roles"] == ["Nodes"]


def test_karpenter_runs_on_self_managed_nodes() -> None:
    chart = charts(cluster(compute={"karpenter": {"node_pools": [{"name": "more"}]}}))["karpenter"]
    assert chart.values["nodeSelector"]["eks-platform/compute-kind"] == "self_managed_nodes"


def windows(synth: Any) -> dict[str, Any]:
    compute = {
        "managed_nodes": {"groups": [*NODES["groups"], WIN]},
        "self_managed_nodes": {"groups": [{**WIN, "name": "own-win"}]},
    }
    return synth(minimal(compute, control_plane=PLANE))


def test_windows_nodes_have_a_role_of_their_own_and_an_entry_of_its_type(synth: Any) -> None:
    template = windows(synth)["t-compute-c"]
    groups = {one["Tags"]["Name"]: one for one in of_type(template, "AWS::EKS::Nodegroup").values()}
    assert groups["c-win"]["NodeRole"] != next(one for name, one in groups.items() if name != "c-win")["NodeRole"]
    entry = only(template, "AWS::EKS::AccessEntry")
    assert entry["Type"] == "EC2_WINDOWS"


def test_windows_nodes_keep_linux_pods_away_whether_the_file_says_so_or_not(synth: Any) -> None:
    template = windows(synth)["t-compute-c"]
    (group,) = [one for one in of_type(template, "AWS::EKS::Nodegroup").values() if one["Tags"]["Name"] == "c-win"]
    assert group["Taints"] == [{"Key": "os", "Value": "windows", "Effect": "NO_SCHEDULE"}]
    assert "--register-with-taints=os=windows:NoSchedule" in text_of(launch(template, "own-win")["UserData"])


def test_the_cni_gives_windows_pods_addresses_and_the_cluster_may_move_interfaces(synth: Any) -> None:
    stacks = windows(synth)
    cni = next(
        one for one in of_type(stacks["t-compute-c"], "AWS::EKS::Addon").values() if one["AddonName"] == "vpc-cni"
    )
    assert json.loads(cni["ConfigurationValues"])["enableWindowsIpam"] == "true"
    assert "AmazonEKSVPCResourceController" in json.dumps(of_type(stacks["t-foundation"], ROLE))
    linux = synth(minimal({"managed_nodes": NODES}))
    assert "AmazonEKSVPCResourceController" not in json.dumps(linux["t-foundation"])
    assert "enableWindowsIpam" not in json.dumps(linux["t-compute-c"])
