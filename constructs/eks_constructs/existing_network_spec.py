"""The spec of a VPC that somebody else made."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, repeated, resource_id
from eks_constructs.vpc_endpoint_spec import AnyService
from eks_constructs.zone_names import SubnetId, ZoneName
from eks_facts.files import limit

MIN_SUBNETS = 2
"""Of a cluster, in different AZs: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html."""


def _size_of_any_vpc(value: str) -> str:
    low, high = limit("vpc_prefix_shortest"), limit("vpc_prefix_smallest")
    if not low <= IPv4Network(value).prefixlen <= high:
        raise ValueError(f"must be between /{low} and /{high}, as every VPC is")
    return value


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
