"""Network and egress stack: a VPC, and the ways out of it, for the clusters of an environment or for one of them."""

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.network import Network
from eks_constructs.network_spec import NetworkSpec
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.stack_names import egress_stack
from stacks.environment_stack import EnvironmentStack
from stacks.foundation import network_log_groups


class EgressStack(EnvironmentStack):
    """Public subnets, gateways, endpoints and connections of a network.

    NAT gateways and endpoints take minutes, and a control plane does not wait for them: nodes do.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, cluster: ClusterSpec | None
    ) -> None:
        """Makes an empty stack for the network of ``cluster``, or for the one that clusters share."""
        contents = f"public subnets, gateways, endpoints and connections of the VPC{_of(cluster)}"
        super().__init__(scope, construct_id, environment, contents)


class NetworkStack(EnvironmentStack):
    """A VPC. It is deployed beside the foundation: it refers to log groups by name, which may not exist yet.

    Attributes:
        network: the construct.
        log_groups: names of its log groups.
        egress: the stack of the ways out.
    """

    @property
    def availability_zones(self) -> list[str]:
        """Placeholders: the L2 VPC looks AZs up although it makes no subnet, and the CLI would ask AWS."""
        return ["a", "b"]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: NetworkSpec,
        *,
        environment: Environment,
        cluster: ClusterSpec | None,
    ) -> None:
        """Makes the network of ``cluster``, or the one that clusters share, and beside it the stack of its ways out."""
        super().__init__(scope, construct_id, environment, f"VPC, subnets and flow logs{_of(cluster)}")
        name = egress_stack(environment.name, cluster.name if cluster else None)
        self.egress = EgressStack(scope, name, environment=environment, cluster=cluster)
        self.log_groups = network_log_groups(environment, cluster)
        self.network = Network(
            self,
            "Network",
            spec,
            name=f"{environment.name}-{cluster.name}" if cluster else environment.name,
            iam=environment.iam,
            log_groups=self.log_groups,
            tags=environment.all_tags,
            clients=environment.remote_ranges(cluster),
            egress=self.egress,
        )
        outputs = {
            "VpcId": (self.network.vpc.vpc_id, "The VPC"),
            "PrivateSubnetIds": (
                cdk.Fn.join(",", self.network.cluster_network.private_subnet_ids),
                "Subnets of the control plane's network interfaces, nodes and Fargate pods",
            ),
        }
        for key, (value, text) in outputs.items():
            cdk.CfnOutput(self, key, value=value, description=text)


def _of(cluster: ClusterSpec | None) -> str:
    return f" of {cluster.name}" if cluster else ""
