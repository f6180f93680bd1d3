"""Kubernetes objects as plain data: names, pods, selectors, quantities. What the checks of manifests and the scheduling test share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from eks_facts.quantities import quantity as quantity
from eks_facts.quantities import requested

KubernetesObject = dict[str, Any]
Problems = Iterator[str]

TEMPLATES = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"), ("spec", "template")),
}
CLUSTER_SCOPED = {
    *("Namespace", "CustomResourceDefinition", "PersistentVolume", "StorageClass", "VolumeSnapshotClass", "PriorityClass"),
    *("RuntimeClass", "ClusterRole", "ClusterRoleBinding", "IngressClass", "IngressClassParams", "GatewayClass"),
    *("NodePool", "NodeClass", "EC2NodeClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
}  # fmt: skip


@dataclass(frozen=True)
class Pod:
    """A pod that an object is or makes."""

    owner: KubernetesObject
    namespace: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    claims: Sequence[KubernetesObject] = field(default_factory=list)
    """Claims that a StatefulSet makes for it."""

    def __str__(self) -> str:
        return name_of(self.owner)

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*(self.spec.get("initContainers") or []), *self.spec["containers"]]

    @property
    def ports(self) -> list[dict[str, Any]]:
        return [port for container in self.containers for port in container.get("ports") or []]


def name_of(item: KubernetesObject) -> str:
    """KIND NAMESPACE/NAME, as messages have it."""
    metadata = item.get("metadata", {})
    namespace = metadata.get("namespace")
    return f"{item['kind']} {namespace + '/' if namespace else ''}{metadata.get('name')}"


def at(value: Any, *way: str | int, default: Any = None) -> Any:
    """The value at the end of a way, or ``default``."""
    for key in way:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return default
    return default if value is None else value


def of_kind(objects: Sequence[KubernetesObject], *kinds: str) -> Iterator[KubernetesObject]:
    return (item for item in objects if item["kind"] in kinds)


def namespace_of(item: KubernetesObject) -> str:
    return at(item, "metadata", "namespace", default="default")


def pods(objects: Sequence[KubernetesObject]) -> list[Pod]:
    """Every pod that the objects are or make."""
    found = []
    for item in objects:
        if item["kind"] in TEMPLATES:
            template = at(item, *TEMPLATES[item["kind"]])
            labels = at(template, "metadata", "labels", default={})
            claims = at(item, "spec", "volumeClaimTemplates", default=[])
            found.append(Pod(item, namespace_of(item), labels, template["spec"], claims))
    return found


def replicas(item: KubernetesObject, objects: Sequence[KubernetesObject]) -> tuple[int, int]:
    """How few and how many pods of an object there are meant to be; an autoscaler's bounds come first."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if namespace_of(scaler) == namespace_of(item) and (target["kind"], target["name"]) == (
            item["kind"],
            item["metadata"]["name"],
        ):
            return scaler["spec"].get("minReplicas", 1), scaler["spec"]["maxReplicas"]
    if item["kind"] in ("CronJob", "Job"):
        job = at(item, "spec", "jobTemplate") or item
        number = min(at(job, "spec", "parallelism", default=1), at(job, "spec", "completions", default=1_000_000))
    else:
        number = at(item, "spec", "replicas", default=1)
    return number, number


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects something with ``labels``; the empty one selects everything, none nothing.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    if selector is None:
        return False
    wanted = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in at(selector, "matchLabels", default={}).items()
    ]
    return all(_meets(one, labels) for one in [*wanted, *at(selector, "matchExpressions", default=[])])


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def asked(pod: Pod, resource: str, group: str = "requests") -> Fraction:
    """How much of a resource a pod asks for."""
    return requested(pod.spec, resource, group)
