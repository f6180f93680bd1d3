"""Checks of Kubernetes RBAC: who is bound to which rights."""

from collections.abc import Iterator
from typing import Any

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import KubernetesObject

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


@check("EKR110", KubernetesObject)
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


@check("EKR111", KubernetesObject)
def no_wildcards(role: KubernetesObject) -> Answer | None:
    """Rules that a controller fills in (aggregationRule) are in other roles."""
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
    return met("lists its verbs and resources")


@check("EKR112", KubernetesObject)
def not_for_everybody(binding: KubernetesObject) -> Answer | None:
    """Every service account is in system:authenticated."""
    if binding.what not in _BINDINGS:
        return None
    found = [(path, name) for path, _, name in _subjects(binding) if name in _EVERYBODY]
    role = str(binding.get("roleRef.name", ""))
    if found and role not in _DISCOVERY:
        names = " and ".join(name for _, name in found)
        return open_(f"binds {role} to {names}", *(binding.at(path) for path, _ in found))
    return met("binds only discovery to everybody" if found else "binds specific subjects")
