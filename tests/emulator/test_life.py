"""The life of the demo: what a change does to a stack that stands, in which order, and what a failure leaves."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.standing import client
from tests.conftest import environment_data
from tests.emulator.deployment import Deployment, StackFailed, stacks_of
from tests.emulator.inventory import inventory

pytestmark = pytest.mark.xdist_group("emulator")

CONTROL_PLANE, COMPUTE = "demo-control-plane-demo", "demo-compute-demo"


@pytest.fixture
def demo(deployment: Deployment, assemble: Callable[..., Path]) -> Iterator[dict[str, Any]]:
    """The demo, deployed; destroyed at the end."""
    data = environment_data("demo")
    assembly = assemble(data)
    deployment.deploy(assembly)
    yield data
    deployment.destroy_all(assembly)


def cluster_of(data: dict[str, Any]) -> dict[str, Any]:
    return data["clusters"][0]


def deploy_changed(deployment: Deployment, assembly: Path) -> list[dict[str, Any]]:
    """Deploys, and returns the events of the cluster's stacks since."""
    before = {stack: len(deployment.events(stack)) for stack in (CONTROL_PLANE, COMPUTE)}
    deployment.deploy(assembly)
    events = [one for stack, count in before.items() for one in deployment.events(stack)[count:]]
    return sorted(events, key=lambda one: one["Timestamp"])


def moments(events: list[dict[str, Any]], kind: str) -> list[tuple[int, str, str, str]]:
    """Place, status, physical id and reason of the events of a type of resource."""
    return [
        (place, one["ResourceStatus"], one["PhysicalResourceId"], one.get("ResourceStatusReason", ""))
        for place, one in enumerate(events)
        if one["ResourceType"] == kind
    ]


def first(events: list[dict[str, Any]], logical_id: str, status: str) -> int:
    return next(
        place
        for place, one in enumerate(events)
        if one["LogicalResourceId"].startswith(logical_id) and one["ResourceStatus"] == status
    )


def test_an_upgrade_is_in_place_and_in_order(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    eks = client(deployment.engine, "eks")
    made = eks.describe_cluster(name="demo")["cluster"]["createdAt"]
    changed = copy.deepcopy(demo)
    cluster_of(changed)["control_plane"]["kubernetes_version"] = "1.37"
    addons = {"kube-proxy": {"version": "v1.37.0-eksbuild.1"}, "coredns": {"version": "v1.13.2-eksbuild.4"}}
    cluster_of(changed)["addons"] = addons
    assembly = assemble(changed)
    events = deploy_changed(deployment, assembly)

    cluster = eks.describe_cluster(name="demo")["cluster"]
    (group,) = eks.list_nodegroups(clusterName="demo")["nodegroups"]
    nodes = eks.describe_nodegroup(clusterName="demo", nodegroupName=group)["nodegroup"]
    assert (cluster["version"], cluster["createdAt"], nodes["version"]) == ("1.37", made, "1.37")
    for name, spec in addons.items():
        assert eks.describe_addon(clusterName="demo", addonName=name)["addon"]["addonVersion"] == spec["version"]
    ends = [
        first(events, one, "UPDATE_COMPLETE")
        for one in ("Cluster", "AddonsKubeProxy", "ManagedNodesGeneral7", "AddonsCoredns")
    ]
    assert ends == sorted(ends)
    kinds = [
        eks.describe_update(name="demo", updateId=one)["update"]["type"]
        for one in eks.list_updates(name="demo")["updateIds"]
    ]
    assert kinds == ["VersionUpdate"]


def test_a_size_is_changed_in_place(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    changed = copy.deepcopy(demo)
    cluster_of(changed)["compute"]["managed_nodes"]["groups"][0].update(max_size=5, min_size=2)
    before = deployment.resources(COMPUTE)
    deploy_changed(deployment, assemble(changed))
    eks = client(deployment.engine, "eks")
    (group,) = eks.list_nodegroups(clusterName="demo")["nodegroups"]
    sizes = eks.describe_nodegroup(clusterName="demo", nodegroupName=group)["nodegroup"]["scalingConfig"]
    assert (sizes["minSize"], sizes["maxSize"]) == (2, 5)
    assert deployment.resources(COMPUTE) == before


@pytest.mark.parametrize("kind", ["AWS::EKS::Nodegroup", "AWS::EKS::FargateProfile"])
def test_the_new_one_stands_before_the_old_one_goes(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any], kind: str
) -> None:
    changed = copy.deepcopy(demo)
    compute = cluster_of(changed)["compute"]
    if kind == "AWS::EKS::Nodegroup":
        compute["managed_nodes"]["groups"][0]["instance_types"] = ["m7g.large"]
    else:
        compute["fargate"]["profiles"][0]["selectors"] = [{"namespace": "others-*"}]
    old = {physical for found, physical in deployment.resources(COMPUTE).values() if found == kind}
    events = moments(deploy_changed(deployment, assemble(changed)), kind)
    new = {physical for found, physical in deployment.resources(COMPUTE).values() if found == kind}
    assert len(old) == len(new) == 1
    assert old != new
    assert [status for _, status, _, _ in events] == ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert "requires the creation of a new physical resource" in events[1][3]
    # What EKS has now: the new one alone, made before the old one was deleted.
    eks = client(deployment.engine, "eks")
    names = (
        eks.list_nodegroups(clusterName="demo")["nodegroups"]
        if kind.endswith("Nodegroup")
        else eks.list_fargate_profiles(clusterName="demo")["fargateProfileNames"]
    )
    assert {physical.replace("|", "/").split("/")[-1] for physical in new} == set(names)
    with (deployment.engine.log).open() as log:
        lines = [line for line in log if f"{kind} " in line]
    made, gone = (
        next(place for place, line in reversed(list(enumerate(lines))) if word in line) for word in ("made", "deleted")
    )
    assert made < gone


def test_a_node_group_that_fails_rolls_back_the_compute_alone(
    deployment: Deployment, assemble: Callable[..., Path]
) -> None:
    before = inventory(deployment.engine)
    assembly = assemble("demo")
    *before_compute, (_, template) = stacks_of(assembly)
    deployment._publish(assembly)
    for stack, body in before_compute:
        deployment.deploy_stack(stack, body)
    standing = inventory(deployment.engine)
    (group,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::EKS::Nodegroup"]
    group["Properties"]["AmiType"] = "AL2_x86_64"
    with pytest.raises(
        StackFailed, match=r"ROLLBACK_COMPLETE[\s\S]*AL2_x86_64 is not supported for kubernetes version 1.36"
    ):
        deployment.deploy_stack(COMPUTE, template)
    assert inventory(deployment.engine) == standing
    assert client(deployment.engine, "eks").describe_cluster(name="demo")["cluster"]["status"] == "ACTIVE"
    for stack in (COMPUTE, *(name for name, _ in reversed(before_compute))):
        deployment.destroy(stack)
    assert {one for one in inventory(deployment.engine) - before if "PendingDeletion" not in one} == set()


def test_a_downgrade_cannot_be_rolled_back(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    """The way into UPDATE_ROLLBACK_FAILED that docs/changes.md warns of, and the way out that it names."""
    changed = copy.deepcopy(demo)
    cluster_of(changed)["control_plane"]["kubernetes_version"] = "1.37"
    template = dict(stacks_of(assemble(changed)))[CONTROL_PLANE]
    (instance,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::EC2::Instance"]
    instance["Properties"]["Unknown"] = "property"
    with pytest.raises(StackFailed, match="UPDATE_ROLLBACK_FAILED"):
        deployment.deploy_stack(CONTROL_PLANE, template)
    deployment.cloudformation.continue_update_rollback(StackName=CONTROL_PLANE, ResourcesToSkip=["Cluster"])
    deployment._settled(CONTROL_PLANE)
    assert deployment.states()[CONTROL_PLANE] == "UPDATE_ROLLBACK_COMPLETE"
