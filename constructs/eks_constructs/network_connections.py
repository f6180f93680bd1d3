"""How a VPC reaches other networks of yours: transit gateways, VPN gateways and peerings that exist, and resolver rules."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Annotated

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53resolver as resolver
from constructs import Construct, IDependable
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.construct_ids import pascal_case
from eks_constructs.endpoint import PrefixListId
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, pattern

GatewayId = Annotated[
    str,
    pattern(
        r"(tgw|vgw|pcx)-[0-9a-f]{8}([0-9a-f]{9})?",
        "must be the id of a transit gateway (tgw-...), a virtual private gateway (vgw-...) or a peering connection (pcx-...)",
    ),
]
ResolverRuleId = Annotated[
    str, pattern(r"rslvr-rr-[0-9a-z]{8,32}", "must be the id of a Route 53 Resolver rule: rslvr-rr-0123456789abcdef0")
]
Destination = Annotated[
    Annotated[PrefixListId, Tag("prefix_list")] | Annotated[Cidr, Tag("network")],
    Discriminator(lambda value: "prefix_list" if str(value).startswith("pl-") else "network"),
]
"""A network, or a managed prefix list."""


class ConnectionSpec(Spec):
    """A gateway that exists, and what it leads to. A transit or virtual private gateway is attached to the VPC; a peering is there."""

    gateway_id: GatewayId
    """Transit gateway (your own, or shared with the account and set to accept attachments by itself), virtual private gateway (of a
    VPN or Direct Connect), or active peering connection."""
    routes: Annotated[list[Destination], Field(min_length=1, max_length=50), AfterValidator(distinct_values)]
    """Networks behind it, or managed prefix lists of them: routes of the private and pod subnets. The other side needs routes back."""
    attach: bool = True
    """Attaches the VPC to a transit or virtual private gateway. Set it to false where your network team does: before a deploy makes
    the routes."""
    appliance_mode: bool = False
    """Keeps both directions of a connection in one AZ, for a firewall behind a transit gateway."""

    @property
    def kind(self) -> str:
        """`tgw`, `vgw` or `pcx`."""
        return self.gateway_id.partition("-")[0]

    @model_validator(mode="after")
    def _appliance(self) -> "ConnectionSpec":
        if self.appliance_mode and self.kind != "tgw":
            raise Misplaced("is a setting of transit gateways; remove it", "appliance_mode")
        if self.appliance_mode and not self.attach:
            raise Misplaced("is a setting of the attachment, which is not made here; remove it", "appliance_mode")
        if not self.attach and self.kind == "pcx":
            raise Misplaced("a peering connection is not attached; remove it", "attach")
        return self


def routed(connections: Sequence[ConnectionSpec], cidr: str) -> bool | None:
    """Returns whether ``connections`` lead to the network ``cidr``; None: a prefix list may, whose networks are not known here."""
    destinations = [one for connection in connections for one in connection.routes]
    if any(IPv4Network(cidr).subnet_of(IPv4Network(one)) for one in destinations if not one.startswith("pl-")):
        return True
    return None if any(one.startswith("pl-") for one in destinations) else False


def check_connections(connections: Sequence[ConnectionSpec], own: Sequence[str | None], *, internet: bool) -> None:
    """Raises Misplaced for what EC2 would refuse: a destination twice, one within the VPC, a second VPN gateway."""
    seen: dict[str, str] = {}
    gateways: set[str] = set()
    for index, one in enumerate(connections):
        if one.gateway_id in gateways:
            raise Misplaced("is in the list twice; put its routes together", "connections", index, "gateway_id")
        if one.kind == "vgw" and any(gateway.startswith("vgw") for gateway in gateways):
            raise Misplaced("a VPC takes one virtual private gateway; remove one", "connections", index, "gateway_id")
        gateways.add(one.gateway_id)
        for place, destination in enumerate(one.routes):
            where = ("connections", index, "routes", place)
            if destination in seen:
                raise Misplaced(f"{destination} leads to {seen[destination]} already; a table takes one route", *where)
            seen[destination] = one.gateway_id
            if destination == "0.0.0.0/0" and internet:
                raise Misplaced("is the route to the NAT gateway; set nat: none, or name networks of yours", *where)
            for taken in filter(None, own):
                if not destination.startswith("pl-") and IPv4Network(destination).subnet_of(IPv4Network(taken)):
                    raise Misplaced(
                        f"is within {taken}, a range of the VPC itself, which stays local; remove it", *where
                    )


class Connections(Construct):
    """Attachments, routes and resolver rules of a VPC."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        connections: Sequence[ConnectionSpec],
        resolver_rules: Sequence[str],
        *,
        name: str,
        vpc_id: str,
        subnet_ids: Sequence[str],
        route_table_ids: Sequence[str],
    ) -> None:
        """Attaches the gateways in ``subnet_ids`` (one in each AZ), and makes their routes in each of ``route_table_ids``."""
        super().__init__(scope, construct_id)
        self._name, self._vpc_id, self._subnet_ids = name, vpc_id, subnet_ids
        for connection in connections:
            attachment = self._attached(connection)
            for destination in connection.routes:
                # 10.1.0.0/16 is 10x1x0x0x16: without a letter between the numbers two networks could have one id.
                where = re.sub(r"[./]", "x", destination) if "/" in destination else pascal_case(destination)
                for number, table in enumerate(route_table_ids, start=1):
                    self._route(f"Route{number}To{where}", table, destination, connection, attachment)
        for rule in resolver_rules:
            resolver.CfnResolverRuleAssociation(
                self, pascal_case(rule), resolver_rule_id=rule, vpc_id=vpc_id, name=f"{name}-{rule}"[:64]
            )

    def _attached(self, connection: ConnectionSpec) -> IDependable | None:
        if not connection.attach:
            return None
        construct_id = pascal_case(connection.gateway_id)
        if connection.kind == "tgw":
            # Not TransitGatewayVpcAttachment, which an AZ more would replace.
            return ec2.CfnTransitGatewayAttachment(
                self,
                construct_id,
                transit_gateway_id=connection.gateway_id,
                vpc_id=self._vpc_id,
                subnet_ids=list(self._subnet_ids),
                options={"ApplianceModeSupport": "enable"} if connection.appliance_mode else None,
                tags=[CfnTag(key="Name", value=self._name)],
            )
        if connection.kind == "vgw":
            return ec2.CfnVPCGatewayAttachment(
                self, construct_id, vpc_id=self._vpc_id, vpn_gateway_id=connection.gateway_id
            )
        return None

    def _route(
        self, construct_id: str, table: str, destination: str, connection: ConnectionSpec, after: IDependable | None
    ) -> None:
        listed, gateway = destination.startswith("pl-"), connection.gateway_id
        route = ec2.CfnRoute(
            self,
            construct_id,
            route_table_id=table,
            destination_cidr_block=None if listed else destination,
            destination_prefix_list_id=destination if listed else None,
            transit_gateway_id=gateway if connection.kind == "tgw" else None,
            gateway_id=gateway if connection.kind == "vgw" else None,
            vpc_peering_connection_id=gateway if connection.kind == "pcx" else None,
        )
        if after is not None:
            route.node.add_dependency(after)
