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
        for statement in _list(self.trust.get("Statement", [])):
            principal = statement.get("Principal", {})
            services = _list(principal.get("Service", [])) if isinstance(principal, Mapping) else []
            if statement.get("Effect") == "Allow" and service in services:
                allowed |= set(_list(statement.get("Action", [])))
        return "sts:*" in allowed or set(actions) <= allowed


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
