"""Room on the nodes that are there."""

from collections.abc import Collection
from fractions import Fraction

from local_kubernetes.client import Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.node import ZONE
from local_kubernetes.nodes.placing import amounts, free_on, misfit, parted
from local_kubernetes.nodes.volumes import zones_of


class Room:
    """What nodes have left, for pods that are about to move."""

    def __init__(self, world: Around, without: Collection[str] = ()) -> None:
        """Takes names of nodes that do not count: they are about to go."""
        self._world = world
        by_node = world.pods_by_node()
        self._nodes = [
            item
            for (_, name), item in sorted(world.mirror.of["nodes"].items())
            if name in world.nodes
            and name not in without
            and not item["spec"].get("unschedulable")
            and not world.nodes[name].draining
        ]
        self._free = {
            item["metadata"]["name"]: free_on(item, by_node.get(item["metadata"]["name"], [])) for item in self._nodes
        }
        self._labels = {name: node.labels for name, node in world.nodes.items() if name not in without}
        self._placed = [pod for pods in by_node.values() for pod in pods]

    def take(self, pod: Object) -> bool:
        """Takes room for a pod, if there is some."""
        zones = zones_of(pod, self._world.mirror)
        for node in self._nodes:
            name = node["metadata"]["name"]
            labels = node["metadata"]["labels"]
            if misfit(pod, node, self._free[name]) or (zones is not None and labels.get(ZONE) not in zones):
                continue
            if parted(pod, self._labels, self._placed, labels):
                continue
            for resource, amount in amounts(pod).items():
                self._free[name][resource] = self._free[name].get(resource, Fraction(0)) - amount
            self._placed.append({**pod, "spec": {**pod["spec"], "nodeName": name}})
            return True
        return False
