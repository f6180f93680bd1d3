"""Checks of the VPC: DNS, routes out, flow logs, open ports."""

from collections.abc import Iterator

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.addresses import from_internet
from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup, PodIdentity, SelfManagedNodes
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.network import (
    Rule,
    SecurityGroup,
    Subnet,
    Vpc,
    destination_of,
    ingress_beside,
    is_internet,
    raise_untold,
    subnets_at,
)
from responsibility.reading.placement import Placement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_WEB = (80, 443)
_ICMP = ("icmp", "icmpv6", "1", "58")
"""Protocols that carry no service: path MTU discovery needs them from anywhere."""


@check("EKR069", Vpc)
def names_are_resolved(vpc: Vpc) -> Answer | None:
    """Support is on by default, host names are off."""
    if not vpc.facts.view(Placement).uses(vpc):
        return None
    off = [
        path
        for path, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False))
        if not _on(vpc, path, default)
    ]
    if off:
        return open_(f"has {' and '.join(off)} off", *(vpc.at(path) for path in off))
    return met("has DNS support and DNS host names on", vpc.at("EnableDnsHostnames"))


def _on(fact: Fact, path: str, default: bool) -> bool:
    return str(fact.get(path, default)).lower() == "true"


@check("EKR071", Vpc)
def nat_in_each_zone(vpc: Vpc) -> Answer | None:
    """Applies to the subnets that a cluster uses."""
    placement = vpc.facts.view(Placement)
    if not placement.uses(vpc):
        return None
    ways = [(subnet, route) for subnet in vpc.subnets if placement.uses(subnet) for route in _by_nat(subnet)]
    if not ways:
        return not_applicable("its private subnets use no NAT gateway")
    crossing = [(subnet, route) for subnet, route in ways if _crosses(subnet, route)]
    if crossing:
        zones = ", ".join(sorted({subnet.zone for subnet, _ in crossing}))
        return open_(f"routes {zones} out through another zone", *(route.at("NatGatewayId") for _, route in crossing))
    raise_untold(vpc)
    return met("routes each zone out through its own NAT gateway", *(route.at("NatGatewayId") for _, route in ways))


def _by_nat(subnet: Subnet) -> list[Fact]:
    return [
        route
        for route in subnet.routes
        if is_internet(destination_of(route)) and "NatGatewayId" in route.resource.properties
    ]


def _crosses(subnet: Subnet, route: Fact) -> bool:
    gateway = subnet.facts.find(Fact, route.get("NatGatewayId"))
    if not gateway:
        raise UnknownValue(route.at("NatGatewayId"), "the NAT gateway was not read")
    if gateway.get("AvailabilityMode") == "regional":
        return False
    place = subnet.facts.find(Subnet, gateway.get("SubnetId"))
    zones = (subnet.zone, place.zone if place else "")
    if not all(zones) or any(has_gap(zone) for zone in zones):
        raise UnknownValue(gateway.at("SubnetId"), "its zone, or that of a subnet that uses it, is not known here")
    return zones[0] != zones[1]


@check("EKR074", Vpc)
def flow_logs_are_on(vpc: Vpc) -> Answer | None:
    """A flow log of the VPC, or one of each subnet that a cluster uses."""
    placement = vpc.facts.view(Placement)
    if not placement.uses(vpc):
        return None
    if vpc.flow_logs:
        return met("has flow logs", *(log.at() for log in vpc.flow_logs))
    used = [subnet for subnet in vpc.subnets if placement.uses(subnet)]
    logs = [vpc.facts.pointing("AWS::EC2::FlowLog", "ResourceId", subnet) for subnet in used]
    if used and all(logs):
        return met("has flow logs of every subnet that a cluster uses", *(log.at() for found in logs for log in found))
    for log in vpc.facts.of_type("AWS::EC2::FlowLog"):
        log.get("ResourceId")
    return open_("has no flow log", vpc.at())


@check("EKR075", Cluster)
def nobody_from_the_internet(cluster: Cluster) -> Answer:
    """Of nodes and control plane every port, of other groups in the VPC all but the web's."""
    own, blind = _attached(cluster)
    vpc = cluster.vpc
    beside = cluster.facts.pointing("AWS::EC2::SecurityGroup", "VpcId", vpc) if vpc else []
    rules = ingress_beside(cluster)
    for group in {**{fact.resource.key: fact for fact in beside if isinstance(fact, SecurityGroup)}, **own}.values():
        seen, unread = group.ingress_seen
        rules += [rule for rule in seen if group.resource.key in own or not _is_web(rule)]
        blind = blind or unread
    opened, unsaid = from_internet([rule for rule in rules if rule.protocol not in _ICMP])
    blind = blind or unsaid
    if opened:
        words = "; ".join(f"{rule.owner.name} opens {rule.ports} to {source}" for rule, source in opened[:3])
        more = f"; and {len(opened) - 3} more" if len(opened) > 3 else ""
        return open_(f"can be reached: {words}{more}", *(rule.owner.at(rule.path) for rule, _ in opened))
    if blind:
        raise blind
    return met("has no rule for the internet", cluster.at("ResourcesVpcConfig.SecurityGroupIds"))


def _is_web(rule: Rule) -> bool:
    return rule.protocol in ("tcp", "6") and rule.from_port == rule.to_port and rule.from_port in _WEB


def _attached(cluster: Cluster) -> tuple[dict[str, SecurityGroup], UnknownValue | None]:
    """Returns the groups of the control plane's and the nodes' interfaces, and what could not be seen of them."""
    found: dict[str, SecurityGroup] = {}
    blind: UnknownValue | None = None
    # A running cluster has the group that EKS made for it.
    if made := cluster.facts.find(SecurityGroup, cluster.resource.maybe("ResourcesVpcConfig.ClusterSecurityGroupId")):
        found[made.resource.key] = made
    facts: list[Cluster | NodeGroup | SelfManagedNodes] = [cluster, *cluster.node_groups, *cluster.self_managed]
    for fact in facts:
        try:
            for source, path in _names_groups(fact):
                items, unknown = source.resource.items_seen(path)
                blind = blind or unknown
                for at, item in items:
                    group = source.facts.find(SecurityGroup, item)
                    if group:
                        found[group.resource.key] = group
                    elif key_of(item) != cluster.resource.key:
                        blind = blind or UnknownValue(source.at(at), f"{item} was not read")
        except UnknownValue as unknown:
            blind = unknown
    return found, blind


def _names_groups(fact: Cluster | NodeGroup | SelfManagedNodes) -> Iterator[tuple[Fact, str]]:
    """Yields where the groups of something's interfaces are named. Raises UnknownValue."""
    if isinstance(fact, Cluster):
        yield fact, "ResourcesVpcConfig.SecurityGroupIds"
    elif instance := fact.instance:
        yield instance.source, f"{instance.prefix}SecurityGroupIds"
        yield instance.source, f"{instance.prefix}SecurityGroups"
        for path, _ in instance.source.resource.items(f"{instance.prefix}NetworkInterfaces"):
            yield instance.source, f"{path}.Groups"


@check("EKR201", Cluster)
def routed_control_plane_has_a_way_out(cluster: Cluster) -> Answer | None:
    """An internet gateway is not a way out: the control plane's interfaces have no public address."""
    where = cluster.at("ResourcesVpcConfig.ControlPlaneEgressMode")
    if cluster.get("ResourcesVpcConfig.ControlPlaneEgressMode", "AWS_MANAGED") != "CUSTOMER_ROUTED":
        return None
    subnets = subnets_at(cluster, "ResourcesVpcConfig.SubnetIds")
    closed = [subnet for subnet in subnets if subnet.reach in ("isolated", "public")]
    if closed:
        names = ", ".join(subnet.name for subnet in closed)
        return open_(
            f"is routed through the VPC, but {names} has no route out", where, *(subnet.at() for subnet in closed)
        )
    if blind := next((subnet for subnet in subnets if subnet.reach == "unknown"), None):
        raise blind.unseen
    return met("is routed through the VPC, and every subnet has a route out", where)


@check("EKR078", Cluster)
def isolated_nodes_have_endpoints(cluster: Cluster) -> Answer:
    """Covers what every node needs. What pods call is not visible here."""
    used = dict(_compute_subnets(cluster))
    if not used:
        return not_applicable("has no compute in its own subnets")
    isolated = isolated_subnets(cluster)
    if not isolated:
        return not_applicable("all nodes and pods are in subnets with a route out")
    needed = ["ecr.api", "ecr.dkr", "s3"]
    if any(not isinstance(user, FargateProfile) for user in used):
        needed.append("ec2")
        needed += ["eks-auth"] if cluster.facts.belonging(PodIdentity, cluster.resource.key) else []
    for name, services in _CONTROLLERS.items():
        needed += [one for one in services if software.runs(cluster, name) and one not in needed]
    missing = {service for subnet in isolated.values() for service in needed if not _reached(subnet, service)}
    if missing:
        names = ", ".join(service for service in needed if service in missing)
        return open_(f"has nodes or pods that cannot reach {names}", *(subnet.at() for subnet in isolated.values()))
    for subnet in (subnet for _, group in _compute_subnets(cluster) for subnet in group):
        if subnet.reach == "unknown":
            raise subnet.unseen
    return met(f"reaches {', '.join(needed)} inside the VPC", *(subnet.at() for subnet in isolated.values()))


_CONTROLLERS = {
    "karpenter": ("eks", "sqs", "ssm", "sts"),
    "aws-load-balancer-controller": ("elasticloadbalancing",),
    "cluster-autoscaler": ("autoscaling",),
}
"""What controllers call, beside EC2: karpenter.sh (private clusters), private-clusters.html."""


def isolated_subnets(cluster: Cluster) -> dict[str, Subnet]:
    """Returns the subnets of nodes and pods that have no way out, by their keys. Raises UnknownValue where none is seen and one may be."""
    subnets = [subnet for _, group in _compute_subnets(cluster) for subnet in group]
    isolated = {subnet.resource.key: subnet for subnet in subnets if subnet.reach == "isolated"}
    if not isolated and (blind := next((subnet for subnet in subnets if subnet.reach == "unknown"), None)):
        raise blind.unseen
    return isolated


def _compute_subnets(cluster: Cluster) -> Iterator[tuple[Fact, list[Subnet]]]:
    """Yields what runs pods, and its subnets. Raises UnknownValue for one that was not read."""
    groups: list[NodeGroup | FargateProfile] = [*cluster.node_groups, *cluster.fargate_profiles]
    for group in groups:
        yield group, subnets_at(group, "Subnets")
    for nodes in cluster.self_managed:
        yield nodes, subnets_at(nodes, "VPCZoneIdentifier")
    if cluster.auto_mode:
        yield cluster, subnets_at(cluster, "ResourcesVpcConfig.SubnetIds")


def _reached(subnet: Subnet, service: str) -> bool:
    """Whether an endpoint for a service serves a subnet. Raises UnknownValue where that cannot be seen."""
    if not subnet.vpc:
        raise UnknownValue(subnet.at("VpcId"), "the VPC and its endpoints were not read")
    blind: UnknownValue | None = None
    for endpoint in subnet.vpc.endpoints:
        try:
            name = str(endpoint.get("ServiceName", ""))
            if name.endswith(f".{service}") and _serves(endpoint, subnet):
                return True
        except UnknownValue as unknown:
            blind = unknown
    if blind:
        raise blind
    return False


def _serves(endpoint: Fact, subnet: Subnet) -> bool:
    """A gateway endpoint serves the route tables that it names, an interface endpoint the whole VPC."""
    if endpoint.get("VpcEndpointType", "Gateway") != "Gateway":
        return True
    tables = {key_of(item) for _, item in endpoint.resource.items("RouteTableIds")}
    associations = subnet.facts.pointing("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", subnet)
    return any(key_of(item.resource.maybe("RouteTableId")) in tables for item in associations)
