"""Checks of Elastic Fabric Adapters and Capacity Blocks: what EC2 and Kubernetes need beside the network interfaces."""

from __future__ import annotations

from eks_facts.devices import efa_adapters
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import NodeGroup
from responsibility.reading.facts import key_of
from responsibility.reading.network import SecurityGroup, Subnet
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference

_INTERFACES = "NetworkInterfaces"
_ADAPTERS = {"efa", "efa-only"}


def _adapters(group: NodeGroup) -> list[str]:
    """The paths of the network interfaces of its launch template that are Elastic Fabric Adapters. Raises UnknownValue."""
    try:
        instance = group.instance
    except UnknownValue:
        if group.instance_types and not any(efa_adapters(one) for one in group.instance_types):
            return []
        raise
    if not instance:
        return []
    return [
        path for path, _ in instance.items(_INTERFACES) if str(instance.get(f"{path}.InterfaceType", "")) in _ADAPTERS
    ]


@check("EKR361", NodeGroup)
def adapters_have_their_plugin(group: NodeGroup) -> Answer | None:
    """Applies to groups whose launch template has Elastic Fabric Adapters: no AMI of EKS has the plugin."""
    adapters = _adapters(group)
    if not adapters or not group.instance:
        return None
    here = group.instance.at(adapters[0])
    cluster = group.cluster
    if not cluster:
        raise UnknownValue(here, "its cluster was not read")
    if found := software.runs(cluster, "efa-k8s-device-plugin", "efa-device-plugin", "dranet"):
        return met(f"{found} offers its adapters", here)
    if not software.shows_software(cluster):
        raise UnknownValue(here, "no Kubernetes object or chart of its cluster was read")
    return open_("has adapters, and nothing that was read installs EFA's device plugin or DRANET", here)


@check("EKR362", NodeGroup)
def adapters_reach_each_other(group: NodeGroup) -> Answer | None:
    """Applies to groups whose launch template has Elastic Fabric Adapters."""
    adapters, instance = _adapters(group), group.instance if group.resource.maybe("LaunchTemplate") else None
    if not adapters or not instance:
        return None
    for path in adapters:
        named = instance.items(f"{path}.Groups")
        if named and not any(_reaches_itself(group, instance.at(at), value) for at, value in named):
            return open_(
                "has adapters whose security groups do not let all traffic to and from themselves", instance.at(path)
            )
    return met("has adapters whose security group reaches itself", instance.at(adapters[0]))


def _reaches_itself(group: NodeGroup, here: Evidence, value: object) -> bool:
    """Whether a security group lets all traffic in from itself, and out to itself. Raises UnknownValue."""
    cluster = group.cluster
    if cluster and str(value) == str(Reference(cluster.resource.stack, cluster.resource.id, "ClusterSecurityGroupId")):
        return True  # https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    own = group.facts.find(SecurityGroup, value)
    if not own:
        raise UnknownValue(here, f"the rules of {value} were not read")
    rules = (own.ingress, own.egress)
    return all(any(one.protocol == "-1" and key_of(one.source) == own.resource.key for one in side) for side in rules)


@check("EKR363", NodeGroup)
def adapters_are_in_one_zone(group: NodeGroup) -> Answer | None:
    """Applies to groups whose launch template has Elastic Fabric Adapters."""
    if not _adapters(group):
        return None
    here = group.at("Subnets")
    listed = list(group.resource.items("Subnets"))
    if len(listed) == 1:
        return met("has one subnet", here)
    zones = {subnet.zone for subnet in group.facts.find_all(Subnet, [value for _, value in listed])}
    if len(group.subnets) < len(listed) or "" in zones:
        raise UnknownValue(here, "in which Availability Zones its subnets are")
    if len(zones) == 1:
        return met(f"has all subnets in {zones.pop()}", here)
    return open_(f"spreads its adapters over {len(zones)} Availability Zones", here)


@check("EKR364", NodeGroup)
def a_block_is_said_in_both_places(group: NodeGroup) -> Answer | None:
    """Applies to groups that say `CAPACITY_BLOCK`, or whose launch template says `capacity-block`."""
    said = str(group.capacity_type) == "CAPACITY_BLOCK"
    try:
        instance = group.instance
    except UnknownValue:
        if said:
            raise
        return None
    market = str(instance.get("InstanceMarketOptions.MarketType", "")) if instance else ""
    if not said and market != "capacity-block":
        return None
    here = group.at("CapacityType")
    if not said or not instance or market != "capacity-block":
        where = "its launch template does not" if said else "its CapacityType does not"
        return open_(f"is for a Capacity Block, and {where} say so", here)
    target = "CapacityReservationSpecification.CapacityReservationTarget"
    if not (
        instance.get(f"{target}.CapacityReservationId") or instance.get(f"{target}.CapacityReservationResourceGroupArn")
    ):
        return open_("is for a Capacity Block, and its launch template does not name it", instance.at(target))
    if not instance.get("InstanceType"):
        return open_(
            "is for a Capacity Block, and its launch template names no instance type", instance.at("InstanceType")
        )
    return met("names its Capacity Block", instance.at(target))
