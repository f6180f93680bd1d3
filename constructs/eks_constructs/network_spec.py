"""Specs of a network: one to make, or an existing one."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.network_plan import MAX_ZONES, secondary_cidr_problem
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, pattern, repeated, resource_id
from eks_facts.files import limit, load

ZoneName = Annotated[
    str,
    pattern(r"[a-z]{2,4}(-[a-z]{1,20}){1,3}-\d[a-h]", "must be the name of an Availability Zone, such as eu-west-1a"),
]
SubnetId = Annotated[str, resource_id("subnet", "a subnet")]


MIN_SUBNETS = 2
"""Of a cluster, in different AZs: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html."""


def _vpc_size(value: str) -> str:
    low, high = limit("vpc_prefix_shortest"), limit("vpc_prefix_longest")
    if not low <= IPv4Network(value).prefixlen <= high:
        raise ValueError(
            f"must be between /{low} and /{high}: AWS takes no larger VPC, and subnets of a smaller one have no room for a cluster"
        )
    return value


def _size_of_any_vpc(value: str) -> str:
    low, high = limit("vpc_prefix_shortest"), limit("vpc_prefix_smallest")
    if not low <= IPv4Network(value).prefixlen <= high:
        raise ValueError(f"must be between /{low} and /{high}, as every VPC is")
    return value


def zone_advice(region: str) -> str:
    """Returns how to find the zones that EKS can use in a region where it cannot use all."""
    zone = load("availability_zones")["without_eks"][region]
    return (
        f"EKS cannot use the AZ with id {zone}, whose name differs from account to account: name the zones in availability_zones"
        f" (aws ec2 describe-availability-zones --region {region} --query"
        f" \"AvailabilityZones[?ZoneId!='{zone}'].ZoneName\" lists those to choose from)"
    )


EndpointService = Annotated[
    str, Field(json_schema_extra=lambda schema: schema.update(enum=list(load("vpc_endpoints")["interface"])))
]
"""An AWS service with an interface endpoint (eks_facts/data/vpc_endpoints.yaml)."""


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
    additional_endpoints: Annotated[list[EndpointService], AfterValidator(distinct_values)] = []
    """More interface endpoints, by service name, such as `sqs`."""
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
        if self.nat == "none" and self.interface_endpoints is False:
            raise Misplaced(
                "nat: none with interface_endpoints: false leaves nodes no way to reach EKS;"
                " set nat: one or per_az, or interface_endpoints: true",
                "interface_endpoints",
            )
        if self.pod_cidr:
            if not limit("vpc_prefix_shortest") <= IPv4Network(self.pod_cidr).prefixlen <= limit("vpc_prefix_longest"):
                raise Misplaced("must be between /16 and /24", "pod_cidr")
            if problem := secondary_cidr_problem(self.cidr, self.pod_cidr):
                raise Misplaced(f"{problem}; choose another range", "pod_cidr")
        services = load("vpc_endpoints")["interface"]
        for index, name in enumerate(self.additional_endpoints):
            if name not in services:
                raise Misplaced(f"must be one of {', '.join(services)}", "additional_endpoints", index)
        return self

    @property
    def reaches_internet(self) -> bool:
        """Whether nodes and pods have a way out."""
        return self.nat != "none"

    @property
    def zone_count(self) -> int:
        """How many AZs the network spans."""
        return self.availability_zones if isinstance(self.availability_zones, int) else len(self.availability_zones)

    @property
    def zone_names(self) -> list[str] | None:
        """The names of its AZs; None: they are counted."""
        return self.availability_zones if isinstance(self.availability_zones, list) else None


class SubnetSpec(Spec):
    """A subnet of an existing VPC, and where it is."""

    availability_zone: ZoneName
    """Name of the AZ that the subnet is in, such as `eu-west-1a`."""
    subnet_id: SubnetId
    """Id of the subnet."""


def _distinct_subnets(subnets: list[SubnetSpec]) -> list[SubnetSpec]:
    if (index := repeated(subnet.subnet_id for subnet in subnets)) is not None:
        raise Misplaced(f"{subnets[index].subnet_id} is in the list twice; remove one", index, "subnet_id")
    return subnets


class ExistingNetworkSpec(Spec):
    """A VPC that somebody else made, by ids: nothing is looked up. Its subnets must carry the tags load balancers look for."""

    vpc_id: Annotated[str, resource_id("vpc", "a VPC")]
    """Id of the VPC."""
    cidr: Annotated[Cidr, AfterValidator(_size_of_any_vpc)]
    """The VPC's primary IPv4 range, /16 to /28."""
    private_subnet_ids: Annotated[list[SubnetId], AfterValidator(distinct_values)] = []
    """Subnets for the control plane's network interfaces, nodes and Fargate pods, in at least two AZs."""
    private_subnets: Annotated[list[SubnetSpec], AfterValidator(_distinct_subnets)] = []
    """The same, with the AZ of each: in place of `private_subnet_ids`, where something must know it (a file system of a workload, with
    more than two subnets)."""
    pod_subnets: Annotated[list[SubnetSpec], AfterValidator(_distinct_subnets)] = []
    """Subnets for pods alone, one in each AZ."""
    ipv6: bool = False
    """Whether the subnets are dual-stack."""
    internet: bool = True
    """Whether the private subnets have a way to the internet: a NAT or transit gateway, a proxy for nodes and pods."""
    endpoints: Annotated[list[EndpointService], AfterValidator(distinct_values)] = []
    """AWS services that the VPC has endpoints for, such as `ecr.dkr`; asked of a VPC without internet."""

    @model_validator(mode="after")
    def _endpoints(self) -> "ExistingNetworkSpec":
        rows = load("vpc_endpoints")
        known = [*rows["gateway"], *rows["interface"]]
        for index, name in enumerate(self.endpoints):
            if name not in known:
                raise Misplaced(f"must be one of {', '.join(known)}", "endpoints", index)
        return self

    @property
    def reaches_internet(self) -> bool:
        """Whether nodes and pods have a way out."""
        return self.internet

    @model_validator(mode="after")
    def _subnets(self) -> "ExistingNetworkSpec":
        keys = [key for key in ("private_subnet_ids", "private_subnets") if key in self.model_fields_set]
        if len(keys) != 1:
            found = "both are there" if keys else "neither is there"
            raise ValueError(f"names its subnets by private_subnet_ids, or by private_subnets with their AZs; {found}")
        if len(self.subnet_ids) < MIN_SUBNETS:
            count = len(self.subnet_ids)
            entries = "1 entry" if count == 1 else f"{count} entries"
            raise Misplaced(
                f"it has {entries}; it must have at least {MIN_SUBNETS} (subnets in at least two AZs)", keys[0]
            )
        zones = {subnet.availability_zone for subnet in self.private_subnets}
        if len(zones) == 1:
            raise Misplaced(
                f"all are in {zones.pop()}, and EKS wants a control plane in at least two AZs; add one of another AZ",
                "private_subnets",
            )
        if missing := sorted(
            zones - {subnet.availability_zone for subnet in self.pod_subnets} if self.pod_subnets else ()
        ):
            raise Misplaced(
                f"there is none in {missing[0]}, where nodes run: their pods would get no address; add one",
                "pod_subnets",
            )
        return self

    @model_validator(mode="after")
    def _one_pod_subnet_in_each_zone(self) -> "ExistingNetworkSpec":
        if (index := repeated(subnet.availability_zone for subnet in self.pod_subnets)) is not None:
            zone = self.pod_subnets[index].availability_zone
            raise Misplaced(
                f"{zone} has a subnet for pods already; name one in each AZ", "pod_subnets", index, "availability_zone"
            )
        return self

    @property
    def subnet_ids(self) -> list[str]:
        """The ids of the private subnets."""
        return self.private_subnet_ids or [subnet.subnet_id for subnet in self.private_subnets]

    @property
    def zone_names(self) -> list[str] | None:
        """The AZs of the private subnets; None: nothing says which."""
        return [subnet.availability_zone for subnet in self.private_subnets] or None

    @property
    def subnet_of_each_zone(self) -> list[str] | None:
        """The first private subnet of each AZ; None: nothing says in which AZs they are."""
        if self.private_subnets:
            first: dict[str, str] = {}
            for subnet in self.private_subnets:
                first.setdefault(subnet.availability_zone, subnet.subnet_id)
            return list(first.values())
        # A cluster's subnets are in at least two AZs, so two are in one each.
        return self.subnet_ids if len(self.subnet_ids) == MIN_SUBNETS else None
