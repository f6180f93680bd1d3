"""Checks of how nodes get into the cluster: an access entry for the role of nodes that EKS does not manage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import AccessEntry, Cluster, SelfManagedNodes
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.iam import Role
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_NODE_TYPES = ("EC2_LINUX", "EC2_WINDOWS", "EC2", "HYPERPOD_LINUX")


@dataclass(frozen=True, slots=True)
class _NodeRole:
    """The role of nodes that join by themselves."""

    key: str
    """Of the role among what was read, or its name."""
    name: str
    at: Evidence


@check("EKR156", Cluster)
def node_roles_have_an_entry(cluster: Cluster) -> Answer | None:
    """Applies to the roles of EC2NodeClasses and of self-managed nodes."""
    nodes = list(_node_roles(cluster))
    if not nodes:
        return None
    mode = cluster.authentication_mode
    if mode in ("", "CONFIG_MAP"):  # the default of the API
        return not_applicable("lets nodes in by the ConfigMap aws-auth")
    managed = {_identity(cluster.facts, group.get("NodeRole")) for group in cluster.node_groups}
    entries = {
        _identity(cluster.facts, entry.principal): entry
        for entry in cluster.facts.belonging(AccessEntry, cluster.resource.key)
    }
    for role in nodes:
        entry = _found(entries, role)
        if entry and entry.type not in _NODE_TYPES:
            return open_(f"lets the nodes' role {role.name} in as {entry.type}: they cannot join", entry.at("Type"))
        if not entry and not any(_same(one, role) for one in managed):
            if mode != "API":
                raise UnknownValue(role.at, "whether the ConfigMap aws-auth lets this role in was not read")
            if any(one.startswith("?") for one in entries):
                raise UnknownValue(role.at, "the name of a role with an access entry is not known here")
            return open_(f"has no access entry for the nodes' role {role.name}", role.at)
    names = ", ".join(sorted({role.name for role in nodes}))
    return met(f"has an access entry for {names}", *(role.at for role in nodes))


def _found(entries: dict[str, AccessEntry], role: _NodeRole) -> AccessEntry | None:
    return next((entry for key, entry in entries.items() if _same(key, role)), None)


def _same(key: str, role: _NodeRole) -> bool:
    return key in (role.key, role.name)


def _identity(facts: Facts, value: object) -> str:
    """Returns the name of a role that something names, else its key; with a question mark before it, if CloudFormation names it."""
    role = facts.find(Role, value)
    if role:
        name = role.resource.maybe("RoleName", "")
        return str(name) if name and not has_gap(str(name)) else role.resource.key
    text = str(value)
    return f"?{text}" if has_gap(text) else text.rsplit("/", 1)[-1]


def _node_roles(cluster: Cluster) -> Iterator[_NodeRole]:
    """Yields the roles of nodes that join by themselves. Raises UnknownValue for one that is not known."""
    for item in software.objects(cluster, "EC2NodeClass"):
        if role := item.get("spec.role"):
            yield _role(cluster.facts, role, item.at("spec.role"))
        elif profile := item.get("spec.instanceProfile"):
            yield _role_of_profile(cluster.facts, profile, item.at("spec.instanceProfile"))
    for nodes in cluster.self_managed:
        yield from _of_instances(nodes)


def _of_instances(nodes: SelfManagedNodes) -> Iterator[_NodeRole]:
    instance = nodes.instance
    if not instance:
        return
    for path in ("IamInstanceProfile.Arn", "IamInstanceProfile.Name", "IamInstanceProfile"):
        value = instance.source.resource.maybe(instance.prefix + path)
        if value and not isinstance(value, dict):
            yield _role_of_profile(nodes.facts, value, instance.at(path))
            return


def _role(facts: Facts, value: object, at: Evidence) -> _NodeRole:
    if has_gap(str(value)):
        raise UnknownValue(at, "the nodes' role is not known here")
    name = _identity(facts, value)
    return _NodeRole(name, name.rsplit("/", 1)[-1], at)


def _role_of_profile(facts: Facts, value: object, at: Evidence) -> _NodeRole:
    """Returns the role of an instance profile, given by name or reference. Raises UnknownValue."""
    profile = facts.find(Fact, value)
    if profile and profile.resource.type != "AWS::IAM::InstanceProfile":
        profile = None  # a role of the same name
    name = str(value).rsplit("/", 1)[-1]
    if profile is None:
        named = [
            one
            for one in facts.of_type("AWS::IAM::InstanceProfile")
            if one.resource.maybe("InstanceProfileName") == name
        ]
        profile = named[0] if named else None
    roles = profile.get("Roles", []) if profile else []
    if not roles:
        raise UnknownValue(at, "the role of the instance profile was not read")
    return _role(facts, roles[0], at)
