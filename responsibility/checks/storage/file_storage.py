"""Checks of EFS volumes: whether pods can write to what they mount."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.objects import Objects

_DRIVER = "efs.csi.aws.com"


@check("EKR175", KubernetesObject)
def mounted_by_an_access_point(volume: KubernetesObject) -> Answer | None:
    """Applies to static volumes. A manual change of the owner of the file system's root is not visible."""
    if volume.what != "PersistentVolume" or volume.get("spec.csi.driver") != _DRIVER:
        return None
    here = volume.at("spec.csi.volumeHandle")
    parts = str(volume.get("spec.csi.volumeHandle", "")).split(":")
    if len(parts) > 2 and parts[2]:
        return met("is mounted through an access point", here)
    users = [workload for workload in _users(volume) if _is_not_root(workload)]
    if not users:
        return not_applicable("no pod that mounts it as another user than root was read")
    names = ", ".join(sorted(workload.words for workload in users))
    return open_(f"is mounted at the root of the file system, which root owns, by {names}", here)


def _users(volume: KubernetesObject) -> Iterator[Workload]:
    objects = volume.facts.view(Objects)
    for claim in objects.in_cluster("PersistentVolumeClaim", volume):
        if claim.words_of("spec.volumeName") == volume.bare_name:
            for workload in objects.workloads(claim, claim.namespace):
                paths = workload.items(f"{workload.spec_path}.volumes")
                if any(workload.get(f"{path}.persistentVolumeClaim.claimName") == claim.bare_name for path in paths):
                    yield workload


def _is_not_root(workload: Workload) -> bool:
    contexts = [f"{path}.securityContext" for path in (workload.spec_path, *workload.running, *workload.starting)]
    return any(
        workload.get(f"{path}.runAsNonRoot") is True or str(workload.get(f"{path}.runAsUser", "0")) != "0"
        for path in contexts
    )
