"""Networks outside of the VPC that belong to a cluster all the same: their ranges, and the way there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct
from pydantic import model_validator

from eks_constructs.spec import Spec, resource_id


class GatewaySpec(Spec):
    """The gateway that connects the VPC with a site. You provide the connection behind it: a VPN, or Direct Connect."""

    transit_gateway_id: Annotated[str, resource_id("tgw", "a transit gateway")] | None = None
    """A transit gateway. One of another account must be shared with this one and accept attachments by itself."""
    virtual_private_gateway_id: Annotated[str, resource_id("vgw", "a virtual private gateway")] | None = None
    """A virtual private gateway that no VPC has yet: it is attached to this one."""
    attach: bool = True
    """Attaches the VPC to the gateway. Set it to false if your network team does: routes are then for a deploy after that."""

    @model_validator(mode="after")
    def _one(self) -> "GatewaySpec":
        if bool(self.transit_gateway_id) == bool(self.virtual_private_gateway_id):
            found = "both are there" if self.transit_gateway_id else "neither is there"
            raise ValueError(f"names one gateway: transit_gateway_id or virtual_private_gateway_id; {found}")
        return self

    @property
    def id(self) -> str:
        """Id of the gateway."""
        return str(self.transit_gateway_id or self.virtual_private_gateway_id)


@dataclass(frozen=True)
class RemoteNetworks:
    """The ranges of a cluster's nodes and pods outside of its VPC; without any, the cluster has let go of those it had."""

    nodes: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    gateway: GatewaySpec | None = None
    """None: somebody else routes."""
    routed: tuple[str, ...] = ()
    """The ranges among them that get routes to the gateway."""

    @property
    def ranges(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.nodes, *self.pods)


def id_of(cidr: str) -> str:
    """Returns a range as part of a logical id: without a letter between the numbers two ranges could have one id."""
    return re.sub(r"[./]", "x", cidr)


def add_routes(
    scope: Construct,
    remotes: Sequence[RemoteNetworks],
    *,
    name: str,
    vpc_id: str,
    subnet_ids: Sequence[str],
    tables: Sequence[tuple[str, str]],
) -> None:
    """Attaches the VPC to the gateways of ``remotes``, and makes a route to each of their ranges in each table.

    Args:
        scope: parent of the resources.
        remotes: of the clusters in the VPC; those of two clusters agree where they overlap (stacks/environment/model.py).
        name: of the network, for the name of an attachment.
        vpc_id: the VPC.
        subnet_ids: one subnet in each AZ, for the network interfaces of a transit gateway.
        tables: name and id of each route table.
    """
    attached: dict[str, Construct] = {}
    made: set[str] = set()
    for remote in remotes:
        gateway = remote.gateway
        if gateway is None:
            continue
        if gateway.attach and gateway.id not in attached:
            attached[gateway.id] = _attachment(scope, gateway, name, vpc_id, subnet_ids)
        for cidr in remote.routed:
            if cidr in made:
                continue
            made.add(cidr)
            for table, table_id in tables:
                route = ec2.CfnRoute(
                    scope,
                    f"RouteTo{id_of(cidr)}{table}",
                    route_table_id=table_id,
                    destination_cidr_block=cidr,
                    transit_gateway_id=gateway.transit_gateway_id,
                    gateway_id=gateway.virtual_private_gateway_id,
                )
                if attachment := attached.get(gateway.id):
                    # EC2 refuses a route to a gateway that the VPC is not attached to.
                    route.node.add_dependency(attachment)


def _attachment(scope: Construct, gateway: GatewaySpec, name: str, vpc_id: str, subnet_ids: Sequence[str]) -> Construct:
    where = gateway.id.replace("-", "").capitalize()
    if gateway.virtual_private_gateway_id:
        return ec2.CfnVPCGatewayAttachment(
            scope, f"AttachmentTo{where}", vpc_id=vpc_id, vpn_gateway_id=gateway.virtual_private_gateway_id
        )
    return ec2.CfnTransitGatewayAttachment(
        scope,
        f"AttachmentTo{where}",
        transit_gateway_id=gateway.id,
        vpc_id=vpc_id,
        subnet_ids=list(subnet_ids),
        tags=[CfnTag(key="Name", value=f"{name}-{gateway.id}")],
    )
