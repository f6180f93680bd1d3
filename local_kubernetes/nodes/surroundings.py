"""What a simulated part sees of the cluster that it is part of: local_kubernetes.nodes.world.World has all of it."""

from typing import Any, Protocol

from local_kubernetes.client import Object
from local_kubernetes.nodes.clock import Clock
from local_kubernetes.nodes.compute import Compute
from local_kubernetes.nodes.mirror import Key, Mirror
from local_kubernetes.nodes.node import Node


class Surroundings(Protocol):
    """The cluster around a part."""

    client: Any
    clock: Clock
    compute: Compute
    mirror: Mirror
    nodes: dict[str, Node]
    problems: list[str]

    def new_name(self, runner: Any, zone: str) -> str:
        """Returns the name of one more node."""

    def add(self, node: Node) -> None:
        """Lets a node join."""

    def remove(self, node: Node) -> None:
        """Takes a node away."""

    def of(self, runner: str, group: str | None = None) -> list[Node]:
        """Returns the nodes of a kind of compute, and of one group."""

    def room(self, count: int = 1) -> bool:
        """Returns whether the account's quota has room for more instances."""

    def pod(self, key: Key, uid: str) -> Object | None:
        """Returns a pod as it is now."""

    def pods_by_node(self) -> dict[str, list[Object]]:
        """Returns the pods that take room, by node."""
