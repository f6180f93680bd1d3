"""The VPC of clusters: subnets over several AZs, NAT, endpoints, flow logs. All of it is the customer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import CfnRule, CfnRuleAssertion, CfnTag, Fn, Stack, Token
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.default_security_group import dress_function
from eks_constructs.flow_logs import flow_logs
from eks_constructs.network_connections import Connections
from eks_constructs.network_plan import MAX_ZONES, slots, subnet_cidrs
from eks_constructs.network_routes import Routes
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec
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
        egress: Construct | None = None,
    ) -> None:
        """Makes the network ``name``; its logs go to existing log groups. ``tags`` are those of every resource.

        Args:
            clients: networks outside of the VPC whose hosts may use its endpoints.
            egress: the scope of what leads out of the VPC and takes minutes: public subnets, gateways, endpoints,
                connections, Local Zones. A control plane needs none of it, so it can be another stack. Default: this.
        """
        super().__init__(scope, construct_id)
        self._spec, self._name, self._egress = spec, name, egress or self
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

        routes = Routes(self, spec, vpc_id=self.vpc.vpc_id, subnets=self.subnets, tags=self._tags, egress=self._egress)
        private_tables = routes.make()
        if spec.connections or spec.resolver_rules:
            Connections(
                self._egress,
                "Connections",
                spec.connections,
                spec.resolver_rules,
                name=name,
                vpc_id=self.vpc.vpc_id,
                subnet_ids=[subnet.ref for subnet in self.subnets["private"]],
                route_table_ids=private_tables,
            )
        VpcEndpoints(
            self._egress,
            "Endpoints",
            name=name,
            vpc_id=self.vpc.vpc_id,
            client_cidrs=[*spec.cidrs, *clients],
            subnet_ids=[subnet.ref for subnet in self.subnets["private"]],
            route_table_ids=private_tables,
            defaults=spec.nat == "none" if spec.interface_endpoints is None else spec.interface_endpoints,
            additional=spec.additional_endpoints,
        )
        flow_logs(
            self,
            name=name,
            iam=iam,
            vpc_id=self.vpc.vpc_id,
            log_group=log_groups.flow_logs,
            tags=self._tags("flow-logs"),
        )
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
            self._egress if tier in ("public", "local-zone") else self,
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
        block = ec2.CfnVPCCidrBlock(self._egress, "LocalZoneCidr", vpc_id=self.vpc.vpc_id, cidr_block=cidr)
        subnets = {
            zone: self._subnet("local-zone", index, zone, of_zone, {LOCAL_ZONE_TAG: zone}, block)
            for index, (zone, of_zone) in enumerate(zip(zones, slots(cidr), strict=False))
        }
        self.subnets["local-zone"] = list(subnets.values())
        return subnets
