"""What the simulated parts of a cluster use of each other."""

from collections.abc import Mapping
from typing import Protocol

from local_kubernetes.client import Client, Object
from local_kubernetes.nodes.clock import Clock
from local_kubernetes.nodes.compute import Compute, Runner
from local_kubernetes.nodes.mirror import Key, Mirror
from local_kubernetes.nodes.node import Node


class Around(Protocol):
    """The world that a part is in: ``World`` describes what each of these is."""

    compute: Compute
    problems: list[str]

    @property
    def client(self) -> Client:
        """Administrator of the cluster."""

    @property
    def clock(self) -> Clock:
        """Simulated time."""

    @property
    def mirror(self) -> Mirror:
        """The objects."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes that run, by name."""

    def new_name(self, runner: Runner, zone: str) -> str:
        """Returns the name of one more node."""

    def room(self, count: int = 1) -> bool:
        """Returns whether the account's quota has room for more instances."""

    def add(self, node: Node) -> None:
        """Lets a node join."""

    def remove(self, node: Node) -> None:
        """Takes a node away."""

    def of(self, runner: str, group: str | None = None) -> list[Node]:
        """Returns the nodes of a kind of compute, and of one group."""

    def pods_by_node(self) -> dict[str, list[Object]]:
        """Returns the pods that take room, by node."""

    def pod(self, key: Key, uid: str) -> Object | None:
        """Returns a pod as it is now."""
