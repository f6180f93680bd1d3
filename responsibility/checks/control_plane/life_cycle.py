"""Checks of a platform's life cycle: what deleting or changing a stack may destroy."""

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.control_plane.api_server import log_groups
from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup
from responsibility.reading.facts import Fact
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.resource import UnknownValue, text
from responsibility.reading.storage import Storage

_SAFE = ("Retain", "RetainExceptOnCreate", "Snapshot")
_BOOTSTRAPPED = ("vpc-cni", "kube-proxy", "coredns")


@check("EKR016", Cluster)
def deletion_protection_is_on(cluster: Cluster) -> Answer:
    """Off is the service's default."""
    if cluster.deletion_protection:
        return met("cannot be deleted by mistake", cluster.at("DeletionProtection"))
    return open_("can be deleted by one call", cluster.at("DeletionProtection"))


@check("EKR100", NodeGroup)
def node_groups_can_be_replaced(group: NodeGroup) -> Answer:
    """In an account every node group has a name; the question is who chose it."""
    return _unnamed(group, "NodegroupName")


@check("EKR101", FargateProfile)
def profiles_can_be_replaced(profile: FargateProfile) -> Answer:
    """In an account every profile has a name; the question is who chose it."""
    return _unnamed(profile, "FargateProfileName")


def _unnamed(fact: Fact, path: str) -> Answer:
    if not fact.resource.template:
        return not_applicable("no template made it")
    name = fact.resource.partly(path)
    if name:
        return open_(f"has a fixed name, {without_gaps(text(name))}", fact.at(path))
    return met("gets its name from CloudFormation", fact.at(path))


@check("EKR102", Cluster)
def cluster_is_not_replaced(cluster: Cluster) -> Answer:
    """A name of its own cannot be taken twice; the custom resource of older CDK versions refuses, too."""
    if not cluster.resource.template:
        return not_applicable("no template made it")
    named = met("has its own name, which a second cluster cannot take", cluster.at("Name"))
    try:
        if cluster.given_name:
            return named
    except UnknownValue as unknown:
        if unknown.given:
            return named
        raise
    if cluster.deletion_protection:
        return met("cannot be deleted after a replacement", cluster.at("DeletionProtection"))
    return open_("has no fixed name: CloudFormation may replace it", cluster.at("Name"))


@check("EKR103", Cluster)
def no_unmanaged_addons(cluster: Cluster) -> Answer:
    """True is the service's default, but not with Auto Mode. An EKS add-on of the same name takes over what was installed."""
    path = "BootstrapSelfManagedAddons"
    if not cluster.bootstrap_addons:
        return met("starts without EKS's default add-ons", cluster.at(path))
    if cluster.auto_mode:
        return not_applicable("asks for them together with Auto Mode: EKR056")
    unmanaged = [name for name in _BOOTSTRAPPED if name not in cluster.addons]
    if unmanaged:
        return open_(f"starts with {', '.join(unmanaged)} that nobody manages", cluster.at(path))
    return met("starts with add-ons that its EKS add-ons take over", cluster.at(path))


@check("EKR104", Storage)
def storage_outlives_its_stack(storage: Storage) -> Answer | None:
    """Delete is CloudFormation's default. A bucket is not asked about: CloudFormation deletes none that holds objects."""
    if not storage.serves_a_cluster:
        return None
    policies = {name: storage.policy(name) for name in ("DeletionPolicy", "UpdateReplacePolicy")}
    if not all(policies.values()):
        return not_applicable("no template made it")
    lost = [name for name, policy in policies.items() if policy not in _SAFE]
    if not lost:
        return met("outlives its stack", *(storage.at(name) for name in policies))
    if storage.resource.type == "AWS::EFS::FileSystem" and storage.get("BackupPolicy.Status") == "ENABLED":
        return met("is deleted with its stack, and AWS Backup keeps copies", storage.at("BackupPolicy.Status"))
    return open_(f"is deleted with its data ({' and '.join(lost)})", *(storage.at(name) for name in lost))


@check("EKR106", Cluster)
def logs_outlive_the_stack(cluster: Cluster) -> Answer:
    """A group that EKS made stays: EKS does not delete it with the cluster."""
    if not cluster.log_types:
        return not_applicable("sends no logs")
    groups = [group for group in log_groups(cluster) if group.resource.type == "AWS::Logs::LogGroup"]
    if not groups or not all(group.resource.template for group in groups):
        return not_applicable("no stack makes its log group")
    dying = [group for group in groups if not group.resource.deletion_policy.startswith("Retain")]
    if dying:
        return open_(
            "sends its logs to a group that is deleted with its stack", *(g.at("DeletionPolicy") for g in dying)
        )
    return met("sends its logs to a group that outlives its stack", *(g.at("DeletionPolicy") for g in groups))
