"""Names of Availability Zones and Local Zones, and ids of subnets."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from eks_constructs.spec import pattern, resource_id
from eks_facts.files import load

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


def zone_advice(region: str) -> str:
    """Returns how to find the zones that EKS can use in a region where it cannot use all."""
    zone = load("availability_zones")["without_eks"][region]
    return (
        f"EKS cannot use the AZ with id {zone}, whose name differs from account to account: name the zones in availability_zones"
        f" (aws ec2 describe-availability-zones --region {region} --query"
        f" \"AvailabilityZones[?ZoneId!='{zone}'].ZoneName\" lists those to choose from)"
    )
