"""What EKS's rules ask of the account around it, and of the project's catalog of facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml


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


OTHER_ACCESS_POLICIES = frozenset(
    {
        "AmazonAIOpsAssistantPolicy", "AmazonEKSPodIdentityPolicy", "AmazonEKSSecretAdminPolicy", "AmazonEMRJobPolicy",
        "AmazonSagemakerHyperpodClusterPolicy", "AmazonSagemakerHyperpodControllerPolicy", "AmazonSagemakerHyperpodSpacePolicy",
        "AmazonSagemakerHyperpodSpaceTemplatePolicy", "AmazonSagemakerHyperpodSystemNamespacePolicy",
        "AmazonSagemakerHyperpodUserClusterPolicy",
    }
)  # fmt: skip
"""What eks:ListAccessPolicies answers beside the policies that the review describes; most are of other services."""


class Catalog:
    """Facts about EKS that stand once, in the construct library's catalog and the review's data."""

    def __init__(self, folder: Path, policies: Path) -> None:
        """Reads the files of ``folder``, and the policies, when they are asked for."""
        self._folder, self._policies = folder, policies

    def _load(self, name: str) -> Any:
        return yaml.safe_load((self._folder / f"{name}.yaml").read_text())

    @cached_property
    def versions(self) -> dict[str, dict[str, Any]]:
        """Kubernetes versions with their dates, oldest first."""
        return dict(self._load("kubernetes_versions")["versions"])

    @cached_property
    def addons(self) -> dict[str, dict[str, Any]]:
        """Add-ons by name."""
        return dict(self._load("addons")["addons"])

    @cached_property
    def addon_settings(self) -> dict[str, dict[str, Any]]:
        """JSON schemas of add-ons' settings, as far as they are known."""
        return dict(self._load("addon_settings")["add_ons"])

    @cached_property
    def access_policies(self) -> frozenset[str]:
        """Names of the access policies of EKS."""
        return OTHER_ACCESS_POLICIES | set(yaml.safe_load(self._policies.read_text())["access_policies"])

    @cached_property
    def limits(self) -> dict[str, int]:
        """Quotas by name."""
        return {name: int(row["value"]) for name, row in self._load("limits")["limits"].items()}

    @cached_property
    def _families(self) -> Mapping[str, Any]:
        return dict(self._load("instance_families"))

    @property
    def ami_types(self) -> Mapping[str, Mapping[str, str]]:
        """AMI types with their architecture."""
        return dict(self._families["ami_types"])

    def architecture(self, instance_type: str) -> str:
        """Returns ``arm64`` or ``x86_64``."""
        return "arm64" if re.match(self._families["arm64"], instance_type) else "x86_64"
