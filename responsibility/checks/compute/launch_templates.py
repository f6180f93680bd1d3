"""Checks of what a node group takes from its launch template: the version, and the security groups."""

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.facts import key_of
from responsibility.reading.network import SecurityGroup
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference

_VERSION = "LaunchTemplate.Version"


@check("EKR301", NodeGroup)
def version_is_pinned(group: NodeGroup) -> Answer:
    """CloudFormation updates the nodes when the version that the group names is another one."""
    if not group.get("LaunchTemplate"):
        return not_applicable("EKS creates its launch template")
    version, at = group.get(_VERSION), group.at(_VERSION)
    if version in (None, "", "$Default"):
        return open_("takes the default version: a change of the template reaches no node", at)
    if version == "$Latest":
        return open_("names $Latest, which never changes in the template: a change of it reaches no running node", at)
    if isinstance(version, Reference) and version.attribute == "DefaultVersionNumber":
        return open_("follows the default version, which a change of the template leaves as it is", at)
    return met("names the version", at)


@check("EKR302", NodeGroup)
def control_plane_is_let_in(group: NodeGroup) -> Answer:
    """EKS adds the cluster's security group only where the launch template names none."""
    instance, cluster = group.instance, group.cluster
    if not instance:
        return met("gets the cluster's security group from EKS", group.at("LaunchTemplate"))
    paths = ["SecurityGroupIds", *(f"{path}.Groups" for path, _ in instance.items("NetworkInterfaces"))]
    named = [(at, value) for path in paths for at, value in instance.items(path)]
    if not named:
        return met("gets the cluster's security group from EKS", instance.at("SecurityGroupIds"))
    if not cluster:
        raise UnknownValue(group.at("ClusterName"), "its cluster was not read")
    here = instance.at(named[0][0])
    sources = _control_plane(cluster)
    for at, value in named:
        if str(value) == sources[0]:
            return met("has the cluster's security group", instance.at(at))
        own = group.facts.find(SecurityGroup, value)
        if not own:
            raise UnknownValue(instance.at(at), f"the rules of {value} were not read")
        for rule in own.ingress:
            if str(value) in sources and rule.protocol == "-1" and key_of(rule.source) == own.resource.key:
                return met("shares a security group with the control plane, which lets its members in", instance.at(at))
            # A range may be the VPC's.
            if str(rule.source) in sources or not key_of(rule.source):
                raise UnknownValue(rule.owner.at(rule.path), "whether nodes and control plane reach each other by it")
    return open_("has security groups of its own, which do not let the control plane in", here)


def _control_plane(cluster: Cluster) -> list[str]:
    """Returns the security groups of a cluster's network interfaces, as others name them; first EKS's own, which lets its
    members reach each other. Raises UnknownValue."""
    own = Reference(cluster.resource.stack, cluster.resource.id, "ClusterSecurityGroupId")
    return [str(own), *(str(value) for _, value in cluster.resource.items("ResourcesVpcConfig.SecurityGroupIds"))]
