"""Kubernetes objects as plain data: names, pods, selectors, quantities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from eks_facts.quantities import requested
from safe_io.where import Where

KubernetesObject = dict[str, Any]

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"), ("spec", "template")
    ),
}


@dataclass(frozen=True)
class Pod:
    """A pod that an object is or makes."""

    owner: KubernetesObject
    namespace: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    claims: Sequence[KubernetesObject] = field(default_factory=list)
    """Claims that a StatefulSet makes for it."""
    way: Where = ()
    """The way to its spec in the object."""

    def __str__(self) -> str:
        return name_of(self.owner)

    @property
    def placed(self) -> list[tuple[Where, dict[str, Any]]]:
        """Its containers, those that start first among them, with the way to each."""
        return [
            ((*self.way, group, index), container)
            for group in ("initContainers", "containers")
            for index, container in enumerate(self.spec.get(group) or [])
        ]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Its containers, those that start first among them."""
        return [container for _, container in self.placed]

    @property
    def ports(self) -> list[dict[str, Any]]:
        """The ports of all its containers."""
        return [port for container in self.containers for port in container.get("ports") or []]


def name_of(item: KubernetesObject) -> str:
    """Returns KIND NAMESPACE/NAME, as messages have it."""
    namespace = at(item, "metadata", "namespace")
    return f"{item.get('kind')} {f'{namespace}/' if namespace else ''}{at(item, 'metadata', 'name')}"


def at(value: Any, *way: str | int, default: Any = None) -> Any:
    """Returns the value at the end of a way, or ``default``."""
    for key in way:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return default
    return default if value is None else value


def of_kind(objects: Sequence[KubernetesObject], *kinds: str) -> Iterator[KubernetesObject]:
    """Yields the objects of some kinds."""
    return (item for item in objects if item.get("kind") in kinds)


def namespace_of(item: KubernetesObject) -> str:
    """Returns the namespace of an object; ``default`` where it names none."""
    return str(at(item, "metadata", "namespace", default="default"))


def pod_of(item: KubernetesObject) -> Pod | None:
    """Returns the pod that an object is or makes."""
    way = TEMPLATES.get(item.get("kind", ""))
    if way is None:
        return None
    template = at(item, *way)
    labels = at(template, "metadata", "labels", default={})
    claims = at(item, "spec", "volumeClaimTemplates", default=[])
    return Pod(item, namespace_of(item), labels, at(template, "spec", default={}), claims, (*way, "spec"))


def pods(objects: Sequence[KubernetesObject]) -> list[Pod]:
    """Returns every pod that the objects are or make."""
    return [pod for item in objects if (pod := pod_of(item))]


def replicas(item: KubernetesObject, objects: Sequence[KubernetesObject]) -> tuple[int, int]:
    """Returns how few and how many pods of an object there are meant to be; an autoscaler's bounds come first."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = at(scaler, "spec", "scaleTargetRef", default={})
        if namespace_of(scaler) == namespace_of(item) and (target.get("kind"), target.get("name")) == (
            item["kind"],
            at(item, "metadata", "name"),
        ):
            most = at(scaler, "spec", "maxReplicas", default=1)
            return min(at(scaler, "spec", "minReplicas", default=1), most), most
    if item["kind"] in ("CronJob", "Job"):
        job = at(item, "spec", "jobTemplate") or item
        number = min(at(job, "spec", "parallelism", default=1), at(job, "spec", "completions", default=1_000_000))
    else:
        number = at(item, "spec", "replicas", default=1)
    return number, number


def asked(pod: Pod, resource: str, group: str = "requests") -> Fraction:
    """Returns how much of a resource a pod requests, or may use at most. Raises UnreadableQuantity."""
    return requested(pod.spec, resource, group)
