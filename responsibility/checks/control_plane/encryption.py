"""Checks of the key that encrypts what the Kubernetes API stores."""

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue

_PATH = "EncryptionConfig"
_RESTORABLE = 30
"""Days within which EKS says a cluster can come back with its key (envelope-encryption.html); also KMS's longest wait."""


def secrets_key(cluster: Cluster) -> Fact | None:
    """Returns the customer's key of a cluster; None: it is AWS's own. Raises UnknownValue."""
    value = cluster.secrets_key
    if not value:
        return None
    key = cluster.facts.find(Fact, value)
    if key and key.resource.type == "AWS::KMS::Alias":
        key = cluster.facts.find(Fact, key.get("TargetKeyId"))
    if not key or key.resource.type != "AWS::KMS::Key":
        raise UnknownValue(cluster.at(_PATH), "the key is made outside of what was read")
    return key


@check("EKR007", Cluster, synth=True)
def own_key(cluster: Cluster) -> Answer:
    """Which key does not matter here: a parameter's value is a key of the customer, too."""
    if cluster.resource.items(_PATH):
        return met("uses your own key", cluster.at(_PATH))
    return open_("uses AWS's own key", cluster.at(_PATH))


@check("EKR008", Cluster)
def key_rotates(cluster: Cluster) -> Answer:
    """AWS rotates its own keys."""
    key = secrets_key(cluster)
    if not key:
        return not_applicable("AWS's own key is rotated by AWS")
    if key.get("Origin", "AWS_KMS") == "EXTERNAL":
        return not_applicable("its key material is imported, which KMS does not rotate by itself")
    if str(key.get("EnableKeyRotation", False)).lower() == "true":
        return met("uses a key that rotates", key.at("EnableKeyRotation"))
    return open_("uses a key that never rotates", key.at("EnableKeyRotation"))


@check("EKR009", Cluster)
def key_outlives_its_stack(cluster: Cluster) -> Answer:
    """CloudFormation schedules a key that leaves its stack for deletion; the default wait is 30 days."""
    key = secrets_key(cluster)
    if not key:
        return not_applicable("AWS keeps its own key")
    if key.resource.deletion_policy.startswith("Retain"):
        return met("uses a key that outlives its stack", key.at("DeletionPolicy"))
    days = key.whole("PendingWindowInDays", _RESTORABLE)
    if days < _RESTORABLE:
        return open_(
            f"uses a key that is deleted {days} days after its stack",
            key.at("DeletionPolicy"),
            key.at("PendingWindowInDays"),
        )
    return met(f"uses a key whose deletion can be cancelled for {days} days", key.at("PendingWindowInDays"))
