"""Facts about IAM: roles, who may assume them, what they may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from responsibility.findings import Evidence
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.partly_known import part
from responsibility.reading.policy_statements import Statement, read_statements, statements
from responsibility.reading.resource import UnknownValue, text

Purpose = Literal[
    "cluster",
    "node",
    "auto_node",
    "hybrid_node",
    "fargate",
    "pod_identity",
    "irsa",
    "capability",
    "backup",
    "people",
    "kubectl",
    "deploy",
    "admin",
]
"""What a role is for: ``people`` who use the Kubernetes API, ``deploy`` by CDK's custom resources, ``admin`` of EKS or more."""


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that a role is for."""

    purpose: Purpose
    cluster: str
    """Key of the cluster; empty = not known."""
    words: str
    """``node group general``, ``pods of service account kube-system/aws-node``."""
    by: Fact
    """What says so."""


_ATTACHED = (("AWS::IAM::Policy", "Roles"), ("AWS::IAM::ManagedPolicy", "Roles"), ("AWS::IAM::RolePolicy", "RoleName"))
"""Resources that give a role rights, and the property that says which role."""


_SUFFIX = part("AWS::URLSuffix")


class Role(Fact):
    """An IAM role."""

    what = "role"
    name_path = "RoleName"

    @cached_property
    def trust(self) -> list[Statement]:
        """Who may assume it. Raises UnknownValue."""
        path = "AssumeRolePolicyDocument"
        return statements(self, path)

    @cached_property
    def managed_policies(self) -> list[str]:
        """The names of AWS managed policies it has (what follows ``policy/``) and the text of other ARNs. Raises UnknownValue."""
        return [
            _policy_name(str(self.get(f"ManagedPolicyArns.{i}", "")))
            for i, _ in enumerate(self.get("ManagedPolicyArns", []))
        ]

    @property
    def inline(self) -> list[Statement]:
        """The statements of its own policies, inside the role and in separate resources. Raises UnknownValue."""
        found, unsaid = self.allowances
        if unsaid:
            raise unsaid[0]
        return found

    @cached_property
    def allowances(self) -> tuple[list[Statement], list[UnknownValue]]:
        """The statements of its own policies, and the parts that the template does not have."""
        found: list[Statement] = []
        unsaid: list[UnknownValue] = []
        sources: list[tuple[Fact, str]] = [
            (policy, "PolicyDocument") for policy in self.facts.view(_policies).get(self.resource.key, [])
        ]
        try:
            sources[:0] = [(self, f"Policies.{i}.PolicyDocument") for i, _ in enumerate(self.get("Policies", []))]
        except UnknownValue as unknown:
            unsaid.append(unknown)
        for fact, path in sources:
            if fact.resource.conditional and not self.resource.conditional:
                unsaid.append(UnknownValue(fact.at(), f"{fact.words} may not exist: {fact.resource.conditional}"))
                continue
            said, gaps = read_statements(fact, path)
            found += said
            unsaid += gaps
        for kind, path in _ATTACHED:
            if other := self.facts.untold(kind, path, self.resource.stack):
                unsaid.append(other)
        return found, unsaid

    @cached_property
    def attached(self) -> tuple[list[tuple[str, Evidence]], list[UnknownValue]]:
        """The AWS managed policies it has, by name, and what else it has that was not read."""
        found: list[tuple[str, Evidence]] = []
        unsaid: list[UnknownValue] = []
        try:
            count = len(self.get("ManagedPolicyArns", []))
        except UnknownValue as unknown:
            return [], [unknown]
        for path in (f"ManagedPolicyArns.{index}" for index in range(count)):
            try:
                value = self.get(path, "")
            except UnknownValue as unknown:
                unsaid.append(unknown)
                continue
            name = _policy_name(str(value))
            if name != str(value):
                found.append((name, self.at(path)))
            elif not self.facts.find(Policy, value):
                unsaid.append(UnknownValue(self.at(path), f"policy {value} was not read"))
        return found, unsaid

    @property
    def known_as(self) -> str:
        """Its name. A logical id is not a name: another role may be called that."""
        return text(self.resource.maybe("RoleName", ""))

    @property
    def uses(self) -> Sequence[Use]:
        """Its purposes that have to do with a cluster."""
        raise NotImplementedError

    def is_for(self, *purposes: Purpose) -> bool:
        """Whether it serves one of some purposes."""
        return any(use.purpose in purposes for use in self.uses)

    @property
    def cluster_key(self) -> str:
        """Key of the cluster it serves; empty = none, several, or not known."""
        keys = {use.cluster for use in self.uses if use.cluster}
        if keys:
            return keys.pop() if len(keys) == 1 else ""
        return self.facts.cluster_of(self.resource)

    def assumed_by(self, service: str) -> bool:
        """Whether a service may assume it, in whichever partition. Raises UnknownValue."""
        return any(
            kind == "Service" and value.replace(_SUFFIX, "amazonaws.com").removesuffix(".cn") == service
            for statement in self.trust
            if statement.allow
            for kind, value in statement.principals
        )


def _policy_name(arn: str) -> str:
    return arn.split(":policy/", 1)[1] if ":iam::aws:policy/" in arn else arn


class Policy(Fact):
    """A policy that is a separate resource: ``AWS::IAM::Policy``, ``RolePolicy``, ``ManagedPolicy``."""

    what = "policy"

    @property
    def role_values(self) -> Iterator[Any]:
        """What it names as its roles."""
        yield from self.resource.maybe("Roles", []) or []
        if role := self.resource.maybe("RoleName"):
            yield role


def _policies(facts: Facts) -> dict[str, list[Policy]]:
    """Returns the separate policies that are attached to each role, by the role's key."""
    found: dict[str, list[Policy]] = defaultdict(list)
    for policy in facts.all(Policy):
        for role in facts.find_all(Role, list(policy.role_values)):
            found[role.resource.key].append(policy)
    for role in facts.all(Role):
        for policy in facts.find_all(Policy, role.resource.maybe("ManagedPolicyArns", [])):
            found[role.resource.key].append(policy)
    return found
