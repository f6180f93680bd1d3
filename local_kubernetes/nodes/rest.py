"""What the controllers of a control plane have yet to do. Empty: it has come to rest, and simulated time may go on."""

from collections import Counter
from collections.abc import Iterator, Mapping

from eks_facts.labels import selects
from local_kubernetes.client import Object
from local_kubernetes.nodes.mirror import Key, Mirror, key_of
from local_kubernetes.nodes.node import ZONE, Node
from local_kubernetes.nodes.placing import free_on, lives, misfit, parted
from local_kubernetes.nodes.volumes import waits_for_claim, zones_of

_OWNERS = {
    "deployments": "",
    "replica_sets": "ReplicaSet",
    "stateful_sets": "StatefulSet",
    "daemon_sets": "",
    "jobs": "",
}


def is_ready(pod: Object) -> bool:
    """Returns whether a pod is ready, and is to stay."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        one["type"] == "Ready" and one["status"] == "True" for one in conditions
    )


def unscheduled(pod: Object) -> str | None:
    """Returns why the scheduler found no node for a pod; None: it has not said so."""
    for one in (pod.get("status") or {}).get("conditions") or []:
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return str(one.get("message", one.get("reason", "")))
    return None


def unrest(mirror: Mirror, nodes: Mapping[str, Node]) -> frozenset[str]:
    """Returns what is yet to be done, each in a few words that stay the same while it is so."""
    return frozenset([*_controllers(mirror), *_budgets(mirror), *_scheduler(mirror, nodes)])


def _controllers(mirror: Mirror) -> Iterator[str]:
    made: Counter[tuple[str, str]] = Counter()
    ready: Counter[tuple[str, str]] = Counter()
    for pod in mirror.of["pods"].values():
        if lives(pod) and not pod["metadata"].get("deletionTimestamp"):
            for owner in pod["metadata"].get("ownerReferences") or []:
                made[owner["kind"], owner["uid"]] += 1
                ready[owner["kind"], owner["uid"]] += is_ready(pod)
    for kind, owner in _OWNERS.items():
        for key, item in mirror.of[kind].items():
            status, uid = item.get("status") or {}, item["metadata"]["uid"]
            name = f"{kind} {'/'.join(key)}"
            if kind != "jobs" and status.get("observedGeneration", 0) < item["metadata"].get("generation", 1):
                yield f"{name} {item['metadata'].get('generation')}"
            if not owner or item["metadata"].get("deletionTimestamp"):
                continue
            wanted, there = item["spec"].get("replicas", 1), made[owner, uid]
            failing = any(
                one["type"] == "ReplicaFailure" and one["status"] == "True" for one in status.get("conditions") or []
            )
            ordered = owner == "StatefulSet" and item["spec"].get("podManagementPolicy") != "Parallel"
            waits = ordered and (there > ready[owner, uid] or _leaving(mirror, uid))
            if there != wanted and not failing and not waits:
                yield f"{name} has {there} of {wanted} pods"
            elif status.get("readyReplicas", 0) != ready[owner, uid] and not (ordered and _leaving(mirror, uid)):
                yield f"{name} counts {status.get('readyReplicas', 0)} of {ready[owner, uid]} ready"


def _leaving(mirror: Mirror, uid: str) -> bool:
    return any(
        pod["metadata"].get("deletionTimestamp")
        for pod in mirror.of["pods"].values()
        if any(one["uid"] == uid for one in pod["metadata"].get("ownerReferences") or [])
    )


def _budgets(mirror: Mirror) -> Iterator[str]:
    for key, budget in mirror.of["budgets"].items():
        pods = _selected(mirror, key, budget)
        if any(
            _selected(mirror, of, other) & pods
            for of, other in mirror.of["budgets"].items()
            if of != key and of[0] == key[0]
        ):
            continue  # of several budgets of a pod the controller keeps but one
        status = budget.get("status") or {}
        name = f"budget {'/'.join(key)}"
        if any(one["reason"] == "SyncFailed" for one in status.get("conditions") or []):
            continue  # such as for pods of a DaemonSet: the generation is never observed
        if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 1):
            yield f"{name} {budget['metadata'].get('generation')}"
            continue
        healthy = sum(is_ready(mirror.of["pods"][one]) for one in pods)
        if status.get("currentHealthy") != healthy:
            yield f"{name} counts {status.get('currentHealthy')} of {healthy} healthy"


def _selected(mirror: Mirror, key: Key, budget: Object) -> set[Key]:
    return {
        of
        for of, pod in mirror.of["pods"].items()
        if of[0] == key[0] and selects(budget["spec"].get("selector"), pod["metadata"].get("labels") or {})
    }


def _scheduler(mirror: Mirror, nodes: Mapping[str, Node]) -> Iterator[str]:
    waiting = [
        pod
        for pod in mirror.of["pods"].values()
        if not pod["spec"].get("nodeName")
        and not pod["metadata"].get("deletionTimestamp")
        and not pod["spec"].get("schedulingGates")
        and pod["spec"].get("schedulerName") == "default-scheduler"
    ]
    if not waiting:
        return
    placed = [pod for pod in mirror.of["pods"].values() if pod["spec"].get("nodeName") and lives(pod)]
    on: dict[str, list[Object]] = {}
    for pod in placed:
        on.setdefault(pod["spec"]["nodeName"], []).append(pod)
    there = [
        item
        for (_, name), item in mirror.of["nodes"].items()
        if name in nodes and not item["spec"].get("unschedulable") and not nodes[name].dead
    ]
    free = {item["metadata"]["name"]: free_on(item, on.get(item["metadata"]["name"], [])) for item in there}
    labels = {name: item["metadata"].get("labels") or {} for (_, name), item in mirror.of["nodes"].items()}
    for pod in waiting:
        name = "pod " + "/".join(key_of(pod))
        if unscheduled(pod) is None:
            yield f"{name} was not looked at"
            continue
        if waits_for_claim(pod, mirror):
            continue
        zones = zones_of(pod, mirror)
        for node in there:
            host = node["metadata"]["name"]
            if (
                not misfit(pod, node, free[host])
                and (zones is None or labels[host].get(ZONE) in zones)
                and not parted(pod, labels, placed, labels[host])
            ):
                yield f"{name} has room"
                break
