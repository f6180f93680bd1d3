"""The AWS managed policies that the roles of a cluster need."""

from collections.abc import Iterable
from functools import cache
from typing import Literal

from eks_facts.files import load

RoleOf = Literal[
    "cluster",
    "auto_mode_cluster",
    "auto_mode_nodes",
    "ec2_nodes",
    "fargate_pods",
    "hybrid_nodes_ssm",
    "hybrid_nodes_anywhere",
]


@cache
def needs(role: RoleOf) -> tuple[tuple[str, ...], ...]:
    """Returns what a role needs: one of each group. The first of a group is the narrowest."""
    return tuple(tuple(group) for group in load("role_policies")["roles"][role]["needs"])


def narrowest(role: RoleOf) -> tuple[str, ...]:
    """Returns the policies to attach to a role."""
    return tuple(group[0] for group in needs(role))


def accepted(*roles: RoleOf) -> frozenset[str]:
    """Returns every policy that does the job in some role."""
    return frozenset(name for role in roles for group in needs(role) for name in group)


def missing(role: RoleOf, attached: Iterable[str]) -> list[str]:
    """Returns what is missing among the names of a role's policies: of each group that has none, the narrowest."""
    names = set(attached)
    return [group[0] for group in needs(role) if not names & set(group)]


def wider(role: RoleOf) -> dict[str, str]:
    """Returns the policies that allow more than a role needs, and for each the narrower one that is enough."""
    return {name: group[0] for group in needs(role) for name in group[1:]}


def instead(policy: str) -> tuple[str, ...]:
    """Returns the actions that do the job of a policy that a role needs; empty = not known."""
    return tuple(load("role_policies")["instead"].get(policy, ()))


def includes(policy: str, attached: Iterable[str]) -> bool:
    """Whether a wider policy among the names of a role's policies does the job of one that it needs."""
    return bool(set(attached) & set(load("role_policies")["includes"].get(policy, ())))
