"""The route tables of a network, and the gateways that they lead to: internet, NAT, and the way out of IPv6."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.network_spec import NetworkSpec

ANYWHERE, ANYWHERE_IPV6 = "0.0.0.0/0", "::/0"


class Routes:
    """Makes the tables and gateways of a network: a table for each AZ, whatever ``nat`` says.

    Changing ``nat`` then changes routes, never a table.
    """

    def __init__(
        self,
        network: Construct,
        spec: NetworkSpec,
        *,
        vpc_id: str,
        subnets: Mapping[str, Sequence[ec2.CfnSubnet]],
        tags: Callable[[str], list[CfnTag]],
        egress: Construct,
    ) -> None:
        """Keeps what the tables need.

        Args:
            network: the scope of the tables of private, pod, control plane and isolated subnets.
            spec: what the file says.
            vpc_id: the VPC.
            subnets: by tier, in the order of the AZs.
            tags: returns those of the resource with this name.
            egress: the scope of gateways, of the routes to them, and of the other tables.
        """
        self._network, self._spec, self._vpc_id, self._subnets, self._tags = network, spec, vpc_id, subnets, tags
        self._egress = egress

    def make(self) -> list[str]:
        """Returns the ids of the tables that lead to the S3 gateway endpoint: those of the private subnets."""
        if self._spec.public_subnets:
            self._public()
        private = self._private()
        if local := self._subnets.get("local-zone"):
            # Not among the tables of the gateway endpoint: no page of AWS says that it serves a Local Zone. S3 is reached by NAT.
            table = self._table(self._egress, "LocalZoneRoutes", "local-zone", local)
            self._to_nat("LocalZoneDefaultRoute", table, self._nat_gateways[0])
        if self._spec.isolated_subnets:
            self._table(self._network, "IsolatedRoutes", "isolated", self._subnets["isolated"])
        return [table.ref for table in private]

    def _table(
        self, scope: Construct, construct_id: str, name: str, subnets: Sequence[ec2.CfnSubnet]
    ) -> ec2.CfnRouteTable:
        table = ec2.CfnRouteTable(scope, construct_id, vpc_id=self._vpc_id, tags=self._tags(name))
        for subnet in subnets:
            ec2.CfnSubnetRouteTableAssociation(
                scope, f"{subnet.node.id}Routes", subnet_id=subnet.ref, route_table_id=table.ref
            )
        return table

    def _to_nat(self, construct_id: str, table: ec2.CfnRouteTable, gateway: ec2.CfnNatGateway) -> None:
        ec2.CfnRoute(
            self._egress,
            construct_id,
            route_table_id=table.ref,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=gateway.ref,
        )

    @cached_property
    def _internet(self) -> tuple[ec2.CfnInternetGateway, ec2.CfnVPCGatewayAttachment]:
        gateway = ec2.CfnInternetGateway(self._egress, "InternetGateway", tags=self._tags("internet"))
        attachment = ec2.CfnVPCGatewayAttachment(
            self._egress, "InternetGatewayAttachment", vpc_id=self._vpc_id, internet_gateway_id=gateway.ref
        )
        return gateway, attachment

    @cached_property
    def _nat_gateways(self) -> list[ec2.CfnNatGateway]:
        count = {"none": 0, "one": 1, "per_az": self._spec.zone_count}[self._spec.nat]
        return [self._nat_gateway(index) for index in range(count if self._spec.public_subnets else 0)]

    def _public(self) -> None:
        table = self._table(self._egress, "PublicRoutes", "public", self._subnets["public"])
        gateway, attachment = self._internet
        routes = {"PublicDefaultRoute": {"destination_cidr_block": ANYWHERE}}
        if self._spec.ipv6:
            routes["PublicDefaultRoute6"] = {"destination_ipv6_cidr_block": ANYWHERE_IPV6}
        for construct_id, destination in routes.items():
            route = ec2.CfnRoute(
                self._egress, construct_id, route_table_id=table.ref, gateway_id=gateway.ref, **destination
            )
            route.node.add_dependency(attachment)

    def _private(self) -> list[ec2.CfnRouteTable]:
        gateways = self._nat_gateways
        egress6 = (
            ec2.CfnEgressOnlyInternetGateway(
                self._egress, "EgressOnlyGateway", vpc_id=self._vpc_id, tags=self._tags("egress-only")
            )
            if self._spec.ipv6 and gateways
            else None
        )
        tables = []
        for index, subnet in enumerate(self._subnets["private"]):
            beside = (self._subnets.get(tier, [])[index : index + 1] for tier in ("pods", "control-plane"))
            in_zone = [subnet, *(one for tier in beside for one in tier)]
            table = self._table(self._network, f"PrivateRoutes{index + 1}", f"private-{index + 1}", in_zone)
            tables.append(table)
            if gateways:
                self._to_nat(f"PrivateDefaultRoute{index + 1}", table, gateways[index % len(gateways)])
            if egress6:
                ec2.CfnRoute(
                    self._egress,
                    f"PrivateDefaultRoute6{index + 1}",
                    route_table_id=table.ref,
                    destination_ipv6_cidr_block=ANYWHERE_IPV6,
                    egress_only_internet_gateway_id=egress6.ref,
                )
        return tables

    def _nat_gateway(self, index: int) -> ec2.CfnNatGateway:
        address = ec2.CfnEIP(self._egress, f"NatAddress{index + 1}", domain="vpc", tags=self._tags(f"nat-{index + 1}"))
        gateway = ec2.CfnNatGateway(
            self._egress,
            f"NatGateway{index + 1}",
            subnet_id=self._subnets["public"][index].ref,
            allocation_id=address.attr_allocation_id,
            tags=self._tags(f"nat-{index + 1}"),
        )
        # It comes up once the VPC reaches the internet, and on deletion the attachment cannot go before it.
        gateway.node.add_dependency(self._internet[1])
        return gateway
