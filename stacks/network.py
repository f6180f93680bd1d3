"""Network stack: a VPC, for the clusters of an environment or for one of them."""

import aws_cdk as cdk

from constructs import Construct
from eks_constructs.network import Network
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.roles import IamSpec


class NetworkStack(cdk.Stack):
    """A VPC.

    Attributes:
        network: the construct.
        flow_log_group: name of the log group of its flow logs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: NetworkSpec,
        *,
        name: str,
        flow_log_group: str,
        iam: IamSpec,
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the network ``name``; its flow logs go to an existing log group."""
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {name}: VPC, subnets, NAT, endpoints and flow logs",
        )
        self.flow_log_group = flow_log_group
        self.network = Network(self, "Network", spec, name=name, iam=iam, flow_log_group=flow_log_group)
