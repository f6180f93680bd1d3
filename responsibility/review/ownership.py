"""Which component a resource shows, and for which kind of compute it is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eks_facts.addons import addon_kinds
from responsibility.model import ComputeKind
from responsibility.reading.eks import AccessEntry, Addon, Cluster
from responsibility.reading.facts import Fact, Facts, key_of
from responsibility.reading.kinds.registry import KINDS
from safe_io.yaml_file import load

_DATA = Path(__file__).parents[1] / "data" / "resource_types.yaml"
_SERVES_ALL = ("AWS::EKS::Cluster", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::KMS::Key")
"""What every kind of compute refers to; nothing is attributed through it."""


@dataclass(frozen=True, slots=True)
class Shows:
    """A component that a resource shows, and the property that says it."""

    component: str
    path: str = ""
    kind: ComputeKind | None = None
    """Only for this kind of compute."""


@cache
def _table() -> tuple[dict[str, list[Shows]], dict[str, str]]:
    data: dict[str, Any] = load(_DATA)
    return {kind: [Shows(**row) for row in rows] for kind, rows in data["types"].items()}, data["addons"]


def shows(fact: Fact) -> list[Shows]:
    """Returns the components that a resource shows; the first is the one it counts for."""
    types, addons = _table()
    if isinstance(fact, Addon) and fact.name in addons:
        return [Shows(addons[fact.name]), *types[fact.resource.type]]
    return types.get(fact.resource.type, [])


def compute_kinds(facts: Facts) -> dict[str, ComputeKind]:
    """Returns, by key, the kind of compute that a resource is there for; what serves a cluster as a whole is left out.

    A resource is there for a kind if the kind's own resources lead to it and no other kind's do, or if it leads to
    such resources and to no other kind's (a policy of a node role).
    """
    reached: dict[str, set[ComputeKind]] = defaultdict(set)
    for kind, roots in _roots(facts).items():
        todo, seen = list(roots), {fact.resource.key for fact in roots}
        while todo:
            fact = todo.pop()
            reached[fact.resource.key].add(kind)
            for key in facts.references(fact.resource) - seen:
                seen.add(key)
                target = facts.get(Fact, key)
                if target and target.resource.type not in _SERVES_ALL:
                    todo.append(target)
    for cluster in facts.all(Cluster):
        own = facts.references(cluster.resource) - {key_of(cluster.resource.maybe("ComputeConfig.NodeRoleArn"))}
        for key in own:
            reached.pop(key, None)
    found = {key: next(iter(kinds)) for key, kinds in reached.items() if len(kinds) == 1}
    for resource in facts.resources:
        if resource.key in reached or resource.type in _SERVES_ALL:
            continue
        kinds = {found[key] for key in facts.references(resource) if key in found}
        if len(kinds) == 1:
            found[resource.key] = kinds.pop()
    return found


def _roots(facts: Facts) -> dict[ComputeKind, list[Fact]]:
    roots = {kind.id: [*kind.roots(facts)] for kind in KINDS}
    by_type = {entry_type: kind.id for kind in KINDS for entry_type in kind.entry_types}
    for entry in facts.all(AccessEntry):
        if kind := by_type.get(str(entry.resource.maybe("Type"))):
            roots[kind].append(entry)
    for addon in facts.all(Addon):
        cluster_of_addon = addon.cluster
        used = [
            kind for kind in addon_kinds().get(addon.name, []) if cluster_of_addon and kind in cluster_of_addon.kinds
        ]
        if len(used) == 1:
            roots[used[0]].append(addon)
    return roots
