"""What EKS's rules look up in the rest of the account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Subnet:
    """A subnet."""

    vpc_id: str
    zone: str
    public: bool
    """Whether its route table leads to an internet gateway."""


@dataclass(frozen=True)
class Role:
    """An IAM role."""

    trust: Mapping[str, Any]
    policies: frozenset[str]
    """ARNs of its managed policies."""
    inline: tuple[Mapping[str, Any], ...] = ()
    """The documents of its own policies."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def trusts(self, service: str, *actions: str) -> bool:
        """Whether its trust policy lets an AWS service, such as ``eks.amazonaws.com``, do all of ``actions``."""
        allowed: set[str] = set()
        for statement in as_list(self.trust.get("Statement", [])):
            principal = statement.get("Principal", {})
            services = as_list(principal.get("Service", [])) if isinstance(principal, Mapping) else []
            if statement.get("Effect") == "Allow" and service in services:
                allowed |= set(as_list(statement.get("Action", [])))
        return "sts:*" in allowed or set(actions) <= allowed


def as_list(value: Any) -> list[Any]:
    """Returns what a policy says at a key that takes one value or a list."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]
