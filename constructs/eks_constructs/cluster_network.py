"""What a cluster needs to know about its network, ours or an existing one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from eks_constructs.network_spec import ExistingNetworkSpec


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

    def subnets_in(self, zones: Collection[str]) -> list[str]:
        """Returns the private subnets in some AZs; of no AZs: all. Raises ValueError if an AZ has none."""
        if not zones:
            return self.private_subnet_ids
        if missing := set(zones) - set(self.zones or ()):
            raise ValueError(f"the network has no private subnet in {', '.join(sorted(missing))}, as far as is known")
        return [subnet for subnet, zone in zip(self.private_subnet_ids, self.zones or (), strict=True) if zone in zones]

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
