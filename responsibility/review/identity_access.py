"""What the Kubernetes API lets IAM principals do, in words: access entries, ``aws-auth``, and the RBAC behind their groups."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

from eks_facts import iam_words
from eks_facts.iam_words import Breadth, broadest
from responsibility.findings import Evidence, evidence_of
from responsibility.reading.access import MASTERS, AwsAuth, Mapping
from responsibility.reading.eks import AccessEntry
from responsibility.reading.facts import Facts
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import KubernetesObject, objects
from responsibility.reading.objects import Objects
from responsibility.reading.partly_known import surely, without_gaps
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap
from responsibility.review.identity_rights import Phrase

_NODES = ("EC2_LINUX", "EC2_WINDOWS", "EC2", "FARGATE_LINUX", "HYBRID_LINUX")
_BUILT_IN: dict[str, Breadth] = {"cluster-admin": "admin", "admin": "broad", "edit": "broad", "view": "narrow"}
"""The user-facing roles of Kubernetes (kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles)."""
_READ = frozenset(("get", "list", "watch"))
Groups = dict[tuple[str, str], list[Phrase]]
"""What is bound to a group, by cluster and group."""


@dataclass(frozen=True)
class Access:
    """An IAM principal that the Kubernetes API lets in, and what it may do there."""

    principal: object
    """An ARN, or a reference to a role."""
    name: str
    cluster: str
    """Key of the cluster."""
    may: list[Phrase]
    evidence: Evidence
    is_node: bool = False


def accesses(facts: Facts) -> list[Access]:
    """Returns every access entry and every line of aws-auth."""
    bound = _bindings(facts)
    found = [_entry(entry, bound) for entry in facts.all(AccessEntry)]
    for config in facts.all(AwsAuth):
        try:
            found += [_line(config, line, bound) for line in config.mappings]
        except UnknownValue as unknown:
            words = without_gaps(f"what aws-auth says, which is not known: {unknown.reason}")
            found.append(Access("", "aws-auth", config.cluster_key, [("unknown", words)], evidence_of(unknown)))
    return found


def _entry(entry: AccessEntry, bound: Groups) -> Access:
    try:
        is_node, may = entry.type in _NODES, _entry_rights(entry, bound)
    except UnknownValue as unknown:
        words = without_gaps(f"what its access entry says, which is not known: {unknown.reason}")
        is_node, may = False, [("unknown", words)]
    principal = entry.resource.maybe("PrincipalArn", "")
    return Access(principal, entry.name, entry.cluster_key, may, entry.at(), is_node)


def _entry_rights(entry: AccessEntry, bound: Groups) -> list[Phrase]:
    if entry.type in _NODES:
        return [("narrow", "joins the cluster as a node")]
    found = [_policy(*policy) for policy in entry.policies]
    groups = [str(entry.get(f"KubernetesGroups.{index}", "")) for index, _ in enumerate(entry.groups)]
    return [*found, *_groups(entry.cluster_key, groups, bound)] or [("narrow", "signs in, and may do nothing else")]


def _policy(name: str, scope: str, namespaces: list[str]) -> Phrase:
    policy = iam_words.access_policy(name)
    where = "the whole cluster" if scope == "cluster" else f"namespace {', '.join(map(str, namespaces))}"
    if policy is None:
        return "unknown", f"what {name} allows in {where}"
    breadth = policy.breadth if scope == "cluster" else _within_namespace(policy.breadth)
    return breadth, f"{policy.does}, in {where} ({name})"


def _within_namespace(breadth: Breadth) -> Breadth:
    """Limited to its own namespaces, even an administrator cannot reach others."""
    narrower: dict[Breadth, Breadth] = {"admin": "broad", "broad": "narrow"}
    return narrower.get(breadth, breadth)


def _line(config: AwsAuth, line: Mapping, bound: Groups) -> Access:
    role = config.facts.find(Role, line.principal)
    name = role.name if role else line.principal.rsplit(":", 1)[-1]
    if line.is_node:
        may: list[Phrase] = [("narrow", "joins the cluster as a node")]
    else:
        may = _groups(config.cluster_key, line.groups, bound) or [("narrow", "signs in, and may do nothing else")]
    return Access(line.principal, name, config.cluster_key, may, line.evidence, line.is_node)


def _groups(cluster: str, groups: list[str] | tuple[str, ...], bound: Groups) -> list[Phrase]:
    found: list[Phrase] = []
    for group in groups:
        if has_gap(group):
            found.append(("unknown", f"what is bound to group {without_gaps(group)}, which is not known"))
            continue
        if group == MASTERS:
            found.append(("admin", f"does everything in the Kubernetes API ({MASTERS})"))
            continue
        what = f"what is bound to group {without_gaps(group)}, which was not read"
        found += bound.get((cluster, group)) or [("unknown", what)]
    return found


def _bindings(facts: Facts) -> Groups:
    """Returns what is bound to each group."""
    found: Groups = defaultdict(list)
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for binding in objects(facts, kind):
            phrase = _bound(binding)
            for subject in binding.resource.maybe("subjects", []) or []:
                if isinstance(subject, dict) and surely(partial(eq, subject.get("kind"), "Group")):
                    found[binding.cluster_key, str(subject.get("name"))].append(phrase)
    return found


def _bound(binding: KubernetesObject) -> Phrase:
    kind, name = (str(binding.resource.maybe(f"roleRef.{key}", "?")) for key in ("kind", "name"))
    objects = binding.facts.view(Objects)
    role = objects.named(kind, binding, name) if kind == "Role" else objects.of_class(kind, binding, name)
    breadth = _role_breadth(role) if role else _BUILT_IN.get(name, "unknown")
    if binding.what == "RoleBinding":
        return _within_namespace(breadth), f"what {kind} {name} allows, in namespace {binding.namespace}"
    return breadth, f"what {kind} {name} allows, in the whole cluster"


def _role_breadth(role: KubernetesObject) -> Breadth:
    found: list[Breadth] = []
    for index, _ in enumerate(role.resource.maybe("rules", []) or []):
        try:
            rule = {key: _texts(role.get(f"rules.{index}.{key}", [])) for key in ("verbs", "resources")}
        except UnknownValue:
            found.append("unknown")
            continue
        verbs, resources = rule["verbs"], rule["resources"]
        if "*" in verbs and "*" in resources:
            found.append("admin")
        elif verbs <= _READ and not resources & {"*", "secrets"}:
            found.append("narrow")
        else:
            found.append("broad")
    return broadest(*found)


def _texts(value: Any) -> set[str]:
    return {str(item) for item in value} if isinstance(value, list) else set()
