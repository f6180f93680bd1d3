"""Checks of what roles of Kubernetes allow: rights that lead to more rights, to secrets, into pods and nodes.

https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.checks.access.rbac import gathers
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.findings import Evidence
from responsibility.reading.kubernetes import KubernetesObject

_READ = frozenset(("get", "list", "watch"))
_WRITE = frozenset(("create", "update", "patch"))
_DELETE = frozenset(("delete", "deletecollection"))
_ANY = _READ | _WRITE | _DELETE
_WORKLOADS = (
    *("pods", "deployments", "daemonsets", "statefulsets", "replicasets", "replicationcontrollers", "jobs", "cronjobs"),
    "podtemplates",
)
_ROLES = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on resources that lead further than they look."""

    resources: frozenset[str]
    verbs: frozenset[str]
    words: str
    """What whoever has it can do."""
    only: bool = True
    """Whether `resourceNames` make it harmless."""


def _right(resources: str | tuple[str, ...], verbs: frozenset[str], words: str, *, only: bool = True) -> Right:
    return Right(frozenset((resources,) if isinstance(resources, str) else resources), verbs, words, only)


def _is_role(role: KubernetesObject) -> bool:
    return role.what in ("Role", "ClusterRole") and str(role.get("apiVersion", "")).startswith(
        "rbac.authorization.k8s.io/"
    )


def _found(role: KubernetesObject, rights: tuple[Right, ...]) -> Iterator[tuple[str, Evidence]]:
    """Yields what a role's rules allow, and where. Raises UnknownValue."""
    for path in role.items("rules"):
        verbs = {verb.lower() for verb in role.texts(f"{path}.verbs")}
        resources = {resource.lower() for resource in role.texts(f"{path}.resources")}
        named = bool(role.get(f"{path}.resourceNames"))
        for right in rights:
            hit = right.resources & resources
            if any(one.startswith("*/") for one in resources):  # `*/exec`: of every resource
                hit |= {one for one in right.resources if f"*/{one.partition('/')[2]}" in resources}
            does = right.verbs if "*" in verbs else right.verbs & verbs
            if hit and does and not (named and right.only and "create" not in does):
                verb = "does anything with" if "*" in verbs else listed(sorted(does))
                yield f"{verb} {listed(sorted(hit))}: {right.words}", role.at(f"{path}.verbs")


def _includes_everything(role: KubernetesObject, rights: tuple[Right, ...]) -> bool:
    """Whether a rule for every resource allows one of some rights, too."""
    for path in role.items("rules"):
        verbs = {verb.lower() for verb in role.texts(f"{path}.verbs")}
        if "*" in role.texts(f"{path}.resources") and any("*" in verbs or right.verbs & verbs for right in rights):
            return True
    return False


def _judged(role: KubernetesObject, rights: tuple[Right, ...], fine: str) -> Answer | None:
    if not _is_role(role):
        return None
    found = list(_found(role, rights))
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *dict.fromkeys(at for _, at in found))
    if _includes_everything(role, rights):
        return not_applicable("is a right to every resource (*), which EKR111 is about")
    if gathered := gathers(role):
        raise gathered
    return met(fine, role.at("rules"))


_ESCALATION = (
    _right(_ROLES, frozenset(("bind", "escalate")), "gives roles that go beyond its own", only=False),
    _right(_ROLES, _WRITE, "changes who may do what"),
    _right(
        ("users", "groups", "serviceaccounts", "uids", "userextras", "userextras/scopes"),
        frozenset(("impersonate",)),
        "acts as somebody else",
        only=False,
    ),
    _right("serviceaccounts/token", frozenset(("create",)), "makes tokens of service accounts"),
    _right("serviceaccounts", _WRITE, "makes accounts, and the role of AWS that an annotation names"),
    _right(
        ("certificatesigningrequests/approval", "certificatesigningrequests/status"),
        frozenset(("update", "patch")),
        "approves certificates, of administrators too",
    ),
    _right("signers", frozenset(("approve", "sign")), "signs certificates, of administrators too", only=False),
    _right("certificatesigningrequests", _WRITE, "asks for certificates of any name"),
)

_AWS_AUTH = _right("configmaps", frozenset(("update", "patch")), "changes aws-auth, which makes administrators")
"""In kube-system. One that names its ConfigMaps names what it changes."""


@check("EKR250", KubernetesObject)
def nobody_raises_own_rights(role: KubernetesObject) -> Answer | None:
    """Kubernetes itself stops nobody who may bind, escalate, impersonate, or make a token of another account."""
    if _is_role(role) and role.what == "ClusterRole":
        for path in role.items("aggregationRule.clusterRoleSelectors"):
            if not role.get(f"{path}.matchLabels") and not role.get(f"{path}.matchExpressions"):
                return open_("gathers the rules of every ClusterRole", role.at(path))
    rights: tuple[Right, ...] = _ESCALATION
    if role.what == "Role" and role.namespace == "kube-system":
        rights = (*_ESCALATION, _AWS_AUTH)
    return _judged(role, rights, "allows nothing that leads to more rights")


@check("EKR251", KubernetesObject)
def secrets_are_not_read(role: KubernetesObject) -> Answer | None:
    """A list shows the contents, too. A rule that names the Secrets is fine."""
    return _judged(
        role,
        (
            _right("secrets", _READ, "shows every Secret, tokens among them"),
            _right("secrets", _WRITE, "makes tokens of service accounts, and changes what others trust"),
        ),
        "reads no Secrets, or those that it names",
    )


@check("EKR252", KubernetesObject)
def nobody_enters_pods(role: KubernetesObject) -> Answer | None:
    """Who is in a pod has its service account, its Secrets and its role of AWS."""
    inside = tuple(f"pods/{name}" for name in ("exec", "attach", "portforward", "ephemeralcontainers", "proxy"))
    return _judged(
        role,
        (
            _right(inside, _READ | _WRITE, "enters running pods"),
            _right("services/proxy", _READ | _WRITE, "reaches every Service past network policies"),
            _right(
                ("nodes/proxy", "nodes/exec", "nodes/run", "nodes/attach", "nodes/portforward", "nodes/configz"),
                _READ | _WRITE,
                "runs commands in every pod of a node, past admission and audit",
            ),
            _right("nodes/log", _READ, "reads the logs of nodes, and of every pod on them"),
        ),
        "enters neither pods nor nodes",
    )


@check("EKR253", KubernetesObject)
def workloads_are_made_by_few(role: KubernetesObject) -> Answer | None:
    """A pod can mount any Secret and run as any service account of its namespace."""
    rights = (_right(_WORKLOADS, _WRITE, "runs pods as any service account of the namespace"),)
    return _judged(role, rights, "makes and changes no pods")


@check("EKR254", KubernetesObject)
def guards_stay(role: KubernetesObject) -> Answer | None:
    """Webhooks see and change every object; definitions and API services take over kinds of objects."""
    return _judged(
        role,
        (
            _right(
                (
                    *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
                    *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
                    *("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
                ),
                _WRITE | _DELETE,
                "reads and changes every object on its way in, or lets everything in",
            ),
            _right(("customresourcedefinitions", "apiservices"), _WRITE | _DELETE, "takes over kinds of objects"),
            _right("namespaces", _WRITE | _DELETE, "takes the Pod Security level off a namespace"),
            _right("networkpolicies", _WRITE | _DELETE, "opens the network"),
            _right(("resourcequotas", "limitranges"), _WRITE | _DELETE, "lifts limits"),
            _right(("podsecuritypolicies", "securitycontextconstraints"), frozenset(("use",)), "is privileged"),
        ),
        "changes nothing that guards others",
    )


@check("EKR255", KubernetesObject)
def shared_things_stay(role: KubernetesObject) -> Answer | None:
    """Nodes, volumes and addresses belong to everybody's pods."""
    return _judged(
        role,
        (
            _right(("nodes", "nodes/status"), _WRITE | _DELETE, "moves pods to a node of its choice, or takes it away"),
            _right("persistentvolumes", _WRITE | _DELETE, "mounts folders of nodes, or takes volumes away"),
            _right(("endpoints", "endpointslices", "services/status"), _WRITE, "sends traffic of others elsewhere"),
            _right(("pods/status", "pods/binding", "bindings", "pods/eviction"), _WRITE, "moves pods of others"),
            _right(
                ("storageclasses", "priorityclasses", "runtimeclasses", "ingressclasses", "csidrivers", "csinodes"),
                _WRITE | _DELETE,
                "changes what everybody uses",
            ),
        ),
        "changes nothing that all pods share",
    )


@check("EKR256", KubernetesObject)
def nothing_is_destroyed(role: KubernetesObject) -> Answer | None:
    """A service account rarely has to delete what people made; events are the traces."""
    kept = (*_WORKLOADS, "secrets", "configmaps", "services", "persistentvolumeclaims", "serviceaccounts", *_ROLES)
    return _judged(
        role,
        (
            _right(kept, frozenset(("deletecollection",)), "deletes all of them at once"),
            _right(kept, frozenset(("delete",)), "deletes what others need"),
            _right("events", _DELETE, "removes traces"),
        ),
        "deletes nothing of others",
    )
