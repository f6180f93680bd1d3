"""Volumes and devices: classes and drivers that authors wrote."""

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from eks_facts.addons import addon_with
from eks_facts.files import load
from safe_io.where import Where
from stacks.objects.needs import EFS_DRIVER, drivers
from stacks.objects.pods import claim_templates, requests_of
from stacks.objects.rules.setting import ANNOTATIONS, Found, Setting

_OLD_STORAGE_CLASSES = ("volume.beta.kubernetes.io/storage-class", "volume.alpha.kubernetes.io/storage-class")
_HANDLE = "${FILE_SYSTEM_ID}::${ACCESS_POINT_ID}"
_NO_DRIVER = "kubernetes.io/no-provisioner"


def _claims(item: KubernetesObject) -> list[tuple[Where, KubernetesObject]]:
    """Returns the claims of volumes in an object, itself too, with the way to each."""
    own: list[tuple[Where, KubernetesObject]] = [((), item)] if kind_of(item) == "PersistentVolumeClaim" else []
    return [*claim_templates(item), *own]


def storage_classes(item: KubernetesObject, setting: Setting) -> Found:
    """Classes of claims: the older annotations, classes that nobody makes."""
    own = setting.placement.rule.storage_class
    for where, claim in _claims(item):
        metadata = claim.get("metadata") or {}
        for annotation in _OLD_STORAGE_CLASSES:
            if annotation in (metadata.get("annotations") or {}):
                yield (
                    (*where, *ANNOTATIONS, annotation),
                    "remove it: it overrides spec.storageClassName, which is filled in"
                    f"{f' with {own}' if own else ''}; write the class there if you mean another",
                )
        found = (claim.get("spec") or {}).get("storageClassName")
        if found and not setting.known.has("StorageClass", str(found), (own,) if own else ()):
            here = (
                f"{setting.placement.spec.compute} has {own}, which is filled in: remove it"
                if own
                else "there is none here"
            )
            yield (
                (*where, "spec", "storageClassName"),
                f"found {found}, a class that nothing in this cluster makes for these nodes; {here}. {setting.elsewhere}: {found}",
            )


def access_modes(item: KubernetesObject, setting: Setting) -> Found:
    """Claims of an EBS volume for several nodes: it is on one, but for a block device of type io2.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volumes-multi.html and
    https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/multi-attach.md
    """
    own = setting.placement.rule.storage_class
    for where, claim in _claims(item):
        spec = claim.get("spec") or {}
        name = spec.get("storageClassName") or own
        made = setting.known.classes.get(("StorageClass", str(name)), {})
        is_ebs = made.get("provisioner") in load("compute_kinds")["block_storage_drivers"].values()
        if spec.get("volumeName") or not (is_ebs or (name and name == own)):
            continue
        if is_ebs and spec.get("volumeMode") == "Block":
            continue
        for index, mode in enumerate(spec.get("accessModes") or []):
            if mode in ("ReadWriteMany", "ReadOnlyMany"):
                yield (
                    (*where, "spec", "accessModes", index),
                    f"found {mode}: {name} makes EBS volumes, which one node uses at a time, and the claim would stay Pending. Write"
                    " ReadWriteOnce, or use a file system: needs: [file_system] in workload.yaml, or a class of efs.csi.aws.com",
                )


def file_system_volume(item: KubernetesObject, setting: Setting) -> Found:  # noqa: ARG001
    """Volumes of the file system that the stack makes, which lets in by its access point alone."""
    handle = (
        ((item.get("spec") or {}).get("csi") or {}).get("volumeHandle") if kind_of(item) == "PersistentVolume" else None
    )
    if isinstance(handle, str) and "${FILE_SYSTEM_ID}" in handle and handle != _HANDLE:
        yield (
            ("spec", "csi", "volumeHandle"),
            f"found {handle}; the file system lets in by its access point alone, whose folder belongs to the pods' user: write {_HANDLE}",
        )


def storage_drivers(item: KubernetesObject, setting: Setting) -> Found:
    """Drivers that nothing installs."""
    own = setting.placement.rule.storage_driver
    for where, found in drivers(item):
        # Those of the other kinds of compute are refused with AWS's page: stacks/placement/kind_limits.py.
        others = load("compute_kinds")["block_storage_drivers"].values()
        if found in (own, EFS_DRIVER, _NO_DRIVER, *others) or setting.known.is_provided(found):
            continue
        addon = addon_with(found)
        here = (
            f"The add-on {addon} brings it: add {addon}: {{enabled: true}} to the cluster's addons"
            if addon
            else f"EBS volumes on {setting.placement.spec.compute} are made by {own}: remove it, it is filled in"
            if own
            else ""
        )
        yield (
            where,
            f"found {found}, a driver that nothing here installs. {here or 'Use EFS'}. {setting.elsewhere}: {found}",
        )


def device_claims(item: KubernetesObject, setting: Setting) -> Found:
    """Classes of devices that pods claim (dynamic resource allocation): their drivers bring them."""
    if kind_of(item) not in ("ResourceClaim", "ResourceClaimTemplate"):
        return
    way: Where = ("spec",) if kind_of(item) == "ResourceClaim" else ("spec", "spec")
    for index, names in enumerate(requests_of(item)):
        if names and not any(setting.known.has("DeviceClass", name) for name in names):
            found = " or ".join(sorted(names))
            yield (
                (*way, "devices", "requests", index),
                f"found {found}, a class of devices whose driver nothing here installs; use nodes with device_allocation: dra (Auto Mode"
                " brings NVIDIA's and EFA's from Kubernetes 1.36 on), or ask for the device in the pod's resources."
                f" {setting.elsewhere}: {found}",
            )
