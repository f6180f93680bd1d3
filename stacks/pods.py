"""Finds the pods of Kubernetes objects: the one walk that placement, images and limits go by."""

from collections.abc import Iterator
from typing import Any

from eks_constructs.manifests import KubernetesObject
from safe_io.where import Where

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"), ("spec", "template")
    ),
}


def pod_template(item: KubernetesObject) -> tuple[Where, dict[str, Any]] | None:
    """Returns the way to the pod that an object is or makes, and the pod (metadata and spec); None if it makes none."""
    way = _TEMPLATES.get(item["kind"])
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
    for index, claim in enumerate(item.get("spec", {}).get("volumeClaimTemplates") or []):
        yield ("spec", "volumeClaimTemplates", index), claim
    if found := pod_template(item):
        way, pod = found
        for index, volume in enumerate(pod["spec"].get("volumes") or []):
            if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
                yield (*way, "spec", "volumes", index, "ephemeral", "volumeClaimTemplate"), claim
