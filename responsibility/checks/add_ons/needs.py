"""Checks of what add-ons need and what needs them: IAM roles, the Pod Identity agent, storage drivers."""

from collections.abc import Iterator

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Addon, Cluster, PodIdentity
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.objects import Objects
from responsibility.reading.partly_known import fits_one
from responsibility.reading.resource import UnknownValue

_CALLS_AWS = {
    "vpc-cni": ("aws-node",),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa",),
    "aws-efs-csi-driver": ("efs-csi-controller-sa", "efs-csi-node-sa"),
    "aws-fsx-csi-driver": ("fsx-csi-controller-sa", "fsx-csi-node-sa"),
    "aws-mountpoint-s3-csi-driver": ("s3-csi-driver-sa",),
    "amazon-cloudwatch-observability": ("cloudwatch-agent",),
    "external-dns": ("external-dns",),
}
"""Add-ons that need AWS permissions, and their service accounts (workloads-add-ons-available-eks.html)."""
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_AGENT = "eks-pod-identity-agent"
_DRIVERS = {
    "ebs.csi.aws.com": ("aws-ebs-csi-driver", "ebs-csi"),
    "kubernetes.io/aws-ebs": ("aws-ebs-csi-driver", "ebs-csi"),
    "efs.csi.aws.com": ("aws-efs-csi-driver", "efs-csi"),
    "fsx.csi.aws.com": ("aws-fsx-csi-driver", "fsx-csi"),
    "s3.csi.aws.com": ("aws-mountpoint-s3-csi-driver", "s3-csi"),
}
"""What storage classes and volumes name, and the software that answers to it. The in-tree name is passed on to CSI."""
_AUTO_MODE_DRIVER = "ebs.csi.eks.amazonaws.com"
_EFS = "efs.csi.aws.com"


@check("EKR065", Cluster)
def a_driver_stands_where_volumes_are_claimed(cluster: Cluster) -> Answer:
    """By the drivers that manifests name; a claim without any needs at least one driver for blocks."""
    named = list(_named_drivers(cluster))
    claims = list(_claims(cluster))
    if not named and not claims:
        return not_applicable("nothing that was read claims a volume")
    missing = [(driver, where) for driver, where in named if not _has_driver(cluster, driver)]
    if missing:
        names = ", ".join(sorted({driver for driver, _ in missing}))
        return open_(f"has no driver for {names}", *(where for _, where in missing))
    if named:
        return met(
            f"has the drivers for {', '.join(sorted({driver for driver, _ in named}))}", *(at for _, at in named)
        )
    if any(_has_driver(cluster, driver) for driver in (*_DRIVERS, _AUTO_MODE_DRIVER)):
        return met("has a storage driver", *claims)
    return open_("has claims for volumes, but no storage driver", *claims)


def _has_driver(cluster: Cluster, driver: str) -> bool:
    if driver == _AUTO_MODE_DRIVER:
        return cluster.auto_mode
    if driver == _EFS and cluster.has_only("fargate"):
        return True  # Fargate mounts EFS by itself.
    return bool(software.runs(cluster, *_DRIVERS[driver]))


def _named_drivers(cluster: Cluster) -> Iterator[tuple[str, Evidence]]:
    for kind, path in (("StorageClass", "provisioner"), ("PersistentVolume", "spec.csi.driver")):
        for item in software.objects(cluster, kind):
            driver = str(item.get(path, ""))
            if driver == _EFS and kind == "PersistentVolume" and _mounted_on_fargate_alone(item):
                continue
            if driver in _DRIVERS or driver == _AUTO_MODE_DRIVER:
                yield driver, item.at(path)


def _mounted_on_fargate_alone(volume: KubernetesObject) -> bool:
    """Returns whether pods mount a volume, all of them on Fargate: it brings the driver (efs-csi.html)."""
    objects = volume.facts.view(Objects)
    claims = [
        claim
        for claim in objects.in_cluster("PersistentVolumeClaim", volume)
        if claim.words_of("spec.volumeName") == volume.bare_name
    ]
    users = [
        workload
        for claim in claims
        for workload in objects.workloads(claim, claim.namespace)
        if claim.bare_name in _claimed(workload)
    ]
    return bool(users) and all(workload.on_fargate for workload in users)


def _claimed(workload: Workload) -> set[str]:
    volumes = workload.items(f"{workload.spec_path}.volumes")
    return {workload.words_of(f"{path}.persistentVolumeClaim.claimName") for path in volumes}


def _claims(cluster: Cluster) -> Iterator[Evidence]:
    for item in software.objects(cluster, "PersistentVolumeClaim"):
        yield item.at("spec")
    for item in software.objects(cluster, "StatefulSet"):
        if item.get("spec.volumeClaimTemplates"):
            yield item.at("spec.volumeClaimTemplates")


@check("EKR066", Addon)
def addon_has_a_role(addon: Addon) -> Answer | None:
    """Applies to add-ons that call AWS."""
    accounts = _CALLS_AWS.get(str(addon.get("AddonName")))
    if not accounts:
        return None
    if addon.has_identity:
        path = "PodIdentityAssociations" if addon.get("PodIdentityAssociations") else "ServiceAccountRoleArn"
        return met("has its own role", addon.at(path))
    cluster = addon.cluster
    if cluster:
        if addon.name == "vpc-cni" and cluster.kinds and not software.has_ec2_nodes(cluster):
            return not_applicable("runs on no node of this cluster")
        for association in cluster.facts.belonging(PodIdentity, cluster.resource.key):
            if association.service_account in accounts:
                return met("has a role by a Pod Identity association", association.at("ServiceAccount"))
        for account in software.objects(cluster, "ServiceAccount"):
            annotations = account.resource.maybe("metadata.annotations", {}) or {}
            if account.bare_name in accounts and _ROLE_ANNOTATION in annotations:
                return met("has a role by the annotation of its service account", account.at("metadata.annotations"))
    return open_("has no own role: it uses the node's", addon.at("PodIdentityAssociations"))


_IPV6_CNI = ("ec2:AssignIpv6Addresses", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:CreateTags")
"""What the CNI needs for IPv6: cni-iam-role.html#cni-iam-role-create-ipv6-policy. AWS's managed policy covers IPv4 alone."""


@check("EKR212", Addon)
def cni_may_assign_ipv6(addon: Addon) -> Answer | None:
    """Applies to the CNI in clusters whose IpFamily is ipv6. Where it has no role of its own (EKR066), of the roles of nodes."""
    cluster = addon.cluster
    if addon.name != "vpc-cni" or cluster is None or cluster.ip_family != "ipv6":
        return None
    given = [item.get("RoleArn") for item in addon.get("PodIdentityAssociations", []) if isinstance(item, dict)]
    given += [addon.get("ServiceAccountRoleArn")]
    given += [
        one.get("RoleArn")
        for one in cluster.facts.belonging(PodIdentity, cluster.resource.key)
        if one.service_account == "aws-node"
    ]
    named = [value for value in given if value] or [group.get("NodeRole") for group in cluster.node_groups]
    if not named:
        raise UnknownValue(addon.at("PodIdentityAssociations"), "whose role it uses is not in what was read")
    for value in named:
        role = cluster.facts.find(Role, value)
        if role is None:
            raise UnknownValue(addon.at("PodIdentityAssociations"), "the role is not in what was read")
        said, unsaid = role.allowances
        patterns = [action.lower() for one in said if one.allow for action in one.actions]
        missing = [name for name in _IPV6_CNI if not fits_one(name.lower(), patterns)]
        if missing and (unknown := [*unsaid, *role.attached[1]]):
            raise unknown[0]
        if missing:
            return open_(f"has {role.words}, which may not {' and '.join(missing)}", role.at("Policies"))
    return met("may give pods IPv6 addresses")


@check("EKR067", Cluster)
def associations_have_an_agent(cluster: Cluster) -> Answer:
    """Auto Mode serves its own nodes only: beside other nodes it depends on where the pods run."""
    uses = [item.at() for item in cluster.facts.belonging(PodIdentity, cluster.resource.key)]
    uses += [addon.at("PodIdentityAssociations") for addon in cluster.addons.values() if _has_associations(addon)]
    if not uses:
        return not_applicable("nothing that was read uses Pod Identity")
    if name := software.runs(cluster, _AGENT):
        agent = cluster.addons.get(name)
        return met("has the agent", agent.at("AddonName") if agent else cluster.at())
    if not cluster.auto_mode:
        if not cluster.addons:
            raise UnknownValue(uses[0], "no add-on of the cluster is in what was read: it may have the agent")
        return open_("has Pod Identity associations, but no agent", *uses)
    if software.has_ec2_nodes(cluster):
        raise UnknownValue(
            uses[0], "Auto Mode's nodes have the agent, the others have none: where the pods run decides"
        )
    return met("has the agent in Auto Mode's nodes", cluster.at("ComputeConfig.Enabled"))


def _has_associations(addon: Addon) -> bool:
    return bool(addon.get("PodIdentityAssociations"))
