"""Finds the pods of Kubernetes objects, for placement, images and limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from eks_facts.devices import device_class_needs
from eks_facts.files import load
from eks_facts.quantities import UnreadableQuantity, requested
from safe_io.where import Where

POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"), ("spec", "template")
    ),
}


def pod_templates(item: KubernetesObject) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yields the pods that an object is or makes (metadata and spec), with the way to each.

    Custom resources keep theirs where they like: spec.template of an Argo Rollout, spec.workerGroupSpecs[].template of a
    RayCluster. There, whatever has a spec with containers is one.
    """
    kind = kind_of(item)
    way = POD_TEMPLATES.get(kind)
    if way is None:
        # Other known kinds have no pods: a CustomResourceDefinition only mentions containers.
        yield from _like_pods(item, ()) if kind != item["kind"] else ()
        return
    pod: Any = item
    for key in way:
        pod = pod.get(key) if isinstance(pod, dict) else None
    if isinstance(pod, dict) and isinstance(pod.get("spec"), dict):
        yield way, pod


def _like_pods(value: Any, way: Where) -> Iterator[tuple[Where, dict[str, Any]]]:
    if isinstance(value, dict) and isinstance(value.get("spec"), dict):
        found = value["spec"].get("containers")
        if isinstance(found, list) and found and all(isinstance(one, dict) and "image" in one for one in found):
            yield way, value
            return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _like_pods(part, (*way, key))


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
    for way, pod in pod_templates(item):
        for index, volume in enumerate(pod["spec"].get("volumes") or []):
            if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
                yield (*way, "spec", "volumes", index, "ephemeral", "volumeClaimTemplate"), claim


@dataclass(frozen=True)
class Claim:
    """A device that a pod claims (Dynamic Resource Allocation)."""

    where: Where
    """The way from the pod to the claim."""
    classes: frozenset[str]
    """The device classes of which any will do."""

    @property
    def resources(self) -> list[str]:
        """The names by which other pods ask for such devices, and taints keep pods off them."""
        names = load("devices")["resources"]
        devices = {device for one in self.classes if (device := device_class_needs(one))}
        return [name for device in sorted(devices) for name in names[device]]


def requests_of(claim: KubernetesObject) -> list[frozenset[str]]:
    """Returns the device classes of each request of a ResourceClaim or ResourceClaimTemplate: any of a request will do."""
    spec = claim.get("spec") or {}
    if kind_of(claim) == "ResourceClaimTemplate":
        spec = spec.get("spec") or {}
    found = []
    for request in (spec.get("devices") or {}).get("requests") or []:
        one_of = request.get("firstAvailable") or [request.get("exactly") or request]
        found.append(frozenset(str(one["deviceClassName"]) for one in one_of if one.get("deviceClassName")))
    return found


def claims_of(pod: dict[str, Any], objects: Sequence[KubernetesObject]) -> Iterator[Claim]:
    """Yields what a pod claims, as far as the claims and templates are among ``objects``."""
    for index, one in enumerate(pod["spec"].get("resourceClaims") or []):
        for kind, key in (
            ("ResourceClaimTemplate", "resourceClaimTemplateName"),
            ("ResourceClaim", "resourceClaimName"),
        ):
            for item in objects:
                if kind_of(item) == kind and item["metadata"]["name"] == one.get(key):
                    for classes in filter(None, requests_of(item)):
                        yield Claim(("spec", "resourceClaims", index), classes)


def resources_of(pod: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    """Yields the resources that a pod and its containers ask for, with the way to each from the pod."""
    own: list[tuple[Where, Any]] = [(("spec",), pod["spec"]), *containers(pod)]
    for where, asks in own:
        for group in ("limits", "requests"):
            for name in (asks.get("resources") or {}).get(group) or {}:
                yield (*where, "resources", group, str(name)), str(name)
    for name in pod["spec"].get("overhead") or {}:
        yield ("spec", "overhead", str(name)), str(name)


def asked_for(pod: dict[str, Any], resource: str) -> Fraction:
    """Returns how much of a resource a pod requests; nothing where its quantities are wrong, which the schema check reports."""
    try:
        return requested(pod["spec"], resource)
    except UnreadableQuantity:
        return Fraction(0)
