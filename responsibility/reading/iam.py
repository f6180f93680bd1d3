"""Facts about IAM: roles, who may assume them, what they may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from responsibility.findings import Evidence
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.resource import UnknownValue, text
from responsibility.reading.values import CLOSE, OPEN, Reference, Unknown, gap_of


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy document, every list spelled out."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    """As text: a reference is ``${stack/Id.Arn}``."""
    not_resources: tuple[str, ...]
    conditions: dict[str, Any]
    principals: tuple[tuple[str, str], ...]
    """Kind and value: ``("Service", "eks.amazonaws.com")``, ``("AWS", "*")``."""
    evidence: Evidence
    unread: str = ""
    """Why its conditions are not known; empty = they are."""

    @property
    def condition_keys(self) -> set[str]:
        """The keys its conditions test, in lower case."""
        tests = [test for test in self.conditions.values() if isinstance(test, dict)]
        return {str(key).lower() for test in tests for key in test}

    @property
    def known_conditions(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Operator, key in lower case, and values of each test. Raises UnknownValue."""
        if self.unread:
            raise UnknownValue(self.evidence, self.unread)
        return [
            (operator, str(key).lower(), _texts(values))
            for operator, test in self.conditions.items()
            for key, values in test.items()
        ]

    @property
    def everywhere(self) -> bool:
        """Whether it is for every resource, or for all but some. Raises UnknownValue."""
        if "*" in self.resources or self.not_resources:
            return True
        if any(item.startswith(OPEN) and gap_of(item) and item.endswith(CLOSE) for item in self.resources):
            raise UnknownValue(self.evidence, "its resources are not in the template")
        return False


def statements(document: Any, evidence: Evidence) -> list[Statement]:
    """Returns the statements of a policy document, given as an object or as JSON text.

    Raises UnknownValue for a document that the template does not say, or that is not JSON.
    """
    found, unknown = _read(document, evidence)
    if unknown:
        raise unknown[0]
    return found


def read_statements(fact: Fact, path: str) -> tuple[list[Statement], list[UnknownValue]]:
    """Returns the statements of the policy document at a path of a fact, and what of it the template does not say."""
    try:
        return _read(fact.get(path), fact.at(path))
    except UnknownValue as unknown:
        return [], [unknown]


def _read(document: Any, evidence: Evidence) -> tuple[list[Statement], list[UnknownValue]]:
    """Returns the statements of a policy document, and what of it the template does not say."""
    try:
        items = _items(document, evidence)
    except UnknownValue as unknown:
        return [], [unknown]
    found: list[Statement] = []
    unsaid: list[UnknownValue] = []
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("Effect") in ("Allow", "Deny"):
            found.append(_statement(item, _below(evidence, index)))
        elif isinstance(item, dict):
            unsaid.append(UnknownValue(_below(evidence, index), "whether it allows or denies is not known here"))
        else:
            why = (
                _why(item) if isinstance(item, Unknown | Reference) else "is no statement, as far as the template shows"
            )
            unsaid.append(UnknownValue(_below(evidence, index), why))
    return found, unsaid


def _why(value: Unknown | Reference) -> str:
    return value.reason if isinstance(value, Unknown) else f"is given by {value.words}"


def _items(document: Any, evidence: Evidence) -> list[Any]:
    if isinstance(document, Unknown | Reference):
        raise UnknownValue(evidence, _why(document))
    if isinstance(document, str):
        try:
            document = json_in(document)
        except NoData:
            raise UnknownValue(evidence, "is not JSON, as far as the template shows") from None
    found = document.get("Statement", []) if isinstance(document, dict) else []
    return found if isinstance(found, list) else [found]


def _below(evidence: Evidence, index: int) -> Evidence:
    return evidence.model_copy(update={"path": f"{evidence.path}.Statement.{index}"})


def _statement(item: dict[str, Any], evidence: Evidence) -> Statement:
    principal, conditions = item.get("Principal", {}), item.get("Condition") or {}
    # Of a value that is not known, and of a test that is not, the reason.
    tests = [conditions, *(conditions.values() if isinstance(conditions, dict) else [])]
    unread = next((f"Condition: {getattr(test, 'reason', test)}" for test in tests if not isinstance(test, dict)), "")
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
        unread=unread,
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))


Purpose = Literal[
    "cluster",
    "node",
    "auto_node",
    "hybrid_node",
    "fargate",
    "pod_identity",
    "irsa",
    "capability",
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


class Role(Fact):
    """An IAM role."""

    what = "role"
    name_path = "RoleName"

    @cached_property
    def trust(self) -> list[Statement]:
        """Who may assume it. Raises UnknownValue."""
        path = "AssumeRolePolicyDocument"
        return statements(self.get(path), self.at(path))

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
        """Whether a service may assume it. Raises UnknownValue."""
        return any(("Service", service) in statement.principals for statement in self.trust)


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
