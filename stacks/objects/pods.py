"""Finds the pods of Kubernetes objects: the one walk that placement, images and limits go by."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from eks_constructs.manifests import KubernetesObject
from eks_facts.quantities import UnreadableQuantity, requested
from safe_io.where import Where
from stacks.objects.object_kind import kind_of

POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"), ("spec", "template")
    ),
}


def pod_template(item: KubernetesObject) -> tuple[Where, dict[str, Any]] | None:
    """Returns the way to the pod that an object is or makes, and the pod (metadata and spec); None if it makes none."""
    way = POD_TEMPLATES.get(kind_of(item))
    if way is None:
        return None
    pod: Any = item
    for key in way:
        pod = pod.get(key) if isinstance(pod, dict) else None
    return (way, pod) if isinstance(pod, dict) and isinstance(pod.get("spec"), dict) else None


def containers(pod: dict[str, Any]) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yields the containers of a pod, those that start before the others too, with the way to each from the pod."""
    for key in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(key) or []):
            yield ("spec", key, index), container


def claim_templates(item: KubernetesObject) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yields the claims of which an object makes volumes for its pods, with the way to each."""
    if kind_of(item) == "StatefulSet":
        for index, claim in enumerate(item.get("spec", {}).get("volumeClaimTemplates") or []):
            yield ("spec", "volumeClaimTemplates", index), claim
    if found := pod_template(item):
        way, pod = found
        for index, volume in enumerate(pod["spec"].get("volumes") or []):
            if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
                yield (*way, "spec", "volumes", index, "ephemeral", "volumeClaimTemplate"), claim


def resources_of(pod: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    """Yields the resources that the containers of a pod ask for, with the way to each from the pod."""
    for where, container in containers(pod):
        for group in ("limits", "requests"):
            for name in (container.get("resources") or {}).get(group) or {}:
                yield (*where, "resources", group, str(name)), str(name)


def asked_for(pod: dict[str, Any], resource: str) -> Fraction:
    """Returns how much of a resource a pod requests; nothing where its quantities are wrong: the schema's check says so."""
    try:
        return requested(pod["spec"], resource)
    except UnreadableQuantity:
        return Fraction(0)
