"""What EKS's rules ask of the account around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


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


class Account(Protocol):
    """The account around EKS."""

    def subnet(self, subnet_id: str) -> Subnet | None:
        """Returns a subnet, or None."""

    def role(self, arn: str) -> Role | None:
        """Returns a role, or None."""

    def principal_exists(self, arn: str) -> bool:
        """Whether a role or user exists."""

    def key_problem(self, arn: str) -> str:
        """Returns why a KMS key cannot encrypt a cluster's data, or nothing."""

    def launch_template(self, name_or_id: str) -> list[int] | None:
        """Returns the version numbers of a launch template, or None."""

    def create_security_group(self, vpc_id: str, name: str, description: str, tags: dict[str, str]) -> str:
        """Makes EKS's own security group, and returns its id."""

    def delete_security_group(self, group_id: str) -> None:
        """Deletes EKS's own security group."""

    def start_api_server(self, cluster: str, *, auto_mode: bool) -> tuple[str, str] | None:
        """Starts a cluster's Kubernetes API server; returns address and certificate authority, or None where there are none."""

    def stop_api_server(self, cluster: str) -> None:
        """Ends a cluster's Kubernetes API server, if it has one."""

    def security_group_vpc(self, group_id: str) -> str | None:
        """Returns the VPC of a security group, or None."""
