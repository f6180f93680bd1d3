"""Checks of pods that a Fargate profile selects: whether Fargate can run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eks_facts import fargate
from eks_facts.node_selection import ARCHITECTURE, SYSTEM, keeps_off
from responsibility.checks.check import Answer, check, met, open_
from responsibility.checks.storage.storage_classes import EBS
from responsibility.checks.workloads.containers import listed
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

Violation = tuple[str, str]
"""Path and words."""


def _kind(workload: Workload) -> Iterator[Violation]:
    if workload.what == "DaemonSet":
        yield "kind", "is a DaemonSet"


def _node(workload: Workload) -> Iterator[Violation]:
    spec = workload.spec_path
    if workload.get(f"{spec}.hostNetwork"):
        yield f"{spec}.hostNetwork", "uses hostNetwork"
    for path in [*workload.running, *workload.starting]:
        if workload.get(f"{path}.securityContext.privileged"):
            yield f"{path}.securityContext.privileged", "is privileged"
        for port in workload.items(f"{path}.ports"):
            if workload.get(f"{port}.hostPort"):
                yield f"{port}.hostPort", "uses hostPort"
        for group in ("limits", "requests"):
            asked = workload.mapping(f"{path}.resources.{group}")
            if any(fargate.is_accelerator(str(name)) for name in asked):
                yield f"{path}.resources.{group}", "asks for an accelerator"
                break


def _platform(workload: Workload) -> Iterator[Violation]:
    spec = workload.spec_path
    selector = {
        label: value for label in (ARCHITECTURE, SYSTEM) if (value := workload.entry(f"{spec}.nodeSelector", label))
    }
    selection = {"nodeSelector": selector, "affinity": {"nodeAffinity": _required(workload)}}
    for words, label, values in (("Arm", ARCHITECTURE, ("amd64",)), ("Windows", SYSTEM, ("linux",))):
        if field := keeps_off(selection, label, values):
            yield (
                f"{spec}.{'.'.join(map(str, field[:-1] if field[0] == 'nodeSelector' else field))}",
                f"asks for {words}",
            )
    if workload.get(f"{spec}.os.name") == "windows":
        yield f"{spec}.os.name", "asks for Windows"


def _required(workload: Workload) -> dict[str, Any]:
    """Returns the node affinity that a pod requires. Raises UnknownValue where a part of it is not known."""
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = []
    for term in workload.items(f"{workload.spec_path}.affinity.nodeAffinity.{required}.nodeSelectorTerms"):
        expressions = [
            {
                "key": workload.get(f"{one}.key"),
                "operator": workload.get(f"{one}.operator"),
                "values": workload.texts(f"{one}.values"),
            }
            for one in workload.items(f"{term}.matchExpressions")
        ]
        terms.append({"matchExpressions": expressions})
    return {required: {"nodeSelectorTerms": terms}}


_NO_SUCH_VOLUME = {"hostPath": "mounts a folder of its node", "csi": "mounts a volume of a driver inline"}
"""Fargate's scheduler refuses such pods: "volumes not supported" (github.com/pachyderm/pachyderm/issues/4522,
cert-manager/csi-driver/issues/267). AWS's guide does not list them."""


def _volumes(workload: Workload) -> Iterator[Violation]:
    spec = workload.spec_path
    for path in workload.items("spec.volumeClaimTemplates") if workload.what == "StatefulSet" else []:
        yield path, "makes volumes by claims"
    for path in workload.items(f"{spec}.volumes"):
        if workload.get(f"{path}.ephemeral"):
            yield f"{path}.ephemeral", "makes volumes by claims"
        if workload.get(f"{path}.awsElasticBlockStore"):
            yield f"{path}.awsElasticBlockStore", "mounts an EBS volume"
        for kind, words in _NO_SUCH_VOLUME.items():
            if workload.get(f"{path}.{kind}"):
                yield f"{path}.{kind}", words
        if (name := workload.get(f"{path}.persistentVolumeClaim.claimName")) and _cannot_mount(
            workload, path, str(name)
        ):
            yield f"{path}.persistentVolumeClaim", "mounts a claim that EBS fulfils, or that is fulfilled dynamically"


def _cannot_mount(workload: Workload, path: str, name: str) -> bool:
    """Whether a claim needs an EBS volume or one that a driver makes: Fargate mounts EFS that exists. Raises UnknownValue."""
    objects = workload.facts.view(Objects)
    claim = objects.named("PersistentVolumeClaim", workload, name)
    if not claim:
        where = workload.at(f"{path}.persistentVolumeClaim.claimName")
        raise UnknownValue(where, f"PersistentVolumeClaim {name} was not read")
    if bound := claim.get("spec.volumeName"):
        volume = objects.of_class("PersistentVolume", workload, str(bound))
        if not volume:
            raise UnknownValue(claim.at("spec.volumeName"), f"PersistentVolume {bound} was not read")
        return volume.get("spec.csi.driver") in EBS or bool(volume.get("spec.awsElasticBlockStore"))
    wanted = claim.get("spec.storageClassName")
    if wanted == "":
        return False
    storage = objects.of_class("StorageClass", workload, str(wanted)) if wanted else _default_class(workload)
    if not storage:
        if wanted in ("gp2", "gp3"):
            return True
        raise UnknownValue(claim.at("spec.storageClassName"), "its StorageClass was not read")
    # A class of EFS without parameters is how volumes that exist are matched with claims.
    return storage.get("provisioner") in EBS or bool(storage.get("parameters"))


def _default_class(workload: Workload) -> KubernetesObject | None:
    for storage in workload.facts.view(Objects).in_cluster("StorageClass", workload):
        if storage.annotation("storageclass.kubernetes.io/is-default-class") == "true":
            return storage
    return None


def _size(workload: Workload) -> Iterator[Violation]:
    for name, most in fargate.largest_request().items():
        if (asked := float(workload.requested(name))) > most:
            words = f"{asked:g} CPUs" if name == "cpu" else f"{asked / 2**30:g} GiB of {name}"
            yield f"{workload.spec_path}.containers", f"asks for {words}, more than the largest size"


_RULES: tuple[Callable[[Workload], Iterator[Violation]], ...] = (_kind, _node, _platform, _volumes, _size)


@check("EKR099", Workload)
def pod_fits_fargate(workload: Workload) -> Answer | None:
    """Each field that does not fit is evidence; one that cannot be read hides none that can."""
    if workload.made_by_another or not workload.on_fargate:
        return None
    found: list[Violation] = []
    unread: UnknownValue | None = None
    for rule in _RULES:
        try:
            found.extend(rule(workload))
        except UnknownValue as unknown:
            unread = unread or unknown
    if found:
        words = listed(word for _, word in found)
        return open_(words, *(workload.at(path) for path in dict.fromkeys(path for path, _ in found)))
    if unread:
        raise unread
    return met("asks for nothing that Fargate lacks", workload.at(workload.spec_path))
