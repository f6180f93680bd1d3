"""Checks of the subnets: zones, free addresses, placement, tags for load balancers."""

import math

from eks_facts.places import is_local_zone, zones_without_eks
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup, OfCluster, SelfManagedNodes
from responsibility.reading.kubernetes import objects
from responsibility.reading.network import Subnet, Vpc, raise_untold, subnets_at
from responsibility.reading.placement import Placement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unknown, has_gap

_SUBNETS = "ResourcesVpcConfig.SubnetIds"
_NEEDED = 6
_RECOMMENDED = 16
"""Addresses in each cluster subnet for EKS itself (network-reqs.html). The best practices find a /28 enough if nothing
else takes addresses of it, so this is asked of subnets with pods only."""
_ADDRESSES = {
    "nano": 4,
    "micro": 4,
    "small": 12,
    "medium": 18,
    "large": 36,
    "xlarge": 60,
    "2xlarge": 60,
    "4xlarge": 114,
}
"""Addresses that a full node holds, by instance size: interfaces times addresses of common families (EC2's table), and at
most the 110 pods that EKS allows below 30 vCPUs."""
_BIGGER = 258
"""The same of larger instances: EKS allows them 250 pods."""


def _zone(subnet: Subnet) -> str:
    zone = subnet.zone
    if not zone or has_gap(zone):
        raise UnknownValue(subnet.at("AvailabilityZone"), "its zone is not known here")
    return zone


def _addresses(subnet: Subnet) -> int:
    if subnet.addresses is None:
        raise UnknownValue(subnet.at("CidrBlock"), "its address block is not known here")
    return subnet.addresses


@check("EKR070", Cluster)
def two_zones(cluster: Cluster) -> Answer:
    """Two known zones are enough, whatever the rest is."""
    if cluster.get("OutpostConfig"):
        return not_applicable("is a local cluster on an Outpost")
    named = cluster.resource.properties.get("ResourcesVpcConfig")
    subnets = named.get("SubnetIds") if isinstance(named, dict) else None
    if _is_one(subnets):
        return open_("names one subnet, which is in one zone", cluster.at(_SUBNETS))
    zones = {subnet.zone for subnet in cluster.subnets if subnet.zone and not has_gap(subnet.zone)}
    if len(zones) < 2:
        zones = {_zone(subnet) for subnet in subnets_at(cluster, _SUBNETS)}
    if len(zones) < 2:
        return open_(f"has subnets in {len(zones)} zone{'s' if not zones else ''}", cluster.at(_SUBNETS))
    return met(f"has subnets in {len(zones)} zones", cluster.at(_SUBNETS))


def _is_one(value: object) -> bool:
    """Whether a value is one subnet, whatever its id is: a list of one item, or a parameter whose type says so."""
    if isinstance(value, list):
        return len(value) == 1 and not (isinstance(value[0], Unknown) and value[0].shape == "list")
    return isinstance(value, Unknown) and value.shape == "one"


@check("EKR072", Cluster)
def room_for_interfaces(cluster: Cluster) -> Answer:
    """Later use of addresses is not visible here: a subnet that pods share needs more."""
    compute = cluster.facts.view(Placement).compute
    small = [
        subnet
        for subnet in cluster.subnets
        if subnet.addresses is not None
        and subnet.addresses < (_RECOMMENDED if compute.get(subnet.resource.key) else _NEEDED)
    ]
    if small:
        words = ", ".join(f"{subnet.name} has {subnet.addresses}" for subnet in small)
        return open_(f"has subnets with too few addresses: {words}", *(subnet.at("CidrBlock") for subnet in small))
    fewest = min((_addresses(subnet) for subnet in subnets_at(cluster, _SUBNETS)), default=0)
    if fewest < _RECOMMENDED:
        cluster.get("ComputeConfig.Enabled")  # its pods may share them
    return met(f"has subnets with at least {fewest:,} addresses", cluster.at(_SUBNETS))


@check("EKR073", Subnet)
def room_for_pods(subnet: Subnet) -> Answer | None:
    """An estimate: every group at its largest, its nodes spread evenly over its subnets, each full of pods."""
    groups = [
        group
        for group in subnet.facts.view(Placement).compute.get(subnet.resource.key, [])
        if isinstance(group, NodeGroup | SelfManagedNodes)
    ]
    if not groups:
        return None
    if all(_pods_are_elsewhere(group.cluster) for group in groups):
        return not_applicable("pods take no IPv4 addresses of it (IPv6, or custom networking)")
    needs = [_need(group) for group in groups]
    need, free = sum(addresses for addresses, _ in needs), _addresses(subnet)
    words = f"has {free:,} addresses; about {need:,} at most are needed ({'; '.join(text for _, text in needs)})"
    return open_(words, subnet.at("CidrBlock")) if need > free else met(words, subnet.at("CidrBlock"))


def _pods_are_elsewhere(cluster: Cluster | None) -> bool:
    if not cluster:
        return False
    if cluster.ip_family == "ipv6":
        return True
    addon = cluster.addons.get("vpc-cni")
    custom = addon and "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG" in str(addon.resource.maybe("ConfigurationValues", ""))
    return bool(custom) or any(item.cluster_key == cluster.resource.key for item in objects(cluster.facts, "ENIConfig"))


def _need(group: NodeGroup | SelfManagedNodes) -> tuple[int, str]:
    """Returns how many addresses a group may take in one of its subnets, and why. Raises UnknownValue."""
    if isinstance(group, NodeGroup):
        path, most = "Subnets", group.max_size
    else:
        path, most = "VPCZoneIdentifier", group.whole("MaxSize", 0)
    if most < 0:
        raise UnknownValue(group.at("MaxSize"), f"{most} is not a number of nodes")
    each = max(_ADDRESSES.get(kind.rpartition(".")[2], _BIGGER) for kind in _instance_types(group))
    spread = max(len(group.resource.items(path)), 1)
    nodes = math.ceil(most / spread)
    return nodes * each, f"{group.name}: {nodes} of {most} nodes with {each} each"


def _instance_types(group: NodeGroup | SelfManagedNodes) -> list[str]:
    if isinstance(group, NodeGroup):
        named = [str(kind) for _, kind in group.resource.items("InstanceTypes")]
    else:
        overrides = "MixedInstancesPolicy.LaunchTemplate.Overrides"
        named = [str(group.get(f"{path}.InstanceType", "")) for path, _ in group.resource.items(overrides)]
    instance = group.instance
    found = [kind for kind in named if kind] or ([str(instance.get("InstanceType", ""))] if instance else [])
    if any(found):
        return [kind for kind in found if kind]
    if isinstance(group, NodeGroup) and not (instance and instance.get("InstanceRequirements")):
        return ["t3.medium"]  # what EKS takes where nobody says
    raise UnknownValue(group.at(), "its instance types are not known here")


@check("EKR076", OfCluster)
def nodes_are_private(group: OfCluster) -> Answer | None:
    """Fargate's subnets are asked about by a check of their own, Auto Mode's are the cluster's."""
    if not isinstance(group, NodeGroup | SelfManagedNodes):
        return None
    path = "Subnets" if isinstance(group, NodeGroup) else "VPCZoneIdentifier"
    public = [subnet.name for subnet in group.subnets if subnet.reach == "public"]
    if public:
        return open_(f"is in public subnets ({', '.join(public)})", group.at(path))
    instance = group.instance
    for asked in ["AssociatePublicIpAddress", "NetworkInterfaces.0.AssociatePublicIpAddress"] if instance else []:
        if instance and str(instance.get(asked, "")).lower() == "true":
            return open_("asks for a public address for each of its nodes", instance.at(asked))
    for subnet in subnets_at(group, path):
        if subnet.reach == "unknown":
            raise subnet.unseen
    return met("is in private subnets", group.at(path))


@check("EKR077", Vpc)
def subnets_are_tagged(vpc: Vpc) -> Answer | None:
    """One tagged subnet in each zone is enough; private subnets that no cluster uses are not asked about."""
    placement = vpc.facts.view(Placement)
    if not placement.uses(vpc):
        return None
    public = [subnet for subnet in vpc.subnets if subnet.reach == "public"]
    inside = [subnet for subnet in vpc.subnets if subnet.reach in ("private", "isolated") and placement.uses(subnet)]
    if not public and not inside:
        raise vpc.subnets[0].unseen if vpc.subnets else UnknownValue(vpc.at(), "its subnets were not read")
    private = [subnet for subnet in vpc.subnets if subnet.reach in ("private", "isolated")]
    lacking = [
        *_untagged(public, "kubernetes.io/role/elb", public),
        *_untagged(inside, "kubernetes.io/role/internal-elb", private),
    ]
    if lacking:
        names = ", ".join(subnet.name for subnet in lacking)
        return open_(f"has subnets without a tag for load balancers: {names}", *(s.at("Tags") for s in lacking))
    raise_untold(vpc)
    return met("has tagged subnets in each zone", *(subnet.at("Tags") for subnet in (*public, *inside)))


def _untagged(subnets: list[Subnet], key: str, all_of_them: list[Subnet]) -> list[Subnet]:
    """Returns the subnets without a tag whose zone has none with it: a control plane may have subnets of its own."""
    without = [subnet for subnet in subnets if key not in _tag_keys(subnet)]
    covered = {subnet.zone for subnet in all_of_them if key in _tag_keys(subnet) and subnet.zone}
    return [subnet for subnet in without if subnet.zone not in covered]


def _tag_keys(subnet: Subnet) -> set[str]:
    return {str(subnet.get(f"{path}.Key", "")) for path, _ in subnet.resource.items("Tags")}


@check("EKR079", Vpc)
def no_public_addresses(vpc: Vpc) -> Answer | None:
    """EKS asks for it where node groups are in public subnets: then EKR076 speaks."""
    placement = vpc.facts.view(Placement)
    if not placement.uses(vpc):
        return None
    public = [subnet for subnet in vpc.subnets if subnet.reach == "public"]
    spare = [
        subnet
        for subnet in public
        if not any(isinstance(user, NodeGroup) for user in placement.compute.get(subnet.resource.key, []))
    ]
    if not spare:
        return not_applicable("all public subnets have node groups: EKR076" if public else "has no public subnet")
    giving = [subnet for subnet in spare if subnet.public_addresses]
    if giving:
        names = ", ".join(subnet.name for subnet in giving)
        return open_(
            f"has subnets that assign public addresses: {names}", *(s.at("MapPublicIpOnLaunch") for s in giving)
        )
    return met("has no subnet that assigns public addresses", *(s.at("MapPublicIpOnLaunch") for s in spare))


@check("EKR157", Cluster)
def zones_have_eks(cluster: Cluster) -> Answer:
    """Applies where the region is known and has such a zone, or a zone is named by its id."""
    bad = zones_without_eks()
    subnets = cluster.subnets
    named = [subnet for subnet in subnets if str(subnet.resource.maybe("AvailabilityZoneId", "")) in bad.values()]
    if named:
        zones = ", ".join(sorted({str(subnet.resource.maybe("AvailabilityZoneId")) for subnet in named}))
        return open_(
            f"has subnets in {zones}, where EKS is not available",
            *(subnet.at("AvailabilityZoneId") for subnet in named),
        )
    region = cluster.region
    if region not in bad:
        return not_applicable("EKS can use every zone of its region" if region else "the region is not known")
    if not subnets:
        return not_applicable("its subnets were not read")
    counted = [subnet for subnet in subnets if subnet.zone.startswith("AZ ")]
    if counted:
        words = f"counts the zones of {region}, one of which ({bad[region]}) does not support EKS"
        return open_(words, *(one.at("AvailabilityZone") for one in counted))
    unknown = [subnet for subnet in subnets if not subnet.zone or has_gap(subnet.zone)]
    if unknown:
        raise UnknownValue(unknown[0].at("AvailabilityZone"), "its zone is not known here")
    subnets_at(cluster, _SUBNETS)
    return met(
        f"names the zones {', '.join(sorted({subnet.zone for subnet in subnets}))}", *(one.at() for one in subnets)
    )


def _in_local_zones(subnets: list[Subnet], words: str) -> Answer | None:
    """``words``: what EKS refuses."""
    local = [subnet for subnet in subnets if is_local_zone(subnet.zone)]
    if not local:
        for subnet in subnets:
            subnet.get("AvailabilityZone", subnet.get("AvailabilityZoneId"))
            if has_gap(subnet.zone):
                raise UnknownValue(subnet.at("AvailabilityZone"), "a part of its zone is not known")
    else:
        zones = " and ".join(sorted({subnet.zone for subnet in local}))
        return open_(f"{words} {zones}", *(subnet.at("AvailabilityZone") for subnet in local))
    return met("has subnets in Availability Zones alone", *(subnet.at("AvailabilityZone") for subnet in subnets))


@check("EKR214", Cluster)
def control_plane_is_in_the_region(cluster: Cluster) -> Answer | None:
    """Applies to the subnets that were read. Nodes may be in Local Zones."""
    return _in_local_zones(cluster.subnets, "gives EKS subnets in") if cluster.subnets else None


@check("EKR215", FargateProfile)
def fargate_is_in_the_region(profile: FargateProfile) -> Answer | None:
    """Applies to the subnets that were read."""
    subnets = profile.facts.find_all(Subnet, profile.resource.maybe("Subnets", []))
    return _in_local_zones(subnets, "has subnets in") if subnets else None
