"""Availability Zones that an environment file names: each must be of its region, and of one where counting them works."""

from collections.abc import Iterator

from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.spec import Misplaced
from eks_constructs.zone_names import region_of_local_zone, zone_advice
from eks_facts.places import zones_without_eks
from safe_io.where import Where


def check_zones(where: Where, network: NetworkSpec | ExistingNetworkSpec | None, region: str | None) -> None:
    """Raises Misplaced for a zone, or a number of zones, that the region does not have. ``where`` is the way to the network."""
    if (
        isinstance(network, NetworkSpec)
        and isinstance(network.availability_zones, int)
        and region in zones_without_eks()
    ):
        raise Misplaced(f"counts the AZs of {region}, and {zone_advice(str(region))}", *where, "availability_zones")
    for way, zone in _named(network):
        its = region_of_local_zone(zone) if way[0] == "local_zones" else zone[:-1]
        if not region:
            raise Misplaced(f"{zone} is named, so the region must be too: add `region: {its}`", *where, *way)
        if its != region:
            raise Misplaced(f"{zone} is not in region {region}; change one of them", *where, *way)


def _named(network: NetworkSpec | ExistingNetworkSpec | None) -> Iterator[tuple[Where, str]]:
    if isinstance(network, ExistingNetworkSpec):
        for key in ("private_subnets", "pod_subnets"):
            for index, subnet in enumerate(getattr(network, key)):
                yield (key, index, "availability_zone"), subnet.availability_zone
    elif network and isinstance(network.availability_zones, list):
        for index, zone in enumerate(network.availability_zones):
            yield ("availability_zones", index), zone
        for index, zone in enumerate(network.local_zones):
            yield ("local_zones", index), zone
