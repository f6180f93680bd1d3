"""Control plane stack: AWS's side. One EKS cluster, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_foundation import ClusterFoundation
from eks_constructs.cluster_handle import Joining
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.eks_cluster import CONTROL_PLANE_ID, add_control_plane
from eks_constructs.identity import OidcProvider
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack


@dataclass(frozen=True)
class RunningCluster:
    """What the compute and workloads stacks need to know about a cluster, ours or not."""

    spec: ClusterSpec
    """Its section of the environment file."""
    network: ClusterNetwork
    """The network it runs in."""
    security_group_id: str
    """Of the control plane, the nodes and the pods on Fargate."""
    oidc: OidcProvider | None
    """IAM's trust in the cluster's tokens."""
    lasting: Mapping[str, str]
    """ARNs of what its kinds of compute have in the foundation, by id."""
    joining: Callable[[], Joining] | None
    """Returns what nodes with an AMI of their own must know."""

    @classmethod
    def existing(cls, spec: ClusterSpec, existing: ExistingClusterSpec) -> "RunningCluster":
        """Returns a cluster that was made elsewhere."""
        arn = existing.oidc_provider_arn
        provider = OidcProvider(arn, existing.oidc_issuer) if arn else None
        network = ClusterNetwork.existing(existing.network)
        return cls(spec, network, existing.security_group_id, provider, {}, existing.joining)


class ControlPlaneStack(EnvironmentStack):
    """A cluster alone: what fails in another stack leaves it as it is.

    It is the only resource, so that a first deploy can be rolled back although the cluster has deletion protection: EKS refuses
    to delete an active cluster, not one that is creating or failed, and nothing can fail after it is active.
    https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html

    Attributes:
        issuer_url: issuer of the cluster's tokens.
        security_group_id: that EKS makes for the control plane and the nodes.
        joining: returns what nodes with an AMI of their own must know.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ClusterSpec,
        *,
        environment: Environment,
        foundation: ClusterFoundation,
        network: ClusterNetwork,
    ) -> None:
        """Makes the cluster."""
        super().__init__(scope, construct_id, environment, f"control plane of {spec.name}")
        self.spec = spec
        control_plane = add_control_plane(self, spec, network=network, foundation=foundation)
        # An export: Fn::Sub, which trust policies need, takes no Fn::GetStackOutput; and CloudFormation refuses to delete or change
        # an export that is in use, hence a cluster whose tokens are still trusted.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
        # By its logical id: each attribute that is asked of a construct is a message to Node.
        issuer_url = {"Fn::GetAtt": [CONTROL_PLANE_ID, "OpenIdConnectIssuerUrl"]}
        self.issuer_url = str(self.export_value(issuer_url, name=f"{construct_id}-IssuerUrl"))
        self.security_group_id = control_plane.security_group_id
        self.joining = control_plane.joining
        cdk.CfnOutput(
            self,
            "ClusterSecurityGroupId",
            value=self.security_group_id,
            description="Security group of the control plane and the nodes",
        )
