"""Checks of pods: what they may do on their node and against the Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import container_names, listed
from responsibility.reading.kubernetes import Workload
from responsibility.reading.objects import Objects

_BREAKS_OUT = {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF"}
"""Capabilities that are as good as root on the node."""


def _capabilities(workload: Workload, path: str, what: str) -> set[str]:
    names = workload.texts(f"{path}.securityContext.capabilities.{what}")
    return {name.upper().removeprefix("CAP_") for name in names}


def reaches_node(workload: Workload) -> Iterator[tuple[str, str]]:
    """Yields path and words of every field by which a pod reaches into its node. Raises UnknownValue."""
    spec = workload.spec_path
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if workload.get(f"{spec}.{field}"):
            yield f"{spec}.{field}", field
    for path in workload.items(f"{spec}.volumes"):
        if workload.get(f"{path}.hostPath"):
            yield f"{path}.hostPath", "hostPath"
    if workload.get(f"{spec}.securityContext.windowsOptions.hostProcess"):
        yield f"{spec}.securityContext.windowsOptions.hostProcess", "a process of the host"
    for path in [*workload.running, *workload.starting]:
        yield from _container_reaches_node(workload, path)


def _container_reaches_node(workload: Workload, path: str) -> Iterator[tuple[str, str]]:
    context = f"{path}.securityContext"
    if workload.get(f"{context}.windowsOptions.hostProcess"):
        yield f"{context}.windowsOptions.hostProcess", "a process of the host"
    if workload.get(f"{context}.privileged"):
        yield f"{context}.privileged", "privileged"
    if added := _BREAKS_OUT & _capabilities(workload, path, "add"):
        yield f"{context}.capabilities.add", " and ".join(sorted(added))
    for port in workload.items(f"{path}.ports"):
        # With hostNetwork every port is one of the host: said once is enough.
        if workload.get(f"{port}.hostPort") and not workload.get(f"{workload.spec_path}.hostNetwork"):
            yield f"{port}.hostPort", "hostPort"


@check("EKR087", Workload)
def pod_keeps_to_itself(workload: Workload) -> Answer | None:
    """What the baseline Pod Security Standard forbids. Node agents in kube-system need it; elsewhere it is a decision."""
    if workload.made_by_another:
        return None
    found = list(reaches_node(workload))
    if not found:
        return met("has no access to its node", workload.at(workload.spec_path))
    words = listed(word for _, word in found)
    if workload.what == "DaemonSet" and workload.namespace == "kube-system":
        return not_applicable(f"is a system node agent that needs {words}")
    return open_(f"uses {words}", *(workload.at(path) for path, _ in found))


@check("EKR086", Workload)
def pod_is_restricted(workload: Workload) -> Answer | None:
    """Every container, by its own securityContext or its pod's. Pods that need their node are EKR087's."""
    if workload.made_by_another:
        return None
    if workload.pod("os.name") == "windows":
        return not_applicable("runs on Windows, which has none of these settings")
    if any(reaches_node(workload)):
        return not_applicable("needs its node: see EKR087")
    lacking = {path: _lacks(workload, path) for path in [*workload.running, *workload.starting]}
    lacking = {path: words for path, words in lacking.items() if words}
    if not lacking:
        return met("is restricted", workload.at(f"{workload.spec_path}.securityContext"))
    words = listed(word for found in lacking.values() for word in found)
    return open_(
        f"{container_names(workload, list(lacking))}: {words}",
        *(workload.at(f"{path}.securityContext") for path in lacking),
    )


def _lacks(workload: Workload, path: str) -> list[str]:
    own, pod = f"{path}.securityContext", f"{workload.spec_path}.securityContext"
    non_root = workload.get(f"{own}.runAsNonRoot", workload.get(f"{pod}.runAsNonRoot"))
    user = workload.get(f"{own}.runAsUser", workload.get(f"{pod}.runAsUser"))
    seccomp = workload.get(f"{own}.seccompProfile.type", workload.get(f"{pod}.seccompProfile.type"))
    added = _capabilities(workload, path, "add") - {"NET_BIND_SERVICE"}
    tests = {
        "may run as root": non_root is not True or user == 0,
        "may escalate privileges": workload.get(f"{own}.allowPrivilegeEscalation") is not False,
        "keeps capabilities": "ALL" not in _capabilities(workload, path, "drop"),
        f"adds {' and '.join(sorted(added))}": bool(added),
        "has no seccomp profile": seccomp not in ("RuntimeDefault", "Localhost"),
    }
    return [words for words, lacks in tests.items() if lacks]


@check("EKR093", Workload)
def token_is_used(workload: Workload) -> Answer | None:
    """The pod decides before its service account does; a binding to a role is a use."""
    if workload.made_by_another:
        return None
    path = f"{workload.spec_path}.automountServiceAccountToken"
    mounted = workload.get(path)
    if mounted is False:
        return met("does not mount it", workload.at(path))
    objects = workload.facts.view(Objects)
    name = str(workload.pod("serviceAccountName") or workload.pod("serviceAccount") or "default")
    if (workload.namespace, name) in objects.accounts_with_rights(workload):
        return met(f"its service account {name} has rights in the Kubernetes API to use it for", workload.at(path))
    account = objects.named("ServiceAccount", workload, name)
    if mounted is None and account and account.get("automountServiceAccountToken") is False:
        return met(f"its service account {name} does not mount it", account.at("automountServiceAccountToken"))
    return open_(
        f"mounts the token of service account {name}, which no role that was read is bound to", workload.at(path)
    )
