"""The VPC of clusters: subnets over several AZs, NAT, endpoints, flow logs. All of it is the customer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import CfnRule, CfnRuleAssertion, CfnTag, Fn, Stack, Token
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.default_security_group import dress_function
from eks_constructs.network_connections import Connections
from eks_constructs.network_plan import MAX_ZONES, slots, subnet_cidrs
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec, allow, arn, from_source, role, trust_service
from eks_constructs.vpc_endpoints import VpcEndpoints
from eks_facts.files import load

NETWORK_TAG = "eks-platform/network"
TIER_TAG = "eks-platform/tier"
LOCAL_ZONE_TAG = "eks-platform/local-zone"
TIERS_IN_IPV6 = ("public", "private", "isolated", "pods", "control-plane")
"""Order of the tiers in the VPC's IPv6 range: it never changes, a new one comes last."""


@dataclass(frozen=True)
class NetworkLogGroups:
    """Names of the log groups that a network writes to; they exist before it does."""

    flow_logs: str
    default_security_group: str
    """Of the CDK's function that empties the default security group."""


class Network(Construct):
    """A VPC with its subnets, NAT gateways, endpoints, flow logs, and a default security group without rules.

    Attributes:
        vpc: the VPC (L2, without knowledge of the subnets below).
        subnets: the L1 subnets by tier (``public``, ``private``, ``isolated``, ``pods``), in the order of the AZs.
        cluster_network: what clusters take from it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: NetworkSpec,
        *,
        name: str,
        iam: IamSpec,
        log_groups: NetworkLogGroups,
        tags: Mapping[str, str],
        clients: Sequence[str] = (),
    ) -> None:
        """Makes the network ``name``; its logs go to existing log groups. ``tags`` are those of every resource.

        ``clients``: networks outside of the VPC whose hosts may use its endpoints.
        """
        super().__init__(scope, construct_id)
        self._spec, self._name = spec, name
        # The L2 VPC empties the default security group through the CDK's custom resource; CloudFormation alone cannot.
        # Its subnets are made below, because the L2 plan moves CIDRs when an AZ is added and knows two AZs at most
        # while the region is not known.
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=name,
            ip_addresses=ec2.IpAddresses.cidr(spec.cidr),
            subnet_configuration=[],
            nat_gateways=0,
            create_internet_gateway=False,
            restrict_default_security_group=True,
        )
        dress_function(self, name=name, iam=iam, log_group=log_groups.default_security_group, tags=tags)
        if isinstance(spec.availability_zones, int) and Token.is_unresolved(Stack.of(self).region):
            self._refuse_regions_where_zones_must_be_named()
        self._ipv6 = self._ipv6_block() if spec.ipv6 else None
        self._internet = self._internet_gateway() if spec.public_subnets else None

        cidrs = subnet_cidrs(spec.cidr)
        self.subnets: dict[str, list[ec2.CfnSubnet]] = {}
        if spec.public_subnets:
            self.subnets["public"] = self._tier("public", cidrs["public"], {"kubernetes.io/role/elb": "1"})
        self.subnets["private"] = self._tier("private", cidrs["private"], {"kubernetes.io/role/internal-elb": "1"})
        if spec.isolated_subnets:
            self.subnets["isolated"] = self._tier("isolated", cidrs["isolated"], {})
        if spec.pod_cidr:
            self.subnets["pods"] = self._secondary_tier("pods", spec.pod_cidr, "PodCidr")
        if spec.control_plane_cidr:
            self.subnets["control-plane"] = self._secondary_tier(
                "control-plane", spec.control_plane_cidr, "ControlPlaneCidr"
            )

        local = self._local_zones(spec.local_zones, spec.local_zone_cidr) if spec.local_zone_cidr else {}

        private_tables = self._routes()
        if spec.connections or spec.resolver_rules:
            Connections(
                self,
                "Connections",
                spec.connections,
                spec.resolver_rules,
                name=name,
                vpc_id=self.vpc.vpc_id,
                subnet_ids=[subnet.ref for subnet in self.subnets["private"]],
                route_table_ids=private_tables,
            )
        self.endpoints = VpcEndpoints(
            self,
            "Endpoints",
            name=name,
            vpc_id=self.vpc.vpc_id,
            client_cidrs=[
                *spec.cidrs,
                *clients,
            ],
            subnet_ids=[subnet.ref for subnet in self.subnets["private"]],
            route_table_ids=private_tables,
            defaults=spec.nat == "none" if spec.interface_endpoints is None else spec.interface_endpoints,
            additional=spec.additional_endpoints,
        )
        self._flow_logs(iam, log_groups.flow_logs)
        self.cluster_network = ClusterNetwork(
            vpc_id=self.vpc.vpc_id,
            private_subnet_ids=[subnet.ref for subnet in self.subnets["private"]],
            subnet_of_each_zone=[subnet.ref for subnet in self.subnets["private"]],
            subnet_selector=[{"tags": {NETWORK_TAG: name, TIER_TAG: "private"}}],
            pod_subnets=[(subnet.attr_availability_zone, subnet.ref) for subnet in self.subnets.get("pods", [])],
            pod_subnet_selector=[{"tags": {NETWORK_TAG: name, TIER_TAG: "pods"}}] if spec.pod_cidr else [],
            control_plane_subnet_ids=[subnet.ref for subnet in self.subnets.get("control-plane", [])],
            zones=spec.availability_zones if isinstance(spec.availability_zones, list) else None,
            local_subnets={zone: subnet.ref for zone, subnet in local.items()},
            local_selectors={zone: {"tags": {NETWORK_TAG: name, LOCAL_ZONE_TAG: zone}} for zone in local},
        )

    def _refuse_regions_where_zones_must_be_named(self) -> None:
        """Lets CloudFormation say, before it makes anything, what the synth says where it knows the region."""
        without = load("availability_zones")["without_eks"]
        rule = CfnRule(
            self,
            "CountedZones",
            assertions=[
                CfnRuleAssertion(
                    assert_=Fn.condition_not(Fn.condition_contains(list(without), Aws.REGION)),
                    assert_description=f"EKS cannot use every AZ of {', '.join(without)}, and this network counts AZs:"
                    " set region and name availability_zones in the environment file",
                )
            ],
        )
        rule.override_logical_id("CountedZones")

    def _tags(self, name: str, more: Mapping[str, str] | None = None) -> list[CfnTag]:
        tags = {"Name": f"{self._name}-{name}", **(more or {})}
        return [CfnTag(key=key, value=value) for key, value in tags.items()]

    def _ipv6_block(self) -> ec2.CfnVPCCidrBlock:
        return ec2.CfnVPCCidrBlock(self, "Ipv6Block", vpc_id=self.vpc.vpc_id, amazon_provided_ipv6_cidr_block=True)

    def _internet_gateway(self) -> ec2.CfnInternetGateway:
        gateway = ec2.CfnInternetGateway(self, "InternetGateway", tags=self._tags("internet"))
        self._attachment = ec2.CfnVPCGatewayAttachment(
            self, "InternetGatewayAttachment", vpc_id=self.vpc.vpc_id, internet_gateway_id=gateway.ref
        )
        return gateway

    def _zone(self, index: int) -> str:
        zones = self._spec.availability_zones
        return Fn.select(index, Fn.get_azs()) if isinstance(zones, int) else zones[index]

    def _tier(
        self, tier: str, cidrs: list[str], tags: Mapping[str, str], after: Construct | None = None
    ) -> list[ec2.CfnSubnet]:
        return [
            self._subnet(tier, index, self._zone(index), cidrs[index], tags, after)
            for index in range(self._spec.zone_count)
        ]

    def _subnet(
        self, tier: str, index: int, zone: str, cidr: str, tags: Mapping[str, str], after: Construct | None
    ) -> ec2.CfnSubnet:
        subnet = ec2.CfnSubnet(
            self,
            f"{pascal_case(tier)}Subnet{index + 1}",
            vpc_id=self.vpc.vpc_id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            # One /64 for each subnet of the VPC's /56; the tier's place in this list never moves.
            ipv6_cidr_block=Fn.select(
                TIERS_IN_IPV6.index(tier) * MAX_ZONES + index,
                Fn.cidr(Fn.select(0, self.vpc.vpc_ipv6_cidr_blocks), len(TIERS_IN_IPV6) * MAX_ZONES, "64"),
            )
            if self._ipv6
            else None,
            # Nodes of an IPv6 cluster need an address at once; load balancers in public subnets ask for theirs.
            assign_ipv6_address_on_creation=tier in ("private", "control-plane") if self._ipv6 else None,
            tags=self._tags(f"{tier}-{index + 1}", {NETWORK_TAG: self._name, TIER_TAG: tier, **tags}),
        )
        for needed in (self._ipv6, after):
            if needed is not None:
                subnet.node.add_dependency(needed)
        return subnet

    def _secondary_tier(self, tier: str, cidr: str, block_id: str) -> list[ec2.CfnSubnet]:
        block = ec2.CfnVPCCidrBlock(self, block_id, vpc_id=self.vpc.vpc_id, cidr_block=cidr)
        return self._tier(tier, slots(cidr), {}, after=block)

    def _local_zones(self, zones: Sequence[str], cidr: str) -> dict[str, ec2.CfnSubnet]:
        """Returns the subnet of each Local Zone. https://docs.aws.amazon.com/eks/latest/userguide/local-zones.html.

        They have no tag of load balancers: those that spread over AZs take no subnet of another kind of zone.
        """
        block = ec2.CfnVPCCidrBlock(self, "LocalZoneCidr", vpc_id=self.vpc.vpc_id, cidr_block=cidr)
        subnets = {
            zone: self._subnet("local-zone", index, zone, of_zone, {LOCAL_ZONE_TAG: zone}, block)
            for index, (zone, of_zone) in enumerate(zip(zones, slots(cidr), strict=False))
        }
        self.subnets["local-zone"] = list(subnets.values())
        return subnets

    def _table(self, construct_id: str, name: str, subnets: list[ec2.CfnSubnet]) -> ec2.CfnRouteTable:
        table = ec2.CfnRouteTable(self, construct_id, vpc_id=self.vpc.vpc_id, tags=self._tags(name))
        for subnet in subnets:
            ec2.CfnSubnetRouteTableAssociation(
                self, f"{subnet.node.id}Routes", subnet_id=subnet.ref, route_table_id=table.ref
            )
        return table

    def _routes(self) -> list[str]:
        """Makes the route tables; returns the ids of those that lead to the S3 gateway endpoint."""
        spec = self._spec
        gateways: list[ec2.CfnNatGateway] = []
        if self._internet:
            public = self._table("PublicRoutes", "public", self.subnets["public"])
            routes = [
                ec2.CfnRoute(
                    self,
                    "PublicDefaultRoute",
                    route_table_id=public.ref,
                    destination_cidr_block="0.0.0.0/0",
                    gateway_id=self._internet.ref,
                )
            ]
            if self._ipv6:
                routes.append(
                    ec2.CfnRoute(
                        self,
                        "PublicDefaultRoute6",
                        route_table_id=public.ref,
                        destination_ipv6_cidr_block="::/0",
                        gateway_id=self._internet.ref,
                    )
                )
            for route in routes:
                route.node.add_dependency(self._attachment)
            gateways = [
                self._nat_gateway(index) for index in range({"none": 0, "one": 1, "per_az": spec.zone_count}[spec.nat])
            ]

        egress6 = (
            ec2.CfnEgressOnlyInternetGateway(
                self, "EgressOnlyGateway", vpc_id=self.vpc.vpc_id, tags=self._tags("egress-only")
            )
            if self._ipv6 and gateways
            else None
        )
        tables = []
        for index, subnet in enumerate(self.subnets["private"]):
            # One table in each AZ whatever `nat` says: changing it then changes routes, never a table.
            in_zone = [
                subnet,
                *(one for tier in ("pods", "control-plane") for one in self.subnets.get(tier, [])[index : index + 1]),
            ]
            table = self._table(f"PrivateRoutes{index + 1}", f"private-{index + 1}", in_zone)
            tables.append(table.ref)
            if gateways:
                gateway = gateways[index % len(gateways)]
                ec2.CfnRoute(
                    self,
                    f"PrivateDefaultRoute{index + 1}",
                    route_table_id=table.ref,
                    destination_cidr_block="0.0.0.0/0",
                    nat_gateway_id=gateway.ref,
                )
            if egress6:
                ec2.CfnRoute(
                    self,
                    f"PrivateDefaultRoute6{index + 1}",
                    route_table_id=table.ref,
                    destination_ipv6_cidr_block="::/0",
                    egress_only_internet_gateway_id=egress6.ref,
                )
        if local := self.subnets.get("local-zone"):
            # Not among the tables of the gateway endpoint: no page of AWS says that it serves a Local Zone. S3 is reached by NAT.
            table = self._table("LocalZoneRoutes", "local-zone", local)
            ec2.CfnRoute(
                self,
                "LocalZoneDefaultRoute",
                route_table_id=table.ref,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[0].ref,
            )
        if spec.isolated_subnets:
            self._table("IsolatedRoutes", "isolated", self.subnets["isolated"])
        return tables

    def _nat_gateway(self, index: int) -> ec2.CfnNatGateway:
        address = ec2.CfnEIP(self, f"NatAddress{index + 1}", domain="vpc", tags=self._tags(f"nat-{index + 1}"))
        gateway = ec2.CfnNatGateway(
            self,
            f"NatGateway{index + 1}",
            subnet_id=self.subnets["public"][index].ref,
            allocation_id=address.attr_allocation_id,
            tags=self._tags(f"nat-{index + 1}"),
        )
        # It comes up once the VPC reaches the internet, and on deletion the attachment cannot go before it.
        gateway.node.add_dependency(self._attachment)
        return gateway

    def _flow_logs(self, iam: IamSpec, log_group: str) -> None:
        group_arn = arn("logs", f"log-group:{log_group}")
        writer = role(
            self,
            "FlowLogRole",
            spec=iam,
            name=f"{self._name}-flow-logs",
            description=f"Lets VPC flow logs of {self._name} write to their log group",
            trust=trust_service(
                "vpc-flow-logs.amazonaws.com",
                conditions=from_source(arn("ec2", "vpc-flow-log/*")),
            ),
            statements=[
                # ":*" are the log streams of this one group.
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    [group_arn, f"{group_arn}:*"],
                    sid="WriteToTheLogGroup",
                ),
                # DescribeLogGroups lists all groups or none: it takes no single group.
                allow(
                    ["logs:DescribeLogGroups"],
                    [arn("logs", "log-group:*")],
                    sid="FindTheLogGroup",
                ),
            ],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=log_group,
            deliver_logs_permission_arn=writer.attr_arn,
            max_aggregation_interval=600,
            tags=self._tags("flow-logs"),
        )
