"""What a cluster asks of its network: addresses, zones, subnets."""

from ipaddress import IPv4Network

from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.spec import Misplaced
from stacks.environment.cluster_spec import ClusterSpec


def check_against_network(cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
    """Raises Misplaced, at a key of the cluster, if its network does not have what it asks for."""
    _check_addresses(cluster, network)
    _check_control_plane_subnets(cluster, network)


def _check_addresses(cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
    plane = cluster.control_plane
    pod_cidr = network.pod_cidr if isinstance(network, NetworkSpec) else None
    ip_family = ("control_plane", "ip_family")
    if plane.ip_family == "ipv6" and not network.ipv6:
        raise Misplaced("ipv6 needs a network with IPv6; set network.ipv6: true", *ip_family)
    if plane.zones and isinstance(network, ExistingNetworkSpec):
        raise Misplaced(
            "counts AZs of a network of this project's; for an existing VPC list the cluster's subnets in private_subnet_ids",
            "control_plane",
            "zones",
        )
    if plane.zones and isinstance(network, NetworkSpec) and plane.zones > network.zone_count:
        raise Misplaced(
            f"the network has {network.zone_count} AZs; name no more of them",
            "control_plane",
            "zones",
        )
    own_pod_subnets = pod_cidr or (isinstance(network, ExistingNetworkSpec) and network.pod_subnets)
    if plane.ip_family == "ipv6" and own_pod_subnets:
        raise Misplaced(
            "ipv6 cannot be combined with pod subnets (pod_cidr, pod_subnets), which serve IPv4 only;"
            " remove them from the network",
            *ip_family,
        )
    for taken in network.cidrs if isinstance(network, NetworkSpec) else (network.cidr,):
        if plane.service_cidr and IPv4Network(plane.service_cidr).overlaps(IPv4Network(taken)):
            raise Misplaced(
                f"overlaps {taken} of its network; choose another range",
                "control_plane",
                "service_cidr",
            )
    for kind, section in cluster.compute.present():
        public = kind.load_balancer_scheme(section) == "internet-facing"
        if public and isinstance(network, NetworkSpec) and not network.public_subnets:
            raise Misplaced(
                "internet-facing needs public subnets; set network.public_subnets: true",
                "compute",
                kind.name,
                "load_balancer_scheme",
            )


def _check_control_plane_subnets(cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
    auto, apart = cluster.compute.auto_mode, "control_plane_cidr"
    if isinstance(network, ExistingNetworkSpec):
        apart = "control_plane_subnet_ids"
    if getattr(network, apart) and auto and auto.enabled and auto.built_in_node_pools:
        raise Misplaced(
            f"the built-in pools put nodes into the cluster's subnets, which are those of network.{apart}: set it to [] and add"
            " node_classes and node_pools, or leave the control plane in the private subnets",
            "compute",
            "auto_mode",
            "built_in_node_pools",
        )
