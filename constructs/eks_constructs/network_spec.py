"""The spec of a network to make."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.network_connections import ConnectionSpec, ResolverRuleId, check_connections
from eks_constructs.network_plan import MAX_ZONES, secondary_cidr_problem
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values
from eks_constructs.vpc_endpoint_spec import Endpoint, distinct_endpoints
from eks_constructs.zone_names import LocalZoneName, ZoneName
from eks_facts.files import limit


def _vpc_size(value: str) -> str:
    low, high = limit("vpc_prefix_shortest"), limit("vpc_prefix_longest")
    if not low <= IPv4Network(value).prefixlen <= high:
        raise ValueError(
            f"must be between /{low} and /{high}: AWS takes no larger VPC, and subnets of a smaller one have no room for a cluster"
        )
    return value


class NetworkSpec(Spec):
    """A VPC made for an environment or for one cluster."""

    cidr: Annotated[Cidr, AfterValidator(_vpc_size)] = "10.0.0.0/16"
    """IPv4 range, /16 to /24. It can never change; more can be added (`pod_cidr`)."""
    availability_zones: Annotated[
        Annotated[int, Field(ge=2, le=MAX_ZONES), Tag("count")]
        | Annotated[
            list[ZoneName], Field(min_length=2, max_length=MAX_ZONES), AfterValidator(distinct_values), Tag("names")
        ],
        Discriminator(lambda value: "names" if isinstance(value, list) else "count"),
    ] = 3
    """How many AZs (the region's first ones), or their names in an order that stays. Name them where EKS cannot use all:
    us-east-1, us-west-1, ca-central-1. The control plane of a cluster keeps the AZs it began with (`control_plane.zones`)."""
    nat: Literal["none", "one", "per_az"] = "per_az"
    """NAT gateways: `per_az` survives the loss of an AZ, `one` is cheap, `none` leaves VPC endpoints as the only way out."""
    public_subnets: bool = True
    """Subnets with a route to the internet, for public load balancers and NAT gateways. No instance gets a public address in them."""
    isolated_subnets: bool = False
    """Subnets without any route out of the VPC, not even to S3, for databases and the like."""
    interface_endpoints: bool | None = None
    """Interface endpoints for what EKS needs (eks_facts/data/vpc_endpoints.yaml). Default: only without NAT."""
    additional_endpoints: Annotated[list[Endpoint], AfterValidator(distinct_endpoints)] = []
    """More VPC endpoints, by service name, such as `sqs`; or `{service: ...}`, for any service, with a policy. One that is made anyway
    gets the settings."""
    connections: list[ConnectionSpec] = []
    """Gateways to other networks of yours, and their routes."""
    resolver_rules: Annotated[list[ResolverRuleId], AfterValidator(distinct_values)] = []
    """Route 53 Resolver rules (of this account, or shared with it) for names of other networks: pods and nodes resolve them, too."""
    control_plane_cidr: Cidr | None = None
    """Secondary range, /24 to /26, for subnets of control planes' network interfaces alone, which then never compete with pods for
    addresses. A cluster can move to them later, as long as the AZs are the same."""
    local_zones: Annotated[list[LocalZoneName], Field(max_length=MAX_ZONES), AfterValidator(distinct_values)] = []
    """Local Zones with a subnet for nodes, in an order that stays. The account must have opted in to each
    (docs/network.md#local-zones)."""
    local_zone_cidr: Cidr | None = None
    """Secondary range, /16 to /24, for those subnets. A quarter of it is for each."""
    pod_cidr: Cidr | None = None
    """Secondary range for pods alone, such as 100.64.0.0/16: of managed nodes and of custom NodeClasses. Pods of Auto Mode's
    built-in pools and of Fargate stay in the private subnets."""
    ipv6: bool = False
    """Dual-stack subnets with an Amazon-provided IPv6 range. Clusters with `ip_family: ipv6` need it."""

    @model_validator(mode="after")
    def _consistent(self) -> "NetworkSpec":
        if self.nat != "none" and not self.public_subnets:
            raise Misplaced(
                f"nat: {self.nat} needs public_subnets: true (a NAT gateway needs a public subnet); or set nat: none",
                "public_subnets",
            )
        if not self.reaches_internet and self.interface_endpoints is False:
            raise Misplaced(
                "nat: none with interface_endpoints: false leaves nodes no way to reach EKS;"
                " set nat: one or per_az, or interface_endpoints: true",
                "interface_endpoints",
            )
        self._check_local_zones()
        if self.pod_cidr:
            if not limit("vpc_prefix_shortest") <= IPv4Network(self.pod_cidr).prefixlen <= limit("vpc_prefix_longest"):
                raise Misplaced("must be between /16 and /24", "pod_cidr")
            if problem := secondary_cidr_problem(self.cidr, self.pod_cidr):
                raise Misplaced(f"{problem}; choose another range", "pod_cidr")
        if self.control_plane_cidr:
            if not 24 <= IPv4Network(self.control_plane_cidr).prefixlen <= 26:
                raise Misplaced("must be between /24 and /26: it has a subnet for each AZ", "control_plane_cidr")
            problem = secondary_cidr_problem(self.cidr, self.control_plane_cidr)
            if self.pod_cidr and IPv4Network(self.control_plane_cidr).overlaps(IPv4Network(self.pod_cidr)):
                problem = f"overlaps {self.pod_cidr}, the range of pods"
            if problem:
                raise Misplaced(f"{problem}; choose another range", "control_plane_cidr")
        check_connections(self.connections, list(self.cidrs), internet=self.nat != "none")
        return self

    def _check_local_zones(self) -> None:
        if bool(self.local_zones) != bool(self.local_zone_cidr):
            there, missing = ("local_zones", "local_zone_cidr")[:: 1 if self.local_zones else -1]
            raise Misplaced(f"{there} needs {missing} too: add it, or remove {there}", missing)
        if not self.local_zone_cidr:
            return
        if (
            not limit("vpc_prefix_shortest")
            <= IPv4Network(self.local_zone_cidr).prefixlen
            <= limit("vpc_prefix_longest")
        ):
            raise Misplaced("must be between /16 and /24", "local_zone_cidr")
        problem = secondary_cidr_problem(self.cidr, self.local_zone_cidr)
        for other in filter(None, (self.pod_cidr, self.control_plane_cidr)):
            if IPv4Network(self.local_zone_cidr).overlaps(IPv4Network(other)):
                problem = f"overlaps {other}, another range of this VPC"
        if problem:
            raise Misplaced(f"{problem}; choose another range", "local_zone_cidr")
        reasons = {
            "availability_zones": isinstance(self.availability_zones, int)
            and "a Local Zone is of one region: name the AZs of that region here, too",
            "nat": self.nat == "none" and "nodes in a Local Zone leave by a NAT gateway: set one or per_az",
            "pod_cidr": bool(self.pod_cidr)
            and "there is no subnet for pods alone in a Local Zone: remove it, or local_zones",
            # https://docs.aws.amazon.com/local-zones/latest/ug/how-local-zones-work.html
            "ipv6": self.ipv6 and "most Local Zones have no IPv6: remove it, or local_zones",
        }
        for key, reason in reasons.items():
            if reason:
                raise Misplaced(reason, key)

    @property
    def cidrs(self) -> list[str]:
        """All its IPv4 ranges, the first one before those that are added."""
        return [*filter(None, (self.cidr, self.pod_cidr, self.control_plane_cidr, self.local_zone_cidr))]

    @property
    def reaches_internet(self) -> bool:
        """Whether nodes and pods have a way out: NAT gateways, or those of another network."""
        return self.nat != "none" or any("0.0.0.0/0" in one.routes for one in self.connections)

    @property
    def zone_count(self) -> int:
        """How many AZs the network spans."""
        return self.availability_zones if isinstance(self.availability_zones, int) else len(self.availability_zones)

    @property
    def zone_names(self) -> list[str] | None:
        """The names of its AZs; None: they are counted."""
        return self.availability_zones if isinstance(self.availability_zones, list) else None

    @property
    def zones_of_nodes(self) -> list[str] | None:
        """The names of its AZs and Local Zones; None: they are counted."""
        return None if self.zone_names is None else [*self.zone_names, *self.local_zones]
