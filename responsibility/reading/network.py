"""Facts about the network: VPCs, subnets, routes, gateways, security groups."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import partial
from typing import Literal

from responsibility.reading.facts import Fact, key_of
from responsibility.reading.partly_known import PartlyKnown, part, surely
from responsibility.reading.properties import Prop
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unread, all_known, unsaid

ANYWHERE = ("0.0.0.0/0", "::/0")
_WIDEST = {4: 8, 6: 16}
"""Prefix lengths of the largest ranges that one organisation has: wider ones let strangers in, 0.0.0.0/1 as 0.0.0.0/0 does."""
_LOCAL = ipaddress.IPv6Network("fc00::/7")
Reach = Literal["public", "private", "isolated", "unknown"]


def is_internet(block: object) -> bool:
    """Whether an address block is the internet, or so large a part of it that strangers are in it.

    Raises UnknownValue for one of which a part is not known.
    """
    if isinstance(block, PartlyKnown) and block.gaps:
        raise block.undecided()
    if not all_known(block):
        return False
    try:
        network = ipaddress.ip_network(block.strip(), strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_LOCAL):
        return False
    return network.prefixlen < _WIDEST[network.version]


def region_of_zone(zone: str) -> str:
    """Returns the region of the name of an Availability Zone; empty = it is none (a Local Zone's, or an index)."""
    return zone[:-1] if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", zone) else ""


class Vpc(Fact):
    """A virtual network: ``AWS::EC2::VPC``."""

    what = "VPC"
    cidr = Prop("CidrBlock", "")

    @property
    def subnets(self) -> list[Subnet]:
        """The subnets in it."""
        found = self.facts.pointing("AWS::EC2::Subnet", "VpcId", self)
        return [subnet for subnet in found if isinstance(subnet, Subnet)]

    @property
    def flow_logs(self) -> list[Fact]:
        """The flow logs that watch it."""
        return self.facts.pointing("AWS::EC2::FlowLog", "ResourceId", self)

    @property
    def endpoints(self) -> list[Fact]:
        """Its VPC endpoints."""
        return self.facts.pointing("AWS::EC2::VPCEndpoint", "VpcId", self)

    @property
    def nat_gateways(self) -> list[Fact]:
        """The NAT gateways in its subnets."""
        return [gateway for subnet in self.subnets for gateway in subnet.nat_gateways]

    @property
    def has_internet_gateway(self) -> bool:
        """Whether an internet gateway is attached."""
        attachments = self.facts.pointing("AWS::EC2::VPCGatewayAttachment", "VpcId", self)
        return any(item.resource.maybe("InternetGatewayId") for item in attachments)


class Subnet(Fact):
    """A part of a VPC in one Availability Zone: ``AWS::EC2::Subnet``."""

    what = "subnet"
    cidr = Prop("CidrBlock", "")
    public_addresses = Prop("MapPublicIpOnLaunch", False)

    @property
    def zone(self) -> str:
        """Its zone; ``AZ 1`` or ``AZ a`` where the account or region decides; empty where nothing says."""
        value = self.resource.maybe("AvailabilityZone", "") or self.resource.maybe("AvailabilityZoneId", "")
        return str(value).replace(part("AWS::Region"), "AZ ")

    @property
    def vpc(self) -> Vpc | None:
        """Its VPC, where the templates make it."""
        return self.facts.find(Vpc, self.resource.maybe("VpcId"))

    @property
    def addresses(self) -> int | None:
        """How many IPv4 addresses are free for use: AWS keeps five of each subnet. None = the block is not known."""
        if length := _port(self.resource.maybe("Ipv4NetmaskLength")):
            return int(2 ** (32 - length)) - 5
        try:
            return ipaddress.ip_network(str(self.resource.maybe("CidrBlock", "")), strict=False).num_addresses - 5
        except ValueError:
            return None

    @property
    def nat_gateways(self) -> list[Fact]:
        """The NAT gateways in it."""
        return self.facts.pointing("AWS::EC2::NatGateway", "SubnetId", self)

    @property
    def routes(self) -> list[Fact]:
        """The routes of its route table."""
        for association in self.facts.pointing("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", self):
            table = self.facts.get(Fact, key_of(association.resource.maybe("RouteTableId")))
            return self.facts.pointing("AWS::EC2::Route", "RouteTableId", table) if table else []
        return []

    def _led(self, route: Fact) -> Reach:
        """Where a route leads; a way to the internet that may not exist is unknown."""
        reach = _leads(route)
        may_lack = route.resource.conditional and not self.resource.conditional
        return "unknown" if reach == "public" and may_lack else reach

    def _may_have_other_routes(self, routes: list[Fact]) -> bool:
        """Whether a route, or what joins it to a route table, is not known."""
        stack, association = self.resource.stack, "AWS::EC2::SubnetRouteTableAssociation"
        tied = self.facts.pointing(association, "SubnetId", self)
        return bool(
            self.facts.untold(association, "SubnetId", stack)
            or self.facts.untold("AWS::EC2::Route", "RouteTableId", stack)
            or any(unsaid(one.resource.properties.get("RouteTableId")) for one in tied)
            or any(unsaid(route.resource.properties.get(key)) for route in routes for key in _DESTINATIONS)
        )

    @property
    def unseen(self) -> UnknownValue:
        """Why its reach is unknown."""
        try:
            self.get("Routes")  # an account may not tell them
        except UnknownValue as unknown:
            return unknown
        if route := next((one for one in self.routes if one.resource.conditional), None):
            return UnknownValue(route.at(), f"{route.words} may not exist: {route.resource.conditional}")
        return UnknownValue(self.at(), "its routes were not read")

    @property
    def reach(self) -> Reach:
        """``public``: a route to an internet gateway; ``private``: to a NAT or transit gateway; ``isolated``: neither."""
        routes = self.routes
        if not routes and not self.facts.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            return "unknown"
        out = [route for route in routes if surely(partial(is_internet, destination_of(route)))]
        found = {self._led(route) for route in out}
        if "public" not in found and self._may_have_other_routes(routes):
            return "unknown"
        order: tuple[Reach, ...] = ("public", "unknown", "private")
        return next((reach for reach in order if reach in found), "isolated")


def raise_untold(vpc: Vpc) -> None:
    """Raises UnknownValue for a subnet that may be in a VPC, for one without known routes, and for one that EKS is given unnamed."""
    stack = vpc.resource.stack
    for kind, path in (
        ("AWS::EC2::Subnet", "VpcId"),
        ("AWS::EC2::SubnetRouteTableAssociation", "SubnetId"),
        ("AWS::EC2::Route", "RouteTableId"),
    ):
        if unknown := vpc.facts.untold(kind, path, stack):
            raise unknown
    for cluster in vpc.facts.of_type("AWS::EKS::Cluster"):
        cluster.resource.items("ResourcesVpcConfig.SubnetIds")
    for subnet in vpc.subnets:
        if subnet.reach == "unknown":
            raise subnet.unseen


def subnets_at(fact: Fact, path: str) -> list[Subnet]:
    """Returns every subnet that a property names. Raises UnknownValue for one that was not read."""
    found = []
    for at, item in fact.resource.items(path):
        subnet = fact.facts.find(Subnet, item)
        if not subnet:
            raise UnknownValue(fact.at(at), f"{item} was not read")
        found.append(subnet)
    return found


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")


def destination_of(route: Fact) -> object:
    """Returns the addresses that a route is for: a block, a prefix list; None where that is not known."""
    return route.resource.maybe("DestinationCidrBlock") or route.resource.maybe("DestinationIpv6CidrBlock")


def _leads(route: Fact) -> Reach:
    """Returns what a default route makes of its subnet."""
    try:
        target = route.get("GatewayId")
    except UnknownValue:
        return "unknown"
    if target is None:
        return "private"
    gateway = route.facts.find(Fact, target)
    to_vpn = str(target).startswith("vgw-") or (gateway and gateway.resource.type == "AWS::EC2::VPNGateway")
    return "private" if to_vpn else "public"


@dataclass(frozen=True, slots=True)
class Rule:
    """One opening of a security group."""

    protocol: str
    from_port: int | None
    to_port: int | None
    source: object
    """CIDR block as text, a reference to a group, or another value."""
    path: str
    owner: Fact
    """The resource that has it: the group or a separate rule."""

    @property
    def ports(self) -> str:
        """The ports in words."""
        if self.protocol == "-1":
            return "all ports"
        if self.from_port is None or self.from_port == self.to_port:
            return f"port {self.from_port}" if self.from_port is not None else f"all of {self.protocol}"
        return f"ports {self.from_port}-{self.to_port}"


class SecurityGroup(Fact):
    """A firewall of network interfaces: ``AWS::EC2::SecurityGroup``."""

    what = "security group"

    @property
    def ingress(self) -> list[Rule]:
        """What it lets in: its own rules and separate ones. Raises UnknownValue."""
        rules, unknown = self.ingress_seen
        if unknown:
            raise unknown
        return rules

    @property
    def ingress_seen(self) -> tuple[list[Rule], UnknownValue | None]:
        """The rules that are known, and the first that is not: one that is open is answer enough."""
        rules, unknown = _rules_seen(self, "SecurityGroupIngress")
        return [*rules, *ingress_beside(self)], unknown

    @property
    def egress(self) -> list[Rule]:
        """What it lets out, as far as it says: its own rules and separate ones; none: everything. Raises UnknownValue."""
        beside = self.facts.pointing("AWS::EC2::SecurityGroupEgress", "GroupId", self)
        return [
            *_rules(self, "SecurityGroupEgress"),
            *(_rule(rule, rule.resource.properties, "") for rule in beside),
        ]


def ingress_beside(group: Fact) -> list[Rule]:
    """Returns the separate ingress rules of a security group, or of the one that EKS creates for a cluster."""
    beside = group.facts.pointing("AWS::EC2::SecurityGroupIngress", "GroupId", group)
    return [_rule(rule, rule.resource.properties, "") for rule in beside]


def _rules(group: SecurityGroup, path: str) -> list[Rule]:
    rules, unknown = _rules_seen(group, path)
    if unknown:
        raise unknown
    return rules


def _rules_seen(group: SecurityGroup, path: str) -> tuple[list[Rule], UnknownValue | None]:
    try:
        items, first = group.resource.items_seen(path)
    except UnknownValue as unknown:
        return [], unknown
    rules = []
    for at, values in items:
        try:
            if not isinstance(values, dict):
                raise UnknownValue(group.at(at), "is not a rule")
            rules.append(_rule(group, values, at))
        except UnknownValue as unknown:
            first = first or unknown
    return rules, first


_SOURCES = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourcePrefixListId", "DestinationSecurityGroupId")


def _rule(owner: Fact, values: dict[str, object], path: str) -> Rule:
    source = next((values[key] for key in _SOURCES if key in values), None)
    if isinstance(values, Unread) and not (source and "IpProtocol" in values):
        raise UnknownValue(owner.at(path), values[""].reason)
    return Rule(
        protocol=str(values.get("IpProtocol", "-1")),
        from_port=_port(values.get("FromPort")),
        to_port=_port(values.get("ToPort")),
        source=source,
        path=path,
        owner=owner,
    )


def _port(value: object) -> int | None:
    # A number of thousands of digits is not a port, and Python refuses to read it.
    return int(str(value)) if re.fullmatch(r"-?\d{1,9}", str(value)) else None
