"""Network stack: a VPC, for the clusters of an environment or for one of them."""

from collections.abc import Sequence

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.network import Network, NetworkLogGroups
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.roles import IamSpec


class NetworkStack(cdk.Stack):
    """A VPC.

    Attributes:
        network: the construct.
        log_groups: names of its log groups.
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
        name: str,
        log_groups: NetworkLogGroups,
        iam: IamSpec,
        environment_tags: dict[str, str],
        stack_env: cdk.Environment,
        clients: Sequence[str] = (),
    ) -> None:
        """Makes the network ``name``; its log groups exist in the foundation. ``clients`` may use its endpoints."""
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {name}: VPC, subnets, NAT, endpoints and flow logs",
        )
        self.log_groups = log_groups
        self.network = Network(
            self, "Network", spec, name=name, iam=iam, log_groups=log_groups, tags=environment_tags, clients=clients
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
