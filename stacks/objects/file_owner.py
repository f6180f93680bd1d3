"""The owner of a workload's file system: the user and group of its pods."""

from collections.abc import Iterator, Sequence
from typing import Any

from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import Misplaced
from stacks.objects.pods import containers, pod_templates


def file_owner(objects: Sequence[KubernetesObject], workload: str) -> tuple[int, int]:
    """Returns user and group of the pods that mount a claim.

    The root of a new EFS file system belongs to root, and EFS ignores ``fsGroup``: an access point gives its users a folder
    of their own. https://docs.aws.amazon.com/efs/latest/ug/accessing-fs-nfs-permissions.html

    Raises Misplaced if they do not say it, or do not agree.
    """
    found = {owner for item in objects for owner in _owners(item)}
    if len(found) != 1 or None in next(iter(found)):
        said = ", ".join(sorted(f"{user}:{group}" for user, group in found)) or "no pod mounts a claim"
        raise Misplaced(
            f"{workload} needs a file system, which belongs to the user and group of its pods: each pod that mounts a claim must say"
            f" the same runAsUser and runAsGroup in its securityContext; found: {said}",
            "name",
        )
    user, group = next(iter(found))
    return int(str(user)), int(str(group))


def _owners(item: KubernetesObject) -> Iterator[tuple[int | None, int | None]]:
    for _, pod in pod_templates(item):
        claims = {one["name"] for one in pod["spec"].get("volumes") or [] if one.get("persistentVolumeClaim")}
        for _, container in containers(pod):
            if any(mount.get("name") in claims for mount in container.get("volumeMounts") or []):
                context: dict[str, Any] = {
                    **(pod["spec"].get("securityContext") or {}),
                    **(container.get("securityContext") or {}),
                }
                yield context.get("runAsUser"), context.get("runAsGroup")
