"""The interface of a kind of compute: how a cluster shows that it has it, and what is there for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

from responsibility.findings import Evidence
from responsibility.model import ComputeKind
from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.network import Subnet

G = TypeVar("G", NodeGroup, FargateProfile, SelfManagedNodes)


class Kind:
    """A kind of compute. A subclass overrides what differs."""

    id: ClassVar[ComputeKind]
    """Its key in the responsibility model (``model/data/``)."""
    compute_type: ClassVar[str]
    """EKS's word for it, where EKS says what a version of an add-on runs on:
    https://docs.aws.amazon.com/eks/latest/userguide/addon-compat.html"""
    entry_types: ClassVar[tuple[str, ...]] = ()
    """The types of access entries that its nodes join with."""
    rolled_back: ClassVar[str] = ""
    """What of it goes back a version before the control plane can; empty = nothing."""

    def has(self, cluster: Cluster) -> bool:
        """Whether a cluster has it, as far as that is known."""
        raise NotImplementedError

    def settle(self, cluster: Cluster) -> None:
        """Raises UnknownValue where what was read does not say whether a cluster has it."""

    def roots(self, facts: Facts) -> list[Fact]:
        """Returns the resources that are there for it; those that they lead to are, too."""
        return []

    def words(self, cluster: Cluster) -> str:
        """Returns what a cluster has of it, in words."""
        raise NotImplementedError

    def evidence(self, cluster: Cluster) -> list[Evidence]:
        """Returns where a cluster shows it."""
        raise NotImplementedError

    def places(self, facts: Facts) -> Iterator[tuple[Fact, list[Subnet]]]:
        """Yields what takes addresses of subnets for its pods, and those subnets."""
        yield from ()


class GroupKind(Kind, Generic[G]):
    """A kind that consists of resources of its own: groups of nodes, profiles."""

    group: type[G]
    noun: ClassVar[str]
    """What people call one of them."""

    def has(self, cluster: Cluster) -> bool:
        """Whether a cluster has one of them."""
        return bool(self._of(cluster))

    def roots(self, facts: Facts) -> list[Fact]:
        """Returns all of them."""
        return [*facts.all(self.group)]

    def words(self, cluster: Cluster) -> str:
        """Returns how many there are, and what each is."""
        found = [self.describe(group) for group in self._of(cluster)]
        return f"{len(found)} {self.noun}{'s' if len(found) != 1 else ''}: {', '.join(found)}"

    def describe(self, group: G) -> str:
        """Returns one of them, in words."""
        return group.name

    def evidence(self, cluster: Cluster) -> list[Evidence]:
        """Returns where each of them is."""
        return [group.at() for group in self._of(cluster)]

    def places(self, facts: Facts) -> Iterator[tuple[Fact, list[Subnet]]]:
        """Yields each of them with its subnets."""
        for group in facts.all(self.group):
            yield group, group.subnets

    def _of(self, cluster: Cluster) -> list[G]:
        return cluster.facts.belonging(self.group, cluster.resource.key)
