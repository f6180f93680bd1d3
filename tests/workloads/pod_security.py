"""What Pod Security would refuse: the level that a namespace enforces, against the pods in it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.workloads.objects import KubernetesObject, Pod, Problems, at, of_kind, pods

LEVEL = "pod-security.kubernetes.io/enforce"
_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID"),
    *("SETPCAP", "SETUID", "SYS_CHROOT"),
}  # fmt: skip
_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
}  # fmt: skip
_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image"),
    "hostPath",  # which the baseline refuses already
}  # fmt: skip


def problems(objects: Sequence[KubernetesObject]) -> Problems:
    """Pods that their namespace's level refuses, and namespaces with pods that enforce none."""
    levels = {
        item["metadata"]["name"]: at(item, "metadata", "labels", LEVEL, default="privileged")
        for item in of_kind(objects, "Namespace")
    }
    for pod in pods(objects):
        level = levels.get(pod.namespace, "privileged")
        found = (
            *(_baseline(pod) if level != "privileged" else ()),
            *(_restricted(pod) if level == "restricted" else ()),
        )
        for problem in found:
            yield f"{pod} is refused by the Pod Security level {level}: {problem}"
    for namespace in sorted({pod.namespace for pod in pods(objects)}):
        if levels.get(namespace, "privileged") == "privileged":
            yield f"Namespace {namespace} has pods and enforces no Pod Security level"


def _baseline(pod: Pod) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key))
    for volume in pod.spec.get("volumes") or []:
        if "hostPath" in volume:
            yield f"hostPath volume {volume['name']}"
    for sysctl in at(pod.spec, "securityContext", "sysctls", default=[]):
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    for container in pod.containers:
        yield from (f"container {container['name']} {problem}" for problem in _baseline_of(container))
    for where, context in _contexts(pod):
        for profile, name in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
            if at(context, profile, "type") == "Unconfined":
                yield f"{where} has no {name} profile"
        if at(context, "windowsOptions", "hostProcess"):
            yield f"{where} is a process of the host"


def _baseline_of(container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext") or {}
    if context.get("privileged"):
        yield "is privileged"
    for name in at(context, "capabilities", "add", default=[]):
        if name not in _CAPABILITIES:
            yield f"adds the capability {name}"
    if any(port.get("hostPort") for port in container.get("ports") or []):
        yield "has a hostPort"
    if context.get("procMount", "Default") != "Default":
        yield "unmasks /proc"


def _restricted(pod: Pod) -> Iterator[str]:
    for volume in pod.spec.get("volumes") or []:
        if not _VOLUMES & set(volume):
            yield f"volume {volume['name']} is of a kind that is not allowed"
    for container in pod.containers:
        problems_of = _restricted_of(container, pod.spec.get("securityContext") or {})
        yield from (f"container {container['name']} {problem}" for problem in problems_of)
    for where, context in _contexts(pod):
        if context.get("runAsUser") == 0:
            yield f"{where} runs as root"


def _restricted_of(container: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if "ALL" not in at(context, "capabilities", "drop", default=[]):
        yield "keeps capabilities"
    if set(at(context, "capabilities", "add", default=[])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if context.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield "may run as root"
    profile = at(context, "seccompProfile", "type", default=at(whole, "seccompProfile", "type"))
    if profile not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"


def _contexts(pod: Pod) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "the pod", pod.spec.get("securityContext") or {}
    for container in pod.containers:
        yield f"container {container['name']}", container.get("securityContext") or {}
