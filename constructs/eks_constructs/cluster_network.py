"""What a cluster needs to know about its network, ours or an existing one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from eks_constructs.existing_network_spec import ExistingNetworkSpec


@dataclass(frozen=True)
class ClusterNetwork:
    """What a cluster needs to know about its network, ours or an existing one."""

    vpc_id: str
    private_subnet_ids: list[str]
    subnet_of_each_zone: list[str] | None
    """The first private subnet of each AZ; None: nothing says in which AZs they are."""
    subnet_selector: list[dict[str, object]]
    """`subnetSelectorTerms` of an Auto Mode NodeClass for nodes."""
    pod_subnets: list[tuple[str, str]] = field(default_factory=list)
    """(AZ, subnet id) of the subnets for pods alone."""
    pod_subnet_selector: list[dict[str, object]] = field(default_factory=list)
    """`podSubnetSelectorTerms` of an Auto Mode NodeClass."""

    control_plane_subnet_ids: list[str] = field(default_factory=list)
    """Subnets of the control plane's network interfaces; none: the private ones."""
    zones: Sequence[str] | None = None
    """The AZ of each private subnet, in their order; None: nothing says it."""

    local_subnets: Mapping[str, str] = field(default_factory=dict)
    """Subnet id of each Local Zone: for nodes alone, no control plane and no Fargate pod can be there."""
    local_selectors: Mapping[str, dict[str, object]] = field(default_factory=dict)
    """Term of a node class for the subnet of each Local Zone."""

    def selector_of(self, subnet_ids: Sequence[str], local_zones: Sequence[str]) -> list[dict[str, object]]:
        """Returns the `subnetSelectorTerms` of a node class: subnets, those of Local Zones, or all private ones."""
        named: list[dict[str, object]] = [{"id": one} for one in subnet_ids]
        return named or [self.local_selectors[zone] for zone in local_zones] or self.subnet_selector

    def subnets_in(self, zones: Collection[str], local_zones: Sequence[str] = ()) -> list[str]:
        """Returns the private subnets in some AZs, and those in Local Zones; of neither: all private ones.

        Raises ValueError if an AZ has none.
        """
        local = [self.local_subnets[zone] for zone in local_zones]
        if not zones:
            return local or self.private_subnet_ids
        if missing := set(zones) - set(self.zones or ()):
            raise ValueError(f"the network has no private subnet in {', '.join(sorted(missing))}, as far as is known")
        of_zone = zip(self.private_subnet_ids, self.zones or (), strict=True)
        return [subnet for subnet, zone in of_zone if zone in zones] + local

    @staticmethod
    def existing(spec: ExistingNetworkSpec) -> "ClusterNetwork":
        """Returns the network that ``spec`` names."""
        return ClusterNetwork(
            vpc_id=spec.vpc_id,
            private_subnet_ids=list(spec.subnet_ids),
            subnet_of_each_zone=spec.subnet_of_each_zone,
            subnet_selector=[{"id": subnet} for subnet in spec.subnet_ids],
            pod_subnets=[(subnet.availability_zone, subnet.subnet_id) for subnet in spec.pod_subnets],
            pod_subnet_selector=[{"id": subnet.subnet_id} for subnet in spec.pod_subnets],
            control_plane_subnet_ids=list(spec.control_plane_subnet_ids or []),
            zones=[subnet.availability_zone for subnet in spec.private_subnets] or None,
        )
