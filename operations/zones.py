"""Whether a deploy would give a cluster other Availability Zones than it was made with, which EKS refuses.

EKS's words: "they should belong to the exact set of AZs in which subnets were provided during cluster creation". By then the network has
changed. https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
"""

from collections.abc import Iterator

from eks_constructs.network_spec import NetworkSpec
from operations.environment import cluster_stack
from operations.there import NOT_MADE, There
from stacks.environment.model import Environment


def other_zones(environment: Environment, there: There) -> Iterator[str]:
    """Yields a line for each cluster whose control plane would have other AZs. Raises AccountError."""
    for cluster in environment.clusters:
        network = environment.network_of(cluster)
        name = cluster_stack(environment, cluster.name)
        stack = there.find(name)
        # The subnets of an existing VPC are the file's own affair: two of them may be in one AZ.
        if not isinstance(network, NetworkSpec) or stack is None or stack.StackStatus in NOT_MADE:
            continue
        made = [resource for resource in there.template(name).values() if resource.Type == "AWS::EKS::Cluster"]
        config = made[0].Properties.get("ResourcesVpcConfig") if made else None
        subnets = config.get("SubnetIds") if isinstance(config, dict) else None
        wanted = cluster.control_plane.zones or network.zone_count
        if isinstance(subnets, list) and len(subnets) != wanted:
            advice = (
                f"set its control_plane.zones: {len(subnets)}"
                if len(subnets) <= network.zone_count
                else f"leave the network its {len(subnets)} zones"
            )
            yield (
                f"{cluster.name}: its control plane was made in {len(subnets)} AZs and would be in {wanted}, which EKS refuses: {advice}"
            )
