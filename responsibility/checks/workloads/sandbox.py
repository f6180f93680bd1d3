"""Checks of what keeps a container in its place: file system, user, kernel settings, profiles, service account, namespace."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from kubernetes_lint.facts import load
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import container_names, listed
from responsibility.reading.kubernetes import KubernetesObject, Workload

_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
"""https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline."""


def _all(workload: Workload) -> list[str]:
    return [*workload.running, *workload.starting]


@check("EKR260", Workload)
def root_file_system_is_read_only(workload: Workload) -> Answer | None:
    """Volumes stay writable."""
    if workload.made_by_another:
        return None
    if workload.pod("os.name") == "windows":
        return not_applicable("runs on Windows, which cannot")
    key = "securityContext.readOnlyRootFilesystem"
    writable = [path for path in _all(workload) if workload.get(f"{path}.{key}") is not True]
    if writable:
        return open_(
            f"{container_names(workload, writable)}: writable root file system",
            *(workload.at(f"{path}.{key}") for path in writable),
        )
    return met("every root file system is read-only", *(workload.at(f"{path}.{key}") for path in _all(workload)))


@check("EKR261", Workload)
def account_is_its_own(workload: Workload) -> Answer | None:
    """``default`` without its token is no account to speak of, unless somebody names it."""
    if workload.made_by_another:
        return None
    name = workload.pod("serviceAccountName") or workload.pod("serviceAccount")
    here = workload.at(f"{workload.spec_path}.serviceAccountName")
    if name in (None, "default") and (name or workload.pod("automountServiceAccountToken") is not False):
        return open_("runs as the default service account", here)
    return met(f"runs as {name}" if name else "mounts no token of the default service account", here)


@check("EKR262", KubernetesObject)
def account_gives_no_token(account: KubernetesObject) -> Answer | None:
    """Pods that need the token say so themselves."""
    if account.what != "ServiceAccount" or account.get("apiVersion") != "v1":
        return None
    path = "automountServiceAccountToken"
    mounts = account.get(path)
    if mounts is True or (mounts is None and account.bare_name == "default"):
        return open_("gives its token to every pod", account.at(path))
    return met(
        "gives its token to pods that ask for it" if mounts is False else "leaves it to its pods", account.at(path)
    )


@check("EKR263", Workload)
def system_namespaces_are_left_alone(workload: Workload) -> Answer | None:
    """Agents of nodes and what EKS itself runs there have a priority of the system."""
    if workload.made_by_another:
        return None
    here = workload.at("metadata.namespace")
    if workload.namespace not in ("kube-system", "kube-public", "kube-node-lease"):
        return met(f"is in {workload.namespace}", here)
    if workload.what == "DaemonSet" or str(workload.pod("priorityClassName", "")).startswith("system-"):
        return not_applicable("is a part of the cluster's own")
    return open_(f"is in {workload.namespace}", here)


@cache
def _safe_sysctls() -> frozenset[str]:
    return frozenset(load("limits")["pod_security"]["sysctls"])


def _loosened(workload: Workload) -> Iterator[tuple[str, str]]:
    """Yields path and words of each setting that takes a wall of the sandbox away. Raises UnknownValue."""
    spec = workload.spec_path
    for path in workload.items(f"{spec}.securityContext.sysctls"):
        name = workload.words_of(f"{path}.name")
        if name not in _safe_sysctls():
            yield path, f"sets the sysctl {name}"
    if workload.pod("shareProcessNamespace"):
        yield f"{spec}.shareProcessNamespace", "shares one process namespace"
    annotations = f"{workload.pod_path}.metadata.annotations".removeprefix(".")
    for key, value in workload.mapping(annotations).items():
        if str(key).startswith(_APP_ARMOR) and str(value) == "unconfined":
            yield annotations, "runs without AppArmor"
    for path in (spec, *_all(workload)):
        yield from _loosened_by(workload, f"{path}.securityContext")


def _loosened_by(workload: Workload, context: str) -> Iterator[tuple[str, str]]:
    for profile, name in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if workload.get(f"{context}.{profile}.type") == "Unconfined":
            yield f"{context}.{profile}.type", f"runs without {name}"
    if workload.get(f"{context}.procMount", "Default") != "Default":
        yield f"{context}.procMount", "unmasks /proc"
    options = f"{context}.seLinuxOptions"
    odd = workload.get(f"{options}.type", "") not in _SELINUX
    if odd or workload.get(f"{options}.user") or workload.get(f"{options}.role"):
        yield options, "chooses its SELinux label"


@check("EKR264", Workload)
def sandbox_is_whole(workload: Workload) -> Answer | None:
    """What the baseline Pod Security Standard forbids besides access to the node, and one process namespace for all containers."""
    if workload.made_by_another:
        return None
    found = list(_loosened(workload))
    if found:
        return open_(listed(words for _, words in found), *(workload.at(path) for path, _ in found))
    return met("keeps the sandbox of its containers", workload.at(f"{workload.spec_path}.securityContext"))


def _root(workload: Workload) -> Iterator[tuple[str, str]]:
    for path in (workload.spec_path, *_all(workload)):
        context = f"{path}.securityContext"
        for key in ("runAsUser", "runAsGroup", "fsGroup"):
            if workload.get(f"{context}.{key}") in (0, "0"):
                yield f"{context}.{key}", f"{key} 0"
        for item in workload.items(f"{context}.supplementalGroups"):
            if workload.get(item) in (0, "0"):
                yield item, "supplementalGroups 0"
        user = str(workload.get(f"{context}.windowsOptions.runAsUserName", ""))
        if user.lower().endswith(("containeradministrator", "system")):
            yield f"{context}.windowsOptions.runAsUserName", user


@check("EKR265", Workload)
def nobody_is_root(workload: Workload) -> Answer | None:
    """User 0 and group 0 in every spelling. What does not say is EKR086's."""
    if workload.made_by_another:
        return None
    found = list(_root(workload))
    if found:
        return open_(f"runs with {listed(words for _, words in found)}", *(workload.at(path) for path, _ in found))
    return met("names neither user 0 nor group 0", workload.at(f"{workload.spec_path}.securityContext"))


@check("EKR267", KubernetesObject)
def volumes_are_not_of_a_node(volume: KubernetesObject) -> Answer | None:
    """A claim hands the folder to a pod that could not mount it itself."""
    if volume.what != "PersistentVolume":
        return None
    if volume.get("spec.hostPath"):
        return open_(f"is the folder {volume.get('spec.hostPath.path', '?')} of a node", volume.at("spec.hostPath"))
    return met("is no folder of a node", volume.at("spec"))


@check("EKR268", KubernetesObject)
def addresses_are_given_by_the_cluster(service: KubernetesObject) -> Answer | None:
    """https://github.com/kubernetes/kubernetes/issues/97076: whoever names an external address gets its traffic."""
    if service.what != "Service":
        return None
    if service.get("spec.externalIPs"):
        return open_("takes the traffic of external addresses", service.at("spec.externalIPs"))
    return met("names no external address", service.at("spec"))
