"""The life of the demo: what a change does to its stacks, in which order, and what a failure leaves."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator.process import REGION
from emulator.status import client
from operations.looking_up import look_up
from responsibility.account.session import Account
from stacks.environment.loading import load_environment
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, StackFailed, stacks_of
from tests.emulator.inventory import inventory
from tests.support.environments import TODAY, environment_data
from tests.support.synth import build_platform

pytestmark = pytest.mark.xdist_group("emulator")

CONTROL_PLANE, COMPUTE = "demo-control-plane-demo", "demo-compute-demo"


@pytest.fixture(scope="module")
def surroundings(deployment: Deployment, assemble: Callable[..., Path]) -> Iterator[Path]:
    """The assembly of the demo on Kubernetes 1.35, deployed but for its compute; at the end nothing is left of it."""
    data = environment_data("demo")
    cluster_of(data)["control_plane"]["kubernetes_version"] = "1.35"
    before = inventory(deployment.engine)
    assembly = assemble(data)
    deployment.publish(assembly)
    for stack, template in stacks_of(assembly):
        if stack != COMPUTE:
            deployment.deploy_stack(stack, template)
    yield assembly
    for stack, _ in reversed(stacks_of(assembly)):
        if stack in deployment.states():
            deployment.destroy(stack)
    assert {one for one in inventory(deployment.engine) - before if "PendingDeletion" not in one} == set()


@pytest.fixture(scope="module")
def demo(deployment: Deployment, surroundings: Path) -> dict[str, Any]:
    """The demo, deployed. Each test goes on from what the one before has made of it."""
    deployment.deploy(surroundings)
    data = environment_data("demo")
    cluster_of(data)["control_plane"]["kubernetes_version"] = "1.35"
    return data


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


def test_a_node_group_that_fails_rolls_back_the_compute_alone(deployment: Deployment, surroundings: Path) -> None:
    """The first one: there is no compute yet."""
    before = inventory(deployment.engine)
    template = dict(stacks_of(surroundings))[COMPUTE]
    (group,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::EKS::Nodegroup"]
    group["Properties"]["AmiType"] = "AL2_x86_64"
    with pytest.raises(
        StackFailed, match=r"ROLLBACK_COMPLETE[\s\S]*AL2_x86_64 is not supported for kubernetes version 1.35"
    ):
        deployment.deploy_stack(COMPUTE, template)
    assert inventory(deployment.engine) == before
    assert client(deployment.engine, "eks").describe_cluster(name="demo")["cluster"]["status"] == "ACTIVE"
    deployment.destroy(COMPUTE)


@pytest.mark.usefixtures("surroundings")
def test_compute_joins_a_cluster_that_another_tool_made(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo without its compute is that cluster: looked up, joined by an environment that makes compute alone, and left."""
    for key, value in deployment.engine.environment({}).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    said: list[str] = []
    look_up(Account("look-up"), "demo", tmp_path / "demo.yaml", today=TODAY, say=said.append)
    assert "demo, Kubernetes 1.35, 2 subnets" in said[0]
    compute = {"managed_nodes": {"groups": [{"name": "mine", "instance_types": ["m7i.large"]}]}}
    # Without logs: the foundation of the demo is there, and has the log group.
    compute["fargate"] = {"profiles": [{"name": "batch", "selectors": [{"namespace": "batch"}]}], "logging": False}
    cluster = {"name": "demo", "existing": "demo.yaml", "compute": compute}
    join = {"name": "join", "region": REGION, "foundation": {"retain": False}, "clusters": [cluster]}
    (tmp_path / "join.yaml").write_text(yaml.safe_dump(join))
    environment = load_environment(tmp_path / "join.yaml", today=TODAY)
    build_platform(environment, tmp_path / "assembly", staging=True)

    before = inventory(deployment.engine)
    deployment.deploy(tmp_path / "assembly")
    stacks = stacks_of(tmp_path / "assembly")
    assert [one for stack, template in stacks for one in differences(deployment, stack, template)] == []
    eks = client(deployment.engine, "eks")
    (group,) = eks.list_nodegroups(clusterName="demo")["nodegroups"]
    nodes = eks.describe_nodegroup(clusterName="demo", nodegroupName=group)["nodegroup"]
    assert (nodes["status"], nodes["version"]) == ("ACTIVE", "1.35")
    assert set(nodes["subnets"]) <= set(eks.describe_cluster(name="demo")["cluster"]["resourcesVpcConfig"]["subnetIds"])
    deployment.destroy_all(tmp_path / "assembly")
    assert [one for one in inventory(deployment.engine) - before if "PendingDeletion" not in one] == []
    assert before - inventory(deployment.engine) == set()
    assert eks.describe_cluster(name="demo")["cluster"]["status"] == "ACTIVE"


def test_a_revision_comes_beside_the_groups_that_run_and_goes_alone(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    data = copy.deepcopy(demo)
    groups = cluster_of(data)["compute"]["managed_nodes"]["groups"]
    groups.append({**groups[0], "name": "next", "revision": "green"})
    before = deployment.resources(COMPUTE)
    deployment.deploy(assemble(data))
    eks = client(deployment.engine, "eks")
    assert len(eks.list_nodegroups(clusterName="demo")["nodegroups"]) == 2
    assert deployment.resources(COMPUTE) == before
    deployment.destroy(f"{COMPUTE}-green")
    assert len(eks.list_nodegroups(clusterName="demo")["nodegroups"]) == 1
    assert deployment.resources(COMPUTE) == before


def test_a_size_is_changed_in_place(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    cluster_of(demo)["compute"]["managed_nodes"]["groups"][0].update(max_size=5, min_size=2)
    before = deployment.resources(COMPUTE)
    deploy_changed(deployment, assemble(demo))
    eks = client(deployment.engine, "eks")
    (group,) = eks.list_nodegroups(clusterName="demo")["nodegroups"]
    sizes = eks.describe_nodegroup(clusterName="demo", nodegroupName=group)["nodegroup"]["scalingConfig"]
    assert (sizes["minSize"], sizes["maxSize"]) == (2, 5)
    assert deployment.resources(COMPUTE) == before


def test_a_new_one_is_there_before_the_old_one_goes(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    compute = cluster_of(demo)["compute"]
    compute["managed_nodes"]["groups"][0]["instance_types"] = ["m7g.large"]
    compute["fargate"]["profiles"][0]["selectors"] = [{"namespace": "others-*"}]
    before = deployment.resources(COMPUTE).values()
    events = deploy_changed(deployment, assemble(demo))
    after = deployment.resources(COMPUTE).values()
    log = deployment.engine.log.read_text().splitlines()
    eks = client(deployment.engine, "eks")
    for kind, names in (
        ("AWS::EKS::Nodegroup", eks.list_nodegroups(clusterName="demo")["nodegroups"]),
        ("AWS::EKS::FargateProfile", eks.list_fargate_profiles(clusterName="demo")["fargateProfileNames"]),
    ):
        (old,), (new,) = ([physical for found, physical in some if found == kind] for some in (before, after))
        assert old != new
        assert names == [re.split(r"[|/]", new)[-1]], "what EKS has now"
        statuses = [(status, reason) for _, status, _, reason in moments(events, kind)]
        assert [one for one, _ in statuses] == ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
        assert "requires the creation of a new physical resource" in statuses[1][1]
        made, gone = f"{kind} {new} made", f"{kind} {old} deleted"
        last_made, last_gone = (max(place for place, line in enumerate(log) if one in line) for one in (made, gone))
        assert last_made < last_gone


def test_an_upgrade_is_in_place_and_in_order(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    eks = client(deployment.engine, "eks")
    made = eks.describe_cluster(name="demo")["cluster"]["createdAt"]
    cluster_of(demo)["control_plane"]["kubernetes_version"] = "1.36"
    addons = {"kube-proxy": {"version": "v1.36.0-eksbuild.1"}, "coredns": {"version": "v1.13.2-eksbuild.4"}}
    cluster_of(demo)["addons"] = addons
    assembly = assemble(demo)
    events = deploy_changed(deployment, assembly)

    cluster = eks.describe_cluster(name="demo")["cluster"]
    (group,) = eks.list_nodegroups(clusterName="demo")["nodegroups"]
    nodes = eks.describe_nodegroup(clusterName="demo", nodegroupName=group)["nodegroup"]
    assert (cluster["version"], cluster["createdAt"], nodes["version"]) == ("1.36", made, "1.36")
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


def test_a_downgrade_cannot_be_rolled_back(
    deployment: Deployment, assemble: Callable[..., Path], demo: dict[str, Any]
) -> None:
    """Why nothing is beside the cluster in its stack; and the way out that docs/changes.md names."""
    template = dict(stacks_of(assemble(demo)))[CONTROL_PLANE]
    (cluster,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::EKS::Cluster"]
    cluster["Properties"]["Version"] = f"1.{int(cluster['Properties']['Version'].split('.')[1]) + 1}"
    beside = {"Type": "AWS::Logs::LogGroup", "DependsOn": "Cluster", "Properties": {"Unknown": "property"}}
    template["Resources"]["Beside"] = beside
    with pytest.raises(StackFailed, match="UPDATE_ROLLBACK_FAILED"):
        deployment.deploy_stack(CONTROL_PLANE, template)
    deployment.cloudformation.continue_update_rollback(StackName=CONTROL_PLANE, ResourcesToSkip=["Cluster"])
    deployment.settled(CONTROL_PLANE)
    assert deployment.states()[CONTROL_PLANE] == "UPDATE_ROLLBACK_COMPLETE"
