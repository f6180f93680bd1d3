"""Specs of a network: one to make, or an existing one."""

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.network_connections import ConnectionSpec, ResolverRuleId, check_connections
from eks_constructs.network_plan import MAX_ZONES, secondary_cidr_problem
from eks_constructs.rights import AllowSpec
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, pattern, repeated, resource_id
from eks_facts.files import limit, load

LOCAL_ZONE = r"[a-z]{2,4}(-[a-z]{1,20}){1,3}-\d-[a-z]{3}-\d[a-z]"
"""https://docs.aws.amazon.com/local-zones/latest/ug/available-local-zones.html"""


def region_of_local_zone(zone: str) -> str:
    """Returns the region that a Local Zone extends: us-west-2 of us-west-2-lax-1a."""
    return zone.rsplit("-", 2)[0]


def _no_local_zone(name: Any) -> Any:
    """https://docs.aws.amazon.com/eks/latest/userguide/local-zones.html."""
    if isinstance(name, str) and re.fullmatch(LOCAL_ZONE, name):
        raise ValueError(
            f"{name} is a Local Zone, where EKS has neither control planes nor Fargate: name AZs here, and that zone in local_zones"
            " of the network and of a node group or node class (docs/network.md#local-zones)"
        )
    return name


ZoneName = Annotated[
    str,
    BeforeValidator(_no_local_zone),
    pattern(r"[a-z]{2,4}(-[a-z]{1,20}){1,3}-\d[a-h]", "must be the name of an Availability Zone, such as eu-west-1a"),
]
LocalZoneName = Annotated[
    str,
    pattern(
        LOCAL_ZONE, "must be the name of a Local Zone, such as us-west-2-lax-1a: an AZ goes into availability_zones"
    ),
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


def _known_service(name: str) -> str:
    known = list(additional_services())
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}; any other service: {{service: {name}}}")
    return name


def additional_services() -> list[str]:
    """Returns the services that a file can name alone: with an interface endpoint, or a gateway endpoint that is not always there."""
    rows = load("vpc_endpoints")
    return [*(name for name, row in rows["gateway"].items() if not row["default"]), *rows["interface"]]


EndpointService = Annotated[
    str,
    AfterValidator(_known_service),
    Field(json_schema_extra=lambda schema: schema.update(enum=additional_services())),
]
"""An AWS service with an endpoint (eks_facts/data/vpc_endpoints.yaml)."""

AnyService = Annotated[
    str,
    pattern(
        r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?",
        "must be the name of a service: sqs, or a whole one such as com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
    ),
]
"""https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"""


class VpcEndpointSpec(Spec):
    """A VPC endpoint of any service, with settings of its own."""

    service: AnyService
    """AWS's short name (`bedrock-runtime` for com.amazonaws.REGION.bedrock-runtime; `s3` and `dynamodb` are gateway endpoints), or the
    whole name of a service, such as one of your own (com.amazonaws.vpce.REGION.vpce-svc-ID)."""
    private_dns: bool | None = None
    """Whether the service's usual names lead to it. Default: of an AWS service; whoever offers another must have verified a name."""
    allow: list[AllowSpec] = []
    """All that can be done through it, by anybody: its policy. Default: everything, within the rights of who asks. What nodes and
    controllers do through it must be among it."""

    @property
    def is_gateway(self) -> bool:
        """Whether it is an entry of route tables, free of charge, in place of network interfaces."""
        return self.service in load("vpc_endpoints")["gateway"]

    @property
    def has_whole_name(self) -> bool:
        """Whether `service` is the whole name."""
        return "." in self.service and self.service.split(".")[0] in ("com", "cn", "aws", "eu", "gov")

    @model_validator(mode="after")
    def _gateway(self) -> "VpcEndpointSpec":
        if self.is_gateway and self.private_dns is not None:
            raise Misplaced("is for interface endpoints, and this is a gateway endpoint; remove it", "private_dns")
        return self


Endpoint = Annotated[
    Annotated[EndpointService, Tag("name")] | Annotated[VpcEndpointSpec, Tag("settings")],
    Discriminator(lambda value: "settings" if isinstance(value, dict | VpcEndpointSpec) else "name"),
]
"""A service that is known here by its name, or any with settings."""


def distinct_endpoints(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Returns the endpoints. Raises Misplaced for a service that is there twice."""
    names = [one.service if isinstance(one, VpcEndpointSpec) else one for one in endpoints]
    if (index := repeated(names)) is not None:
        raise Misplaced(f"{names[index]} is in the list twice; remove one", index)
    return endpoints


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
    control_plane_subnet_ids: Annotated[list[SubnetId], Field(min_length=2), AfterValidator(distinct_values)] | None = (
        None
    )
    """Subnets for the control plane's network interfaces alone, in at least two AZs. Default: the private subnets."""
    pod_subnets: Annotated[list[SubnetSpec], AfterValidator(_distinct_subnets)] = []
    """Subnets for pods alone, one in each AZ."""
    ipv6: bool = False
    """Whether the subnets are dual-stack."""
    internet: bool = True
    """Whether the private subnets have a way to the internet: a NAT or transit gateway, a proxy for nodes and pods."""
    endpoints: Annotated[list[AnyService], AfterValidator(distinct_values)] = []
    """AWS services that the VPC has endpoints for, by their short names, such as `ecr.dkr`; asked of a VPC without internet."""

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
    def zones_of_nodes(self) -> list[str] | None:
        """The same: a Local Zone's subnet of an existing VPC is named by its id."""
        return self.zone_names

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
