"""What Pod Security would refuse: the level that a namespace enforces, against the pods in it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Any

from kubernetes_lint.facts import load
from kubernetes_lint.index import Index
from kubernetes_lint.objects import KubernetesObject, Pod, at, pod_of
from kubernetes_lint.problem import Found, Problems
from safe_io.where import Where

LEVEL = "pod-security.kubernetes.io/enforce"


def problems(item: KubernetesObject, index: Index) -> Problems:
    """Yields what of a pod the level of its namespace refuses."""
    pod = pod_of(item)
    namespace = index.get("Namespace", None, pod.namespace) if pod else None
    level = at(namespace, "metadata", "labels", LEVEL, default="privileged")
    if pod is None or level not in ("baseline", "restricted"):
        return
    for found in (*_baseline(pod), *(_restricted(pod) if level == "restricted" else ())):
        yield Found(
            found.where, f"{found.text}; the Pod Security level {level} of namespace {pod.namespace} refuses it"
        )


def _contexts(pod: Pod) -> list[tuple[Where, dict[str, Any]]]:
    contexts = [((*way, "securityContext"), container) for way, container in pod.placed]
    return [
        ((*pod.way, "securityContext"), at(pod.spec, "securityContext", default={})),
        *((way, at(one, "securityContext", default={})) for way, one in contexts),
    ]


def _baseline(pod: Pod) -> Problems:
    allowed = load("limits")["pod_security"]
    for key in {"hostNetwork", "hostPID", "hostIPC"} & {key for key, value in pod.spec.items() if value}:
        yield Found((*pod.way, key), "uses the node's own")
    for index, volume in enumerate(pod.spec.get("volumes") or []):
        if "hostPath" in volume:
            yield Found((*pod.way, "volumes", index, "hostPath"), "is a folder of the node")
    for index, sysctl in enumerate(at(pod.spec, "securityContext", "sysctls", default=[])):
        if sysctl["name"] not in allowed["sysctls"]:
            yield Found((*pod.way, "securityContext", "sysctls", index), f"sets the sysctl {sysctl['name']}")
    for way, container in pod.placed:
        for index, port in enumerate(container.get("ports") or []):
            if port.get("hostPort"):
                yield Found((*way, "ports", index, "hostPort"), "is a port of the node")
    for way, context in _contexts(pod):
        yield from _baseline_of(context, way, allowed)


def _baseline_of(context: dict[str, Any], way: Where, allowed: dict[str, Any]) -> Problems:
    if context.get("privileged"):
        yield Found((*way, "privileged"), "is privileged")
    for index, name in enumerate(at(context, "capabilities", "add", default=[])):
        if name not in allowed["capabilities"]:
            yield Found((*way, "capabilities", "add", index), f"adds the capability {name}")
    if context.get("procMount", "Default") != "Default":
        yield Found((*way, "procMount"), "unmasks /proc")
    for profile, name in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if at(context, profile, "type") == "Unconfined":
            yield Found((*way, profile, "type"), f"runs without a {name} profile")
    if at(context, "windowsOptions", "hostProcess"):
        yield Found((*way, "windowsOptions", "hostProcess"), "is a process of the node")


def _restricted(pod: Pod) -> Problems:
    kinds = {*load("limits")["pod_security"]["volumes"], "hostPath"}
    for index, volume in enumerate(pod.spec.get("volumes") or []):
        if not kinds & set(volume):
            yield Found((*pod.way, "volumes", index), "is a volume of a kind that is not allowed")
    whole = at(pod.spec, "securityContext", default={})
    for way, container in pod.placed:
        context, here = at(container, "securityContext", default={}), (*way, "securityContext")
        if context.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
            yield Found((*here, "runAsNonRoot"), "may run as root")
        if at(pod.spec, "os", "name") != "windows":
            yield from _restricted_of(context, whole, here)
    for way, context in _contexts(pod):
        if context.get("runAsUser") == 0:
            yield Found((*way, "runAsUser"), "runs as root")


def _restricted_of(context: dict[str, Any], whole: dict[str, Any], way: Where) -> Problems:
    if context.get("allowPrivilegeEscalation") is not False:
        yield Found((*way, "allowPrivilegeEscalation"), "may gain privileges")
    if "ALL" not in at(context, "capabilities", "drop", default=[]):
        yield Found((*way, "capabilities", "drop"), "keeps capabilities")
    if set(at(context, "capabilities", "add", default=[])) - {"NET_BIND_SERVICE"}:
        yield Found((*way, "capabilities", "add"), "adds capabilities")
    profile = at(context, "seccompProfile", "type") or at(whole, "seccompProfile", "type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield Found((*way, "seccompProfile"), "has no seccomp profile")
