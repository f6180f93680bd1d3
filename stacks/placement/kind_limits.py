"""What a kind of compute cannot do: finds the fields of Kubernetes objects that ask for it. The facts are in eks_facts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.compute.registry import rules
from eks_constructs.manifests import KubernetesObject
from eks_facts import fargate
from eks_facts.files import load
from eks_facts.node_selection import ARCHITECTURE, SYSTEM, keeps_off
from safe_io.where import Where
from stacks.objects.pods import asked_for, claim_templates, containers, pod_templates
from stacks.placement.fitting import pod_system

Found = Iterator[tuple[str, Where]]
"""Names of limits, and the way to the field that meets each."""

_EBS_DRIVERS = tuple(rule.storage_driver for rule in rules().values() if rule.storage_driver)
_EBS_CLASSES = (None, *(rule.storage_class for rule in rules().values() if rule.storage_class))
_TARGETS = (
    "alb.ingress.kubernetes.io/target-type",
    "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type",
)


@dataclass(frozen=True)
class Limit:
    """A fact about a kind of compute, and the field that meets it."""

    where: Where
    fact: str
    source: str
    instead: str | None


def limits_met(item: KubernetesObject, kind: str) -> Iterator[Limit]:
    """Yields what of an object, as its author wrote it, ``kind`` cannot serve."""
    facts = dict(load("compute_kinds")["limits"][kind])
    if any(pod_system(pod["spec"]) == "windows" for _, pod in pod_templates(item)):
        facts |= load("compute_kinds")["limits_of_windows"]
    for finder in _FINDERS:
        for name, where in finder(item, kind):
            if fact := facts.get(name):
                yield Limit(where, fact["fact"], fact["source"], fact.get("instead"))


def _object(item: KubernetesObject, kind: str) -> Found:
    what = kind_of(item)
    if what == "DaemonSet":
        yield "daemon_set", ("kind",)
    if what in ("Gateway", "GatewayClass"):
        yield "gateway", ("kind",)
    if what == "EC2NodeClass":
        yield "custom_ami", ("kind",)
    if what == "NodeClass":
        yield from (("custom_ami", ("spec", key)) for key in _at(item, "spec") if re.match("ami|userData|sshKey", key))
    for annotation in _TARGETS:
        if _at(item, "metadata", "annotations", annotation) == "instance":
            yield "instance_targets", ("metadata", "annotations", annotation)
    for key in ("provisioner", "driver"):
        driver = item.get(key)
        if driver in _EBS_DRIVERS and driver != rules()[kind].storage_driver:
            yield ("block_storage_driver" if rules()[kind].storage_driver else "block_storage"), (key,)


def _pod(item: KubernetesObject, _: str) -> Found:
    for way, pod in pod_templates(item):
        host_process = _at(pod, "spec", "securityContext", "windowsOptions", "hostProcess")
        if _at(pod, "spec", "hostNetwork") and not host_process:
            yield "host_network", (*way, "spec", "hostNetwork")
        if _at(pod, "spec", "resourceClaims"):
            yield "dynamic_resources", (*way, "spec", "resourceClaims")
        yield from _containers(way, pod)


def _containers(way: Where, pod: dict[str, Any]) -> Found:
    for where, container in containers(pod):
        here = (*way, *where)
        if _at(container, "securityContext", "privileged") is True:
            yield "privileged", (*here, "securityContext", "privileged")
        for index, port in enumerate(container.get("ports") or []):
            if port.get("hostPort"):
                yield "host_port", (*here, "ports", index, "hostPort")
        for group in ("limits", "requests"):
            for name in _at(container, "resources", group):
                if fargate.is_accelerator(str(name)):
                    yield "accelerator", (*here, "resources", group, name)


def _platform(item: KubernetesObject, _: str) -> Found:
    for way, pod in pod_templates(item):
        for name, label, values in (("arm", ARCHITECTURE, ("amd64",)), ("windows", SYSTEM, ("linux",))):
            if field := keeps_off(pod["spec"], label, values):
                yield name, (*way, "spec", *field)
        if _at(pod, "spec", "os", "name") == "windows":
            yield "windows", (*way, "spec", "os", "name")


def _volumes(item: KubernetesObject, _: str) -> Found:
    for where, _claim in claim_templates(item):
        yield "dynamic_volumes", where
    spec = _at(item, "spec")
    # A claim with an empty class waits for a volume that somebody makes.
    if kind_of(item) == "PersistentVolumeClaim" and not (spec.get("volumeName") or spec.get("storageClassName") == ""):
        yield "dynamic_volumes", ("spec", "storageClassName")
    if kind_of(item) == "PersistentVolume":
        if _at(spec, "csi", "driver") in _EBS_DRIVERS:
            yield "block_storage", ("spec", "csi", "driver")
        if _at(spec, "csi", "driver") == "efs.csi.aws.com":
            yield "file_storage", ("spec", "csi", "driver")
        if spec.get("awsElasticBlockStore"):
            yield "block_storage", ("spec", "awsElasticBlockStore")
    for way, pod in pod_templates(item):
        for index, volume in enumerate(pod["spec"].get("volumes") or []):
            if volume.get("awsElasticBlockStore"):
                yield "block_storage", (*way, "spec", "volumes", index, "awsElasticBlockStore")


def _classes(item: KubernetesObject, _: str) -> Found:
    claims = [(where, claim.get("spec") or {}) for where, claim in claim_templates(item)]
    claims += [((), _at(item, "spec"))] if kind_of(item) == "PersistentVolumeClaim" else []
    for where, claim in claims:
        # The default class, and those that this project makes, are EBS's.
        if claim.get("storageClassName") in _EBS_CLASSES and not claim.get("volumeName"):
            yield "default_volumes", (*where, "spec", "storageClassName")


def _size(item: KubernetesObject, _: str) -> Found:
    for way, pod in pod_templates(item):
        for resource, limit in fargate.largest_request().items():
            if asked_for(pod, resource) > limit:
                yield "size", (*way, "spec", "containers")


def _at(value: Any, *keys: str) -> Any:
    """Returns the value at ``keys`` of nested mappings; an empty mapping if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return {} if value is None else value


_FINDERS: tuple[Callable[[KubernetesObject, str], Found], ...] = (_object, _pod, _platform, _volumes, _classes, _size)
