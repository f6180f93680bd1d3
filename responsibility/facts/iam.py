"""Facts about IAM: roles, who may assume them, what they may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from responsibility.document import Evidence
from responsibility.facts.resource import Fact, UnknownValue
from responsibility.facts.values import Reference, Unknown, has_gap


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy document, every list spelled out."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    """As text: a reference stands as ``${stack/Id.Arn}``."""
    not_resources: tuple[str, ...]
    conditions: dict[str, Any]
    principals: tuple[tuple[str, str], ...]
    """Kind and value: ``("Service", "eks.amazonaws.com")``, ``("AWS", "*")``."""
    evidence: Evidence

    @property
    def condition_keys(self) -> set[str]:
        """The keys its conditions test, in lower case."""
        tests = [test for test in self.conditions.values() if isinstance(test, dict)]
        return {str(key).lower() for test in tests for key in test}


def statements(document: Any, evidence: Evidence) -> list[Statement]:
    """Returns the statements of a policy document, given as an object or as JSON text.

    Raises UnknownValue for a document that the template does not say, or that is no JSON.
    """
    if isinstance(document, Unknown | Reference):
        raise UnknownValue(evidence, document.reason if isinstance(document, Unknown) else f"is given by {document}")
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            raise UnknownValue(evidence, "is no JSON as far as the template says") from None
    found = document.get("Statement", []) if isinstance(document, dict) else []
    items = found if isinstance(found, list) else [found]
    return [_statement(item, _below(evidence, index)) for index, item in enumerate(items) if isinstance(item, dict)]


def _below(evidence: Evidence, index: int) -> Evidence:
    return evidence.model_copy(update={"path": f"{evidence.path}.Statement.{index}"})


def _statement(item: dict[str, Any], evidence: Evidence) -> Statement:
    principal, conditions = item.get("Principal", {}), item.get("Condition")
    pairs: list[tuple[str, str]] = []
    for kind, values in principal.items() if isinstance(principal, dict) else [("AWS", principal)]:
        pairs.extend((kind, value) for value in _texts(values))
    return Statement(
        allow=item.get("Effect") == "Allow",
        actions=_texts(item.get("Action", [])),
        not_actions=_texts(item.get("NotAction", [])),
        resources=_texts(item.get("Resource", [])),
        not_resources=_texts(item.get("NotResource", [])),
        conditions=conditions if isinstance(conditions, dict) else {},
        principals=tuple(pairs),
        evidence=evidence,
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))


class Role(Fact):
    """An IAM role."""

    what = "role"

    @property
    def name(self) -> str:
        """Its name, else the logical id."""
        name = self.resource.maybe("RoleName")
        return name if isinstance(name, str) and not has_gap(name) else self.resource.id

    @cached_property
    def trust(self) -> list[Statement]:
        """Who may assume it. Raises UnknownValue."""
        path = "AssumeRolePolicyDocument"
        return statements(self.get(path, {}), self.at(path))

    @cached_property
    def managed_policies(self) -> list[str]:
        """The names of AWS managed policies it has (what follows ``policy/``) and the text of other ARNs. Raises UnknownValue."""
        return [
            _policy_name(str(self.get(f"ManagedPolicyArns.{i}", "")))
            for i, _ in enumerate(self.get("ManagedPolicyArns", []))
        ]

    @cached_property
    def inline(self) -> list[Statement]:
        """What its own policies say: inside the role, and attached to it by resources of their own. Raises UnknownValue."""
        found: list[Statement] = []
        for index, _ in enumerate(self.get("Policies", [])):
            path = f"Policies.{index}.PolicyDocument"
            found.extend(statements(self.get(path, {}), self.at(path)))
        for policy in self.facts.policies_of(self):
            found.extend(statements(policy.get("PolicyDocument", {}), policy.at("PolicyDocument")))
        return found

    def assumed_by(self, service: str) -> bool:
        """Whether a service may assume it. Raises UnknownValue."""
        return any(("Service", service) in statement.principals for statement in self.trust)


def _policy_name(arn: str) -> str:
    return arn.split(":policy/", 1)[1] if ":iam::aws:policy/" in arn else arn


class Policy(Fact):
    """A policy with a life of its own: ``AWS::IAM::Policy``, ``RolePolicy``, ``ManagedPolicy``."""

    what = "policy"

    @property
    def role_values(self) -> Iterator[Any]:
        """What it names as its roles."""
        yield from self.resource.maybe("Roles", []) or []
        if role := self.resource.maybe("RoleName"):
            yield role
