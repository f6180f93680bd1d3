"""Draining a node: cordon, real calls of the Eviction API, and what comes after the time is over."""

from collections.abc import Callable, Generator, Mapping

from eks_facts.labels import selects
from local_kubernetes.client import ApiError, Object
from local_kubernetes.nodes.journal import Journal, words_of
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.world import World

RETRY_SECONDS = 5.0
"""kubectl asks again after so long. Here the pauses grow with the time that has gone: nothing else changes the answer."""
_GROWTH = 0.1
_CONFLICT = 409
_BY_BUDGETS = ("disruption budget", "PodDisruptionBudget")
"""Words of the API where budgets are the reason: 429, or 500 for a pod that several of them select.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/#how-api-initiated-eviction-works
"""
_GONE = 404

Drain = Generator[float, None, bool]
"""Returns whether the node is empty."""


NAMED = "spec.nodeName in the pod template"


def drainable(pod: Object) -> bool:
    """Returns whether a drain moves a pod: those of DaemonSets and static ones stay. What has ended is no pod to move."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") and not pod["metadata"].get(
        "deletionTimestamp"
    ):
        return False
    static = "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})
    return not static and not any(
        one["kind"] in ("DaemonSet", "Node") for one in pod["metadata"].get("ownerReferences") or []
    )


def cordon(world: World, node: Node, *, on: bool = True, labels: Mapping[str, str] | None = None) -> None:
    """Keeps new pods off a node, or lets them on again; with labels that the node gets at the same time."""
    node.draining = on
    world.patch_node(node, {"metadata": {"labels": labels or {}}, "spec": {"unschedulable": on or None}})


def drain(
    world: World,
    node: Node,
    journal: Journal,
    *,
    limit: float,
    force: bool = False,
    keeps: Callable[[Object], str] = lambda _: "",
) -> Drain:
    """Evicts the pods of a node until none is left.

    Args:
        world: with the node.
        node: which one.
        journal: gets what the API refuses.
        limit: seconds after which it ends.
        force: whether pods that are there then are deleted, as EKS and Karpenter do it.
        keeps: why the one who drains does not even ask for a pod, in words; empty: it does.
    """
    start = world.clock.now
    while node.name in world.nodes:
        pods = [pod for pod in world.pods_on(node.name) if drainable(pod)]
        if not pods:
            return True
        for pod in pods:
            if not pod["metadata"].get("deletionTimestamp"):
                evict(world, node, pod, journal, keeps(pod))
        passed = world.clock.now - start
        if passed >= limit:
            if not force:
                for pod in pods:
                    note_stuck(world, node, pod, journal)
                return False
            for pod in pods:
                _delete(world, node, pod, journal)
            yield 60.0  # their grace period, and what it takes
            for pod in [one for one in world.pods_on(node.name) if drainable(one)]:
                note_stuck(world, node, pod, journal, "deleted")
            return True
        yield min(max(RETRY_SECONDS, passed * _GROWTH), max(limit - passed, 0.0) or RETRY_SECONDS)
    return True


def evict(world: World, node: Node, pod: Object, journal: Journal, kept: str = "") -> bool:
    """Asks the Eviction API for a pod; returns whether it goes."""
    namespace, name = key_of(pod)
    now, uid = world.clock.now, pod["metadata"]["uid"]
    if kept:
        journal.refuse(now, pod, node, kept)
        return False
    budgets = budgets_of(world, pod)
    # By budgets the API decides on these objects alone: as long as they are the same, so is its answer.
    decided_on = [pod, *(world.mirror.of["budgets"][key] for key in budgets)]
    versions = [one["metadata"]["resourceVersion"] for one in decided_on]
    before, words = journal.answers.get(uid, ([], ""))
    if before != versions:
        try:
            world.client.evict(namespace, name)
        except ApiError as problem:
            if problem.code in (_GONE, _CONFLICT):
                return True
            words = words_of(problem)
            if any(one in words for one in _BY_BUDGETS):
                journal.answers[uid] = versions, words
        else:
            journal.evicted[uid] = now
            journal.left(pod, node)
            return True
    journal.refuse(now, pod, node, words, budgets)
    return False


def budgets_of(world: World, pod: Object) -> tuple[Key, ...]:
    """Returns the PodDisruptionBudgets that select a pod."""
    return tuple(
        key
        for key, budget in sorted(world.mirror.of["budgets"].items())
        if key[0] == key_of(pod)[0] and selects(budget["spec"].get("selector"), pod["metadata"].get("labels") or {})
    )


def _delete(world: World, node: Node, pod: Object, journal: Journal) -> None:
    namespace, name = key_of(pod)
    try:
        world.client.delete(f"/api/v1/namespaces/{namespace}/pods/{name}")
    except ApiError:
        return
    journal.evicted.setdefault(pod["metadata"]["uid"], world.clock.now)
    journal.left(pod, node, "deleted")


def note_stuck(world: World, node: Node, pod: Object, journal: Journal, outcome: str = "stayed") -> None:
    """Notes why a pod that was to go is still there, where no budget says it; ``deleted``: its node ends all the same."""
    if made := _made_here(world, node, pod):
        journal.stuck(world.clock.now, pod, node, made, outcome)
        return
    if not pod["metadata"].get("deletionTimestamp"):
        return
    if finalizers := pod["metadata"].get("finalizers"):
        why = f"deleted, but its finalizers keep it: {', '.join(finalizers)}"
    else:
        why = f"it ends within its grace period of {pod['metadata'].get('deletionGracePeriodSeconds', 30)} s, which is not over"
    journal.stuck(world.clock.now, pod, node, why, outcome)


def _made_here(world: World, node: Node, pod: Object) -> str:
    """Returns why a pod is made again on the node that it was to leave: no scheduler, and so no cordon, is asked about it."""
    for owner in pod["metadata"].get("ownerReferences") or []:
        kind = {"ReplicaSet": "replica_sets", "StatefulSet": "stateful_sets", "Job": "jobs"}.get(owner["kind"], "pods")
        made = world.mirror.of[kind].get((key_of(pod)[0], owner["name"])) or {"spec": {}}
        if (made["spec"].get("template") or {"spec": {}})["spec"].get("nodeName") == node.name:
            return f"evicted, and made again on the same node: {NAMED} of its {owner['kind']} is {node.name}"
    return ""
