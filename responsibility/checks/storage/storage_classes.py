"""Checks of volumes: encrypted, kept or deleted by choice, backed up."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.charts import HelmChart
from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import KubernetesObject, StorageClass
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

EBS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")
"""The drivers of EBS: the add-on's, Auto Mode's, and the old one inside Kubernetes."""
_BACKUP_KINDS = (
    ("VolumeSnapshot", "snapshot.storage.k8s.io"),
    ("Schedule", "velero.io"),
    ("Schedule", "k8up.io"),
    ("ReplicationSource", "volsync.backube"),
)
_BACKUP_CHARTS = ("velero", "k8up", "k10", "trilio")


@check("EKR097", StorageClass)
def volumes_are_encrypted(storage: StorageClass) -> Answer | None:
    """EBS only: EFS and FSx file systems are encrypted, or not, when they are made."""
    if storage.words_of("provisioner") not in EBS:
        return None
    here = storage.at("parameters.encrypted")
    if storage.words_of("parameters.encrypted", "false").lower() == "true":
        own = storage.get("parameters.kmsKeyId")
        return met(f"encrypts them with {'a key of your own' if own else 'the account default key of EBS'}", here)
    return open_("does not request encryption; only the account's EBS default could", here)


@check("EKR312", StorageClass)
def volumes_wait_for_their_pod(storage: StorageClass) -> Answer | None:
    """EBS only: an EFS file system is in all zones. Immediate is the default of Kubernetes."""
    if storage.words_of("provisioner") not in EBS:
        return None
    here = storage.at("volumeBindingMode")
    if storage.words_of("volumeBindingMode", "Immediate") == "WaitForFirstConsumer":
        return met("makes a volume where its pod is", here)
    return open_("makes a volume before its pod has a node, in any zone", here)


@check("EKR115", StorageClass)
def reclaim_is_chosen(storage: StorageClass) -> Answer:
    """Classes that make no volumes have nothing to reclaim."""
    if storage.get("provisioner") == "kubernetes.io/no-provisioner":
        return not_applicable("makes no volumes")
    policy, here = storage.get("reclaimPolicy"), storage.at("reclaimPolicy")
    return met(f"chooses {policy}", here) if policy else open_("does not say: the volume is deleted", here)


@check("EKR114", KubernetesObject)
def volumes_are_backed_up(item: KubernetesObject) -> Answer | None:
    """Applies to claims, and of StatefulSets that make claims. What a backup plan selects by tag cannot be seen here."""
    claims = "spec.volumeClaimTemplates" if item.what == "StatefulSet" else "spec"
    if item.what not in ("StatefulSet", "PersistentVolumeClaim") or item.made_by_another or not item.get(claims):
        return None
    for kind, group in _BACKUP_KINDS:
        for found in item.facts.view(Objects).in_cluster(kind, item):
            if group in str(found.get("apiVersion")):
                return met(f"a {kind} was read", found.at("spec"))
    for chart in item.facts.belonging(HelmChart, item.cluster_key):
        if str(chart.resource.maybe("Chart", "")).rsplit("/", 1)[-1] in _BACKUP_CHARTS:
            return met(f"{chart.name} is installed", chart.at("Chart"))
    return _by_aws(item.facts) or open_("nothing that was read backs up its volumes", item.at(claims))


def _by_aws(facts: Facts) -> Answer | None:
    """What AWS Backup and Data Lifecycle Manager do. Raises UnknownValue: mostly they go by tags."""
    selections = facts.of_type("AWS::Backup::BackupSelection")
    for selection in selections:
        if "*" in selection.get("BackupSelection.Resources", []):
            return met("a backup plan selects all resources", selection.at("BackupSelection.Resources"))
    for selection in selections:
        raise UnknownValue(selection.at("BackupSelection"), "whether it selects the volumes of claims is not said")
    for lifecycle in facts.of_type("AWS::DLM::LifecyclePolicy"):
        raise UnknownValue(lifecycle.at("PolicyDetails.TargetTags"), "which volumes have these tags is not said")
    return None
