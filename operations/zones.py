"""Whether a deploy would change the Availability Zones of a cluster, which EKS refuses.

EKS's words: "they should belong to the exact set of AZs in which subnets were provided during cluster creation". By then the network has
changed. https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
"""

from collections.abc import Iterator

from eks_constructs.network_spec import NetworkSpec
from operations.deployed_stacks import DeployedStacks
from stacks.environment.model import Environment
from stacks.environment.stack_names import control_plane_stack


def other_zones(environment: Environment, deployed: DeployedStacks) -> Iterator[str]:
    """Yields a line for each cluster whose control plane would have other AZs. Raises AccountError."""
    for cluster in environment.clusters:
        network = environment.network_of(cluster)
        name = control_plane_stack(environment.name, cluster.name)
        # The file names the subnets of an existing VPC: two of them may be in one AZ.
        if not isinstance(network, NetworkSpec) or not deployed.created(name):
            continue
        made = [resource for resource in deployed.template(name).values() if resource.Type == "AWS::EKS::Cluster"]
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
