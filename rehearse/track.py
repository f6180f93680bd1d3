"""How many replicas of each workload are ready, over time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from local_kubernetes.client import Object
from local_kubernetes.nodes.mirror import Mirror, key_of
from local_kubernetes.nodes.rest import is_ready, unscheduled
from local_kubernetes.nodes.world import World

Name = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass
class Line:
    """A workload over time.

    Attributes:
        name: of the workload.
        points: time on the clock and ready replicas, at each change.
        asked: replicas that it asks for.
    """

    name: Name
    points: list[tuple[float, int]] = field(default_factory=list)
    asked: int = 0

    def at(self, when: float) -> int:
        """Returns how many were ready at a time."""
        found = 0
        for time, count in self.points:
            if time > when:
                break
            found = count
        return found

    def lowest(self, since: float, until: float) -> int:
        """Returns the lowest number between two times."""
        return min([self.at(since), *(count for time, count in self.points if since <= time <= until)])

    def below(self, number: int, since: float, until: float) -> float:
        """Returns for how many seconds fewer than a number were ready."""
        total, before, was = 0.0, since, self.at(since)
        for time, count in [*(point for point in self.points if since < point[0] <= until), (until, 0)]:
            if was < number:
                total += time - before
            before, was = time, count
        return total

    @property
    def now(self) -> int:
        """How many are ready at the end."""
        return self.points[-1][1] if self.points else 0


class Tracker:
    """Watches a world; it is asked each time that all is at rest."""

    def __init__(self, world: World) -> None:
        """Begins to watch."""
        self._world = world
        self.lines: dict[Name, Line] = {}
        world.observers.append(self.look)

    def look(self) -> None:
        """Counts."""
        mirror, now = self._world.mirror, self._world.clock.now
        ready: Counter[Name] = Counter()
        for pod in mirror.of["pods"].values():
            name = workload_of(pod, mirror)
            if name[0] not in ("Job", "DaemonSet"):
                ready[name] += is_ready(pod)
        for name, asked in _asked(mirror):
            ready[name] += 0
            self.lines.setdefault(name, Line(name)).asked = asked
        for name in {*ready, *self.lines}:
            line = self.lines.setdefault(name, Line(name, asked=1))
            if not line.points or line.points[-1][1] != ready[name]:
                if line.points and line.points[-1][0] == now:
                    line.points.pop()
                line.points.append((now, ready[name]))

    def pending(self, name: Name) -> Iterator[tuple[Object, str]]:
        """Yields the pods of a workload that are not ready, and why."""
        world = self._world
        for key, pod in sorted(world.mirror.of["pods"].items()):
            if workload_of(pod, world.mirror) != name or is_ready(pod):
                continue
            if pod["metadata"].get("deletionTimestamp"):
                yield pod, "it is being deleted, and does not end"
                continue
            why = world.fargate.refused.get(key) or world.kubelet.refused.get(key) or unscheduled(pod) or ""
            if more := world.pools.unable.get(key):
                why = f"{why} {more}".strip()
            yield pod, why or "it is not ready"
        for item in [*world.mirror.of["replica_sets"].values(), *world.mirror.of["stateful_sets"].values()]:
            owner = _top(item, world.mirror)
            if owner == name:
                for one in (item.get("status") or {}).get("conditions") or []:
                    if one["type"] == "ReplicaFailure" and one["status"] == "True":
                        yield item, str(one.get("message", ""))


def workload_of(pod: Object, mirror: Mirror) -> Name:
    """Returns what made a pod: its Deployment rather than its ReplicaSet; a pod that nothing made is its own."""
    return _top(pod, mirror)


def _top(item: Object, mirror: Mirror) -> Name:
    namespace, name = key_of(item)
    owners = item["metadata"].get("ownerReferences") or []
    if not owners:
        return str(item.get("kind") or "Pod"), namespace, name
    owner = owners[0]
    if owner["kind"] == "ReplicaSet" and (found := mirror.of["replica_sets"].get((namespace, owner["name"]))):
        return _top({**found, "kind": "ReplicaSet"}, mirror)
    return owner["kind"], namespace, owner["name"]


def _asked(mirror: Mirror) -> Iterator[tuple[Name, int]]:
    for kind, word in (("deployments", "Deployment"), ("stateful_sets", "StatefulSet")):
        for (namespace, name), item in mirror.of[kind].items():
            yield (word, namespace, name), int(item["spec"].get("replicas", 1))
    for (namespace, name), item in mirror.of["replica_sets"].items():
        if not item["metadata"].get("ownerReferences"):
            yield ("ReplicaSet", namespace, name), int(item["spec"].get("replicas", 1))
