"""Duties at Kubernetes RBAC: who is bound to which rights."""

from collections.abc import Iterator
from typing import Any

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import KubernetesObject

_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
_ROLES = ("ClusterRole", "Role")
_EVERYBODY = ("system:anonymous", "system:unauthenticated", "system:authenticated")
_DISCOVERY = ("system:basic-user", "system:discovery", "system:public-info-viewer")
"""The roles that Kubernetes itself binds to them (kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles)."""


def _subjects(binding: KubernetesObject) -> Iterator[tuple[str, str, str]]:
    """Yields path, kind and name of each subject. Raises UnknownValue."""
    for index, _ in enumerate(binding.get("subjects", []) or []):
        path = f"subjects.{index}"
        yield path, str(binding.get(f"{path}.kind", "")), str(binding.get(f"{path}.name", ""))


@check(
    "EKR110",
    KubernetesObject,
    title="Only groups of people are bound to cluster-admin",
    component="iam-people",
    severity="high",
    why="A pod whose service account is cluster-admin gives the whole cluster to whoever gets into that pod.",
    fix="Bind a ClusterRole with the verbs and resources it needs in roleRef, or a group that access entries name.",
    source=_PRACTICES,
)
def cluster_admin_for_people(binding: KubernetesObject) -> Answer | None:
    """A group of one's own is filled by access entries; those that Kubernetes fills hold machines."""
    if binding.what != "ClusterRoleBinding":
        return None
    if binding.get("roleRef.name", "") != "cluster-admin":
        return met(f"binds {binding.get('roleRef.name', 'nothing')}")
    machines = [
        (path, f"{kind} {name}")
        for path, kind, name in _subjects(binding)
        if kind != "Group" or (name.startswith("system:") and name != "system:masters")
    ]
    if machines:
        names = ", ".join(name for _, name in machines)
        return open_(f"makes {names} cluster-admin", *(binding.at(path) for path, _ in machines))
    return met("binds cluster-admin to groups of people")


@check(
    "EKR111",
    KubernetesObject,
    title="Roles name their verbs and resources",
    component="iam-people",
    severity="medium",
    why="A wildcard covers Secrets and role bindings, and every kind of object that is ever added.",
    fix="Write the verbs and resources out in rules.",
    source=_PRACTICES,
)
def no_wildcards(role: KubernetesObject) -> Answer | None:
    """Rules that a controller fills in (aggregationRule) stand in other roles."""
    if role.what not in _ROLES or not str(role.get("apiVersion", "")).startswith("rbac.authorization.k8s.io/"):
        return None
    found = []
    for index, rule in enumerate(role.get("rules", []) or []):
        for key in ("verbs", "resources"):
            values: Any = role.get(f"rules.{index}.{key}", []) if isinstance(rule, dict) else []
            if "*" in values:
                found.append((f"every {key[:-1]}", role.at(f"rules.{index}.{key}")))
    if found:
        words = " and ".join(dict.fromkeys(words for words, _ in found))
        return open_(f"allows {words} (*)", *(at for _, at in found))
    return met("names its verbs and resources")


@check(
    "EKR112",
    KubernetesObject,
    title="Nothing is bound to everybody but discovery",
    component="iam-people",
    severity="critical",
    why="Whoever reaches the API server, or whoever has any account in the cluster, has these rights.",
    fix="Name groups, users or service accounts of your own in subjects.",
    source="https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
)
def not_for_everybody(binding: KubernetesObject) -> Answer | None:
    """Every service account is in system:authenticated."""
    if binding.what not in _BINDINGS:
        return None
    found = [(path, name) for path, _, name in _subjects(binding) if name in _EVERYBODY]
    role = str(binding.get("roleRef.name", ""))
    if found and role not in _DISCOVERY:
        names = " and ".join(name for _, name in found)
        return open_(f"binds {role} to {names}", *(binding.at(path) for path, _ in found))
    return met("binds discovery alone to everybody" if found else "names whom it binds")
