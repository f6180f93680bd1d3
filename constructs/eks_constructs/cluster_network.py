"""What a cluster needs to know about its network, ours or an existing one."""

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
        )
