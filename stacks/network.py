"""Network stack: a VPC, for the clusters of an environment or for one of them."""

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

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: NetworkSpec,
        *,
        name: str,
        log_groups: NetworkLogGroups,
        iam: IamSpec,
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the network ``name``; its log groups exist in the foundation."""
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {name}: VPC, subnets, NAT, endpoints and flow logs",
        )
        self.log_groups = log_groups
        self.network = Network(self, "Network", spec, name=name, iam=iam, log_groups=log_groups)
