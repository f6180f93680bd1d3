"""The size that a node group keeps in a deploy: the autoscaler's, not the initial one.

EKS wants a desired size when a group is made, and CloudFormation sends it with every change of a size: a template with the
initial number would reset the group. https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from delivery.account import Asked
from eks_constructs.compute.managed_nodes.spec import NodeGroupSpec
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.network_spec import NetworkSpec
from operations.deployed_stacks import DeployedStacks
from operations.environment import compute_stacks
from responsibility.account.errors import AccountError
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment


def sizes_that_stay(environment: Environment, deployed: DeployedStacks, account: Asked) -> dict[tuple[str, str], int]:
    """Returns the desired size of each group, by cluster and group, that an autoscaler may have changed. Raises AccountError."""
    return {
        (cluster.name, name): size
        for cluster in environment.clusters
        for name, size in _of_cluster(cluster, environment, deployed, account)
    }


def as_context(sizes: Mapping[tuple[str, str], int]) -> str:
    """Returns the sizes as the context key `sizes` wants them: CLUSTER/GROUP:NUMBER, comma-separated."""
    return ",".join(f"{cluster}/{group}:{size}" for (cluster, group), size in sorted(sizes.items()))


def _of_cluster(
    cluster: ClusterSpec, environment: Environment, deployed: DeployedStacks, account: Asked
) -> Iterator[tuple[str, int]]:
    managed = cluster.compute.managed_nodes
    # A size that the file names wins.
    groups = [group for group in managed.groups if not isinstance(group.desired_size, int)] if managed else []
    stacks = [name for name in compute_stacks(environment, cluster) if deployed.created(name)] if groups else []
    templates = _by_name(
        resource.Properties
        for name in stacks
        for resource in deployed.template(name).values()
        if resource.Type == "AWS::EKS::Nodegroup"
    )
    running: dict[str, int] | None = None
    network = environment.network_of(cluster)
    for group in groups:
        before = templates.get(f"{cluster.name}-{group.name}")
        if before is None:
            if group.desired_size == "keep":
                yield group.name, group.desired  # EKS makes no group without a number
            continue  # a new group starts with the file's size
        size = _number(_mapping(before.get("ScalingConfig")).get("DesiredSize"))
        if size is None or _changes(group, before, network):
            # CloudFormation sends the sizes, or replaces the group: keep the number of nodes.
            running = _running(cluster.name, account) if running is None else running
            size = running.get(f"{cluster.name}-{group.name}", size)
        if size is not None:
            yield group.name, max(group.min_size, min(size, group.max_size))


def _by_name(groups: Iterator[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns a template's groups by their tag Name: CLUSTER-GROUP."""
    return {str(_mapping(properties.get("Tags")).get("Name")): properties for properties in groups}


def _changes(group: NodeGroupSpec, before: Mapping[str, Any], network: NetworkSpec | ExistingNetworkSpec) -> bool:
    """Whether a deploy changes a size of a group, or replaces it."""
    sizes = _mapping(before.get("ScalingConfig"))
    return (
        _number(sizes.get("MinSize")) != group.min_size
        or _number(sizes.get("MaxSize")) != group.max_size
        or before.get("AmiType") != group.ami_type
        or before.get("CapacityType") != group.capacity_type
        or before.get("InstanceTypes") != list(group.instance_types)
        or _moves(group, before, network)
    )


def _moves(group: NodeGroupSpec, before: Mapping[str, Any], network: NetworkSpec | ExistingNetworkSpec) -> bool:
    """Whether a group gets other subnets: EKS cannot change those of a group, so that it is replaced."""
    subnets = [str(one) for one in before.get("Subnets") or ()]
    if not subnets:
        return False
    wanted = list(group.subnet_ids)
    if isinstance(network, NetworkSpec):
        zones = group.availability_zones or ([] if group.local_zones or wanted else range(network.zone_count))
        places = [one if isinstance(one, int) else (network.zone_names or []).index(one) for one in zones]
        wanted += [f"PrivateSubnet{place + 1}" for place in places]
        wanted += [f"LocalZoneSubnet{network.local_zones.index(one) + 1}" for one in group.local_zones]
    elif group.availability_zones:
        wanted = [one.subnet_id for one in network.private_subnets if one.availability_zone in group.availability_zones]
    else:
        wanted = wanted or list(network.subnet_ids)
    return len(subnets) != len(wanted) or not all(any(one in subnet for subnet in subnets) for one in wanted)


def _running(cluster: str, account: Asked) -> dict[str, int]:
    """Returns the desired size that each group has now, by its tag Name. Raises AccountError."""
    found: dict[str, int] = {}
    try:
        names = account.items("eks", "list_nodegroups", "nodegroups", clusterName=cluster)
    except AccountError as problem:
        if problem.missing:
            return found
        raise
    for name in names:
        group = account.one("eks", "describe_nodegroup", "nodegroup", clusterName=cluster, nodegroupName=name)
        size = _number(_mapping(_mapping(group).get("scalingConfig")).get("desiredSize"))
        if size is not None:
            found[str(_mapping(_mapping(group).get("tags")).get("Name"))] = size
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    """Returns a mapping; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None
