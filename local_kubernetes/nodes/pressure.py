"""Nodes that run out of memory or disk, as the kubelet sees it: it evicts pods, without asking any PodDisruptionBudget.

No program runs here, so what a pod uses is what somebody declares: its annotations ``local-kubernetes/uses-memory`` and
``local-kubernetes/uses-ephemeral-storage``; else its limits, where ``usage`` says so; else what it requests.
https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from eks_facts.quantities import UnreadableQuantity, quantity, requested
from local_kubernetes.client import ApiError, Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import Node

Usage = Literal["requests", "limits"]
USES = "local-kubernetes/uses-"
_RESOURCES = {"memory": ("MemoryPressure", "100Mi"), "ephemeral-storage": ("DiskPressure", "10%")}
"""By resource, the condition of its node, and the kubelet's threshold. What a node lets pods have is already without it."""
_TAINTS = {"MemoryPressure": "node.kubernetes.io/memory-pressure", "DiskPressure": "node.kubernetes.io/disk-pressure"}
TRANSITION_SECONDS = 300.0
"""How long a node says so after it is over: evictionPressureTransitionPeriod."""
MOST_ROUNDS, MOST_EVICTIONS = 3, 20
"""After so many times a node keeps its taint, and evicts no more: it would go on for ever, and nothing new would be seen."""
_ABOVE = {
    "memory": "OOMKilled: it uses {} of memory, and its limit is {}",
    "ephemeral-storage": "Evicted: it uses {}. Pod ephemeral local storage usage exceeds the total limit of containers {}.",
}


@dataclass(frozen=True)
class Evicted:
    """A pod that a kubelet has evicted.

    Attributes:
        at: seconds on the clock.
        pod: namespace and name.
        node: where it was.
        runner: the kind of compute of the node.
        group: its group or pool.
        message: the kubelet's words.
    """

    at: float
    pod: Key
    node: str
    runner: str
    group: str
    message: str


class Pressure:
    """Watches the use of every node.

    Attributes:
        usage: what pods use that say nothing: what they request, or all that their limits allow.
        evicted: in order.
    """

    def __init__(self, world: Around) -> None:
        """Takes the world that it is part of."""
        self._world = world
        self.usage: Usage = "requests"
        self.evicted: list[Evicted] = []
        self._count: Counter[tuple[str, str]] = Counter()
        self._rounds: dict[tuple[str, str], int] = {}
        self._under: set[tuple[str, str]] = set()

    def react(self) -> None:
        """Evicts what is too much."""
        running: dict[str, list[Object]] = {}
        declared = self.usage == "limits"
        for pod in self._world.mirror.of["pods"].values():
            if (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
                running.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
                declared = declared or any(key.startswith(USES) for key in pod["metadata"].get("annotations") or {})
        if not declared:
            return  # requests fit: the scheduler has looked
        for name, pods in sorted(running.items()):
            node = self._world.nodes.get(name)
            item = self._world.mirror.of["nodes"].get(("", name))
            if node and item and not node.dead:
                self._look(node, item, pods)

    def _look(self, node: Node, item: Object, pods: list[Object]) -> None:
        for resource, (condition, threshold) in _RESOURCES.items():
            room = quantity(item["status"]["allocatable"].get(resource, 0))
            used = sum((self.used(pod, resource) for pod in pods), Fraction(0))
            if used <= room:
                continue
            self._press(node, condition)
            if self._count[node.name, condition] >= MOST_EVICTIONS:
                continue
            for pod in sorted(pods, key=lambda one: self._rank(one, resource)):
                if used <= room:
                    break
                words = (
                    f"The node was low on resource: {resource}. Threshold quantity: {threshold}. It uses "
                    f"{_amount(self.used(pod, resource))}, and requests {_amount(requested(pod['spec'], resource))}"
                )
                self._count[node.name, condition] += 1
                self._evict(node, pod, words)
                pods.remove(pod)
                used -= self.used(pod, resource)

    def used(self, pod: Object, resource: str) -> Fraction:
        """Returns what a pod uses of a resource."""
        found = declared(pod, resource)
        if found is not None:
            return found
        asked = Fraction(requested(pod["spec"], resource))
        return max(asked, _limit(pod, resource)) if self.usage == "limits" else asked

    def _rank(self, pod: Object, resource: str) -> tuple[bool, int, Fraction, Key]:
        """Returns the place of a pod: first who uses more than it requests, then by priority, then by how much more."""
        above = self.used(pod, resource) - requested(pod["spec"], resource)
        return above <= 0, int(pod["spec"].get("priority") or 0), -above, key_of(pod)

    def _evict(self, node: Node, pod: Object, message: str) -> None:
        namespace, name = key_of(pod)
        conditions = [
            {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message},
            {"type": "Ready", "status": "False", "reason": "PodFailed"},
        ]
        status = {"phase": "Failed", "reason": "Evicted", "message": message, "conditions": conditions}
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        with suppress(ApiError):  # it is gone
            path = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
            self._world.mirror.of["pods"][key_of(pod)] = self._world.client.patch(path, body, kind="strategic")
            self.evicted.append(
                Evicted(self._world.clock.now, key_of(pod), node.name, node.runner, node.group, message.strip())
            )

    def _press(self, node: Node, condition: str) -> None:
        mark = (node.name, condition)
        if mark in self._under:
            return
        self._under.add(mark)
        self._rounds[mark] = self._rounds.get(mark, 0) + 1
        self._set(node)
        if self._rounds[mark] < MOST_ROUNDS:
            self._world.clock.after(TRANSITION_SECONDS, lambda: self._release(node, mark))

    def _release(self, node: Node, mark: tuple[str, str]) -> None:
        self._under.discard(mark)
        if node.name in self._world.nodes:
            self._set(node)

    def _set(self, node: Node) -> None:
        """Sets conditions, and the taints that the node lifecycle controller would add."""
        under = {condition for name, condition in self._under if name == node.name}
        item = self._world.mirror.of["nodes"].get(("", node.name), {"spec": {}})
        kept = [one for one in item["spec"].get("taints") or [] if one["key"] not in _TAINTS.values()]
        taints = [*kept, *({"key": _TAINTS[one], "effect": "NoSchedule"} for one in sorted(under))]
        conditions = [
            {"type": one, "status": str(one in under), "reason": f"KubeletHas{'' if one in under else 'No'}{one}"}
            for one in _TAINTS
        ]
        path = f"/api/v1/nodes/{node.name}"
        with suppress(ApiError):  # it is gone
            self._world.client.patch(f"{path}/status", {"status": {"conditions": conditions}}, kind="strategic")
            self._world.mirror.of["nodes"]["", node.name] = self._world.client.patch(path, {"spec": {"taints": taints}})


def declared(pod: Object, resource: str) -> Fraction | None:
    """Returns what the annotations of a pod say that it uses; None: nothing that can be read."""
    value = (pod["metadata"].get("annotations") or {}).get(f"{USES}{resource}")
    with suppress(UnreadableQuantity):
        return None if value is None else Fraction(quantity(value))
    return None


def above_limits(pod: Object) -> str:
    """Returns why the programs of a pod end again and again: they use more than the pod's own limits; empty: they do not."""
    for resource, words in _ABOVE.items():
        used, limit = declared(pod, resource), _limit(pod, resource)
        if used is not None and limit and used > limit:
            return words.format(_amount(used), _amount(limit))
    used = declared(pod, "ephemeral-storage")
    for volume in pod["spec"].get("volumes") or []:
        most = (volume.get("emptyDir") or {}).get("sizeLimit")
        if used is not None and most and used > quantity(most):
            return f'Evicted: Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{most}".'
    return ""


def _limit(pod: Object, resource: str) -> Fraction:
    """Returns the sum of the limits of a pod's containers; 0: one of them has none."""
    limits = [((one.get("resources") or {}).get("limits") or {}).get(resource) for one in pod["spec"]["containers"]]
    return sum((Fraction(quantity(one)) for one in limits), Fraction(0)) if all(limits) else Fraction(0)


def _amount(value: Fraction) -> str:
    return f"{int(value / 2**20)}Mi" if value >= 2**20 else f"{int(value / 2**10)}Ki"
