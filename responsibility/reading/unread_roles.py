"""Roles of nodes that nothing read has: another stack or a parameter gives them. What they allow is unknown, not absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from responsibility.findings import Evidence
from responsibility.reading.eks import NodeGroup
from responsibility.reading.facts import Facts
from responsibility.reading.iam import Purpose, Role, Use
from responsibility.reading.policy_statements import Statement
from responsibility.reading.resource import UnknownValue


class UnreadNodeRole(Role):
    """The role that a node group names. Its resource is the group's."""

    def __init__(self, group: NodeGroup) -> None:
        super().__init__(group.resource, group.facts)
        self._group = group

    @property
    def name(self) -> str:
        """That of the node group: a role of a parameter has none."""
        return f"of {self._group.words}"

    @property
    def uses(self) -> Sequence[Use]:
        """None: checks of what any role may do are about roles that were read."""
        return ()

    def is_for(self, *purposes: Purpose) -> bool:
        """It is for nodes."""
        return "node" in purposes

    @property
    def _unread(self) -> UnknownValue:
        return UnknownValue(self.at(), "the role is not in what was read")

    def at(self, _path: str = "") -> Evidence:
        """Returns where the role is named, whatever is asked of it."""
        return self._group.at("NodeRole")

    def get(self, _path: str, _default: Any = None) -> Any:
        """Raises UnknownValue."""
        raise self._unread

    @property
    def attached(self) -> tuple[list[tuple[str, Evidence]], list[UnknownValue]]:
        """Nothing that is known."""
        return [], [self._unread]

    @property
    def allowances(self) -> tuple[list[Statement], list[UnknownValue]]:
        """Nothing that is known."""
        return [], [self._unread]


def unread_node_roles(facts: Facts) -> Iterator[UnreadNodeRole]:
    """Yields one for each role that node groups of templates name and that was not read."""
    seen = set()
    for group in facts.all(NodeGroup):
        named = (group.cluster_key, str(group.resource.properties.get("NodeRole")))
        if facts.origin == "templates" and group.role is None and named not in seen:
            seen.add(named)
            yield UnreadNodeRole(group)
