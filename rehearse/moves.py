"""How each kind of compute moves to another version: the order and the parameters that EKS uses."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

from local_kubernetes.client import ApiError
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.compute import Group
from local_kubernetes.nodes.drain import cordon, drain, drainable
from local_kubernetes.nodes.journal import Journal
from local_kubernetes.nodes.kubelet import timestamp
from local_kubernetes.nodes.mirror import key_of
from local_kubernetes.nodes.node import EXCLUDED, Node
from local_kubernetes.nodes.world import NODE_SECONDS, World
from rehearse.track import workload_of

EVICTION_SECONDS = 15 * 60.0
"""https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html"""
DEREGISTER_SECONDS = 60.0
"""EKS waits so long after a drain, before it ends the instance: the same page."""
MOST_AT_ONCE = 100
IN_PLACE_SECONDS = 300.0
"""About what ``nodeadm upgrade`` takes."""
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def update_group(world: World, group: Group, version: str, journal: Journal) -> Process:
    """Updates a managed group as EKS does: scale up, cordon, drain some nodes at a time, end them, scale down."""
    old = world.of("managed_nodes", group.name)
    if not old:
        return
    zones = sorted({node.zone for node in old})
    at_once = max(1, min(group.unavailable, MOST_AT_ONCE))
    started = 0
    if not group.minimal:
        started = yield from _start(world, group, zones, max(2 * len(zones), at_once), version, journal)
        if started < len(zones):
            words = f"node group {group.name}: NodeCreationFailure: {world.problems[-1]}"
            journal.say(world.clock.now, words, failed=True)
            return
    for node in old:
        cordon(world, node, labels={EXCLUDED: "true"})
    while left := world.every(old):
        batch = left[:at_once]
        if stuck := (yield from _drain_all(world, batch, journal, group)):
            words = f"PodEvictionFailure: pods did not leave {', '.join(stuck)} within 15 minutes"
            journal.say(world.clock.now, f"node group {group.name}: {words}", failed=True)
            return
        yield DEREGISTER_SECONDS
        for node in batch:
            world.remove(node)
            if group.minimal or started < group.desired:
                started += yield from _start(world, group, [node.zone], 1, version, journal)
    yield from _scale_down(world, group, started - len(old), journal)
    journal.say(world.clock.now, f"node group {group.name}: every node runs {version}")


def _scale_down(world: World, group: Group, surplus: int, journal: Journal) -> Process:
    """Brings a group back to its size, one node after the other: EKS drains what Auto Scaling ends. Here that is the newest."""
    for node in sorted(world.of("managed_nodes", group.name), key=lambda one: -one.started)[: max(0, surplus)]:
        cordon(world, node)
        yield from drain(world, node, journal, limit=EVICTION_SECONDS, force=True)
        yield DEREGISTER_SECONDS
        world.remove(node)


def _drain_all(
    world: World, nodes: Sequence[Node], journal: Journal, group: Group
) -> Generator[float, None, list[str]]:
    """Drains nodes side by side; returns those that pods did not leave."""
    results: dict[str, bool] = {}
    for node in nodes:
        world.clock.start(_drain(world, node, journal, group, results))
    while len(results) < len(nodes):
        yield 5.0
    return sorted(name for name, done in results.items() if not done)


def _start(
    world: World, group: Group, zones: list[str], count: int, version: str, journal: Journal
) -> Generator[float, None, int]:
    """Starts nodes, one zone after the other, as the quota allows, and waits for them; returns how many."""
    number = 0
    for index in range(count):
        if not world.room():
            break
        world.clock.start(world.start_group_node(group, zones[index % len(zones)], version))
        number += 1
        yield 0.0
    if number:
        journal.say(world.clock.now, f"node group {group.name}: {number} new nodes start")
        yield NODE_SECONDS + 1
    return number


def _drain(world: World, node: Node, journal: Journal, group: Group, results: dict[str, bool]) -> Process:
    done = yield from drain(world, node, journal, limit=EVICTION_SECONDS, force=group.forced)
    results[node.name] = done
    if done:
        journal.say(world.clock.now, f"node {node.name} of {group.name} is empty")


def replace_own(world: World, group: Group, version: str, journal: Journal) -> Process:
    """Replaces self-managed nodes one by one, as the guide describes it: a new node, then a drain that is never forced."""
    for node in world.of("self_managed_nodes", group.name):
        if not (yield from _start(world, group, [node.zone], 1, version, journal)):
            journal.say(world.clock.now, f"nodes {group.name}: {world.problems[-1]}", failed=True)
            return
        cordon(world, node)
        if not (yield from drain(world, node, journal, limit=EVICTION_SECONDS)):
            journal.say(world.clock.now, f"nodes {group.name}: kubectl drain of {node.name} does not end", failed=True)
            return
        world.remove(node)


def upgrade_in_place(world: World, group: Group, version: str, journal: Journal) -> Process:
    """Upgrades hybrid nodes one by one where they are: cordon, drain, nodeadm upgrade, uncordon."""
    for node in world.of("hybrid_nodes", group.name):
        cordon(world, node)
        if not (yield from drain(world, node, journal, limit=EVICTION_SECONDS)):
            journal.say(world.clock.now, f"hybrid node {node.name}: kubectl drain does not end", failed=True)
            cordon(world, node, on=False)
            return
        yield IN_PLACE_SECONDS
        node.version = version
        info = {"kubeletVersion": f"v{version}.0-eks-simulated"}
        with suppress(ApiError):
            world.client.patch(f"/api/v1/nodes/{node.name}/status", {"status": {"nodeInfo": info}})
        cordon(world, node, on=False)


def on_fargate(world: World) -> Iterator[tuple[str, str, str]]:
    """Yields the workloads that have pods on Fargate."""
    names = {node.name for node in world.of("fargate")}
    found = {
        workload_of({**pod, "kind": "Pod"}, world.mirror)
        for pod in world.mirror.of["pods"].values()
        if pod["spec"].get("nodeName") in names
    }
    yield from sorted(found)


def restart_fargate(world: World, journal: Journal) -> Process:
    """Restarts what runs on Fargate, one workload after the other: ``kubectl rollout restart``."""
    plurals = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
    for kind, namespace, name in on_fargate(world):
        if kind not in plurals:
            journal.say(world.clock.now, f"{kind} {namespace}/{name} on Fargate keeps its version: nothing restarts it")
            continue
        restart(world, plurals[kind], namespace, name)
        yield 5.0


def restart(world: World, plural: str, namespace: str, name: str) -> None:
    """Restarts the pods of a workload, as ``kubectl rollout restart`` does."""
    body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: f"{timestamp()} {world.clock.now:.0f}"}}}}}
    with suppress(ApiError):
        world.client.patch(f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}", body, kind="strategic")


def fail_zone(world: World, zone: str, journal: Journal) -> Process:
    """Lets a zone fail: its kubelets answer no more. Their nodes are unreachable after 50 s, and their pods leave 300 s later.

    https://kubernetes.io/docs/concepts/architecture/nodes/#node-heartbeats
    """
    nodes = [node for node in world.nodes.values() if node.zone == zone]
    journal.say(world.clock.now, f"zone {zone} fails, with {len(nodes)} nodes")
    for node in nodes:
        node.dead = node.draining = True
    for pods in (world.pods_on(node.name) for node in nodes):
        for pod in pods:
            _unready(world, pod)
    yield 50.0
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    for node in nodes:
        taints = [{key: one[key] for key in ("key", "value", "effect") if one.get(key)} for one in node.taints]
        world.patch_node(node, {"spec": {"taints": [*taints, taint, {**taint, "effect": "NoSchedule"}]}})
    yield 300.0
    for node in nodes:
        for pod in world.pods_on(node.name):
            namespace, name = key_of(pod)
            if drainable(pod):
                with suppress(ApiError):
                    world.client.delete(f"/api/v1/namespaces/{namespace}/pods/{name}")
    yield 60.0  # EC2 says that the instances have ended, and the cloud's controller deletes their nodes
    for node in nodes:
        world.remove(node)


def _unready(world: World, pod: dict[str, object]) -> None:
    namespace, name = key_of(pod)
    body = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]}}
    with suppress(ApiError):
        world.client.patch(f"/api/v1/namespaces/{namespace}/pods/{name}/status", body, kind="strategic")
