"""Checks of Kubernetes RBAC: who is bound to which rights."""

import re
from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.unknown import UnknownValue

_BROAD = ("admin", "edit")
_OF_THE_SYSTEM = re.compile(
    r"system:(masters|node|node-bootstrapper|node-proxier|kube-(controller-manager|scheduler|proxy)|controller:.*"
    r"|aggregate-to-(admin|edit)|volume-scheduler|certificates\..*)"
)
"""Roles of Kubernetes' own parts."""
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
_ROLES = ("ClusterRole", "Role")
_LISTS = {"verbs": "verb", "resources": "resource", "apiGroups": "API group", "nonResourceURLs": "path"}
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
    """A group of one's own is filled by access entries; those that Kubernetes fills have machines in them."""
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


def gathers(role: KubernetesObject) -> UnknownValue | None:
    """Returns why what a role allows is not known: the control plane gives it the rules of others, and takes its own away."""
    if not role.get("aggregationRule"):
        return None
    words = "the control plane fills in the rules of every ClusterRole with these labels, and the cluster may have more"
    return UnknownValue(role.at("aggregationRule"), words)


@check("EKR111", KubernetesObject)
def no_wildcards(role: KubernetesObject) -> Answer | None:
    """Rules that a controller fills in (aggregationRule) are in other roles: not all of them are read."""
    if role.what not in _ROLES or not str(role.get("apiVersion", "")).startswith("rbac.authorization.k8s.io/"):
        return None
    found = []
    for rule in role.items("rules"):
        for key, word in _LISTS.items():
            if any(
                value in ("*", "/*") or (key == "resources" and value.startswith("*/"))
                for value in role.texts(f"{rule}.{key}")
            ):
                found.append((f"every {word}", role.at(f"{rule}.{key}")))
    if found:
        words = " and ".join(dict.fromkeys(words for words, _ in found))
        return open_(f"allows {words} (*)", *(at for _, at in found))
    if gathered := gathers(role):
        raise gathered
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


@check("EKR257", KubernetesObject)
def no_groups_of_the_system(binding: KubernetesObject) -> Answer | None:
    """Groups and users that Kubernetes fills: nobody who reads the binding sees who is in them. Everybody is EKR112's."""
    if binding.what not in _BINDINGS or binding.bare_name == "cluster-admin" or binding.bare_name.startswith("system:"):
        return None
    found = [
        (path, f"{kind} {name}")
        for path, kind, name in _subjects(binding)
        if kind in ("Group", "User") and name.startswith("system:") and name not in _EVERYBODY
    ]
    if found:
        names = ", ".join(name for _, name in found)
        role = binding.get("roleRef.name", "a role")
        return open_(f"binds {role} to {names}", *(binding.at(path) for path, _ in found))
    return met("names no group or user of Kubernetes itself", binding.at("subjects"))


@check("EKR258", KubernetesObject)
def default_accounts_have_no_rights(binding: KubernetesObject) -> Answer | None:
    """Every pod of the namespace that names no account runs as ``default``."""
    if binding.what not in _BINDINGS:
        return None
    found = [path for path, kind, name in _subjects(binding) if kind == "ServiceAccount" and name == "default"]
    if found:
        role = binding.get("roleRef.name", "a role")
        return open_(f"binds {role} to the default service account", *(binding.at(path) for path in found))
    return met("binds no default service account", binding.at("subjects"))


@check("EKR259", KubernetesObject)
def broad_roles_are_for_people(binding: KubernetesObject) -> Answer | None:
    """``edit`` and ``admin`` read every Secret of the namespace and enter its pods; roles of the system do more."""
    if binding.what not in _BINDINGS or binding.bare_name.startswith("system:"):
        return None
    role = binding.words_of("roleRef.name", "")
    if _OF_THE_SYSTEM.fullmatch(role):
        return open_(f"binds {role}, a role of Kubernetes itself", binding.at("roleRef.name"))
    subjects = list(_subjects(binding))
    if binding.what == "ClusterRoleBinding" and role in _BROAD:
        return open_(f"binds {role} in every namespace", binding.at("roleRef.name"))
    # Of the whole cluster, cluster-admin is EKR110's.
    if binding.what == "RoleBinding" and role in (*_BROAD, "cluster-admin"):
        machines = [(path, kind) for path, kind, _ in subjects if kind == "ServiceAccount" or role == "cluster-admin"]
        if machines:
            kinds = " and ".join(sorted({kind for _, kind in machines}))
            return open_(f"binds {role} to a {kinds}", *(binding.at(path) for path, _ in machines))
    return met(f"binds {role or 'nothing'}", binding.at("roleRef"))
