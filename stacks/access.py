"""Access stack: who gets at a cluster. It comes beside the compute, and stays when that rolls back, so that people can look why."""

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.eks_cluster import OIDC_PROVIDER_ID, AccessParts
from eks_constructs.identity import OidcProvider
from stacks.control_plane import ControlPlaneStack
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack


class AccessStack(EnvironmentStack):
    """Access entries and roles of people, the tunnel host, rules of the private endpoint, IAM's trust in the cluster's tokens.

    Attributes:
        oidc: that trust, by exports: see :class:`ControlPlaneStack`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ClusterSpec,
        *,
        environment: Environment,
        control_plane: ControlPlaneStack,
        network: ClusterNetwork,
    ) -> None:
        """Makes the access to the cluster of ``control_plane``."""
        super().__init__(scope, construct_id, environment, f"access to {spec.name}")
        parts = AccessParts(
            self,
            spec,
            cluster=ClusterHandle(spec.name, spec.name),
            network=network,
            iam=environment.iam,
            issuer_url=control_plane.issuer_url,
            security_group_id=control_plane.security_group_id,
        )
        # By its logical id, as the issuer in the stack of the control plane.
        arn = self.export_value({"Ref": OIDC_PROVIDER_ID}, name=f"{construct_id}-OidcProviderArn")
        self.oidc = OidcProvider(str(arn), control_plane.issuer_url)
        for name, role_arn in parts.access.new_roles.items():
            text = f"Role with {name} access: aws eks update-kubeconfig --name {spec.name} --role-arn ARN"
            cdk.CfnOutput(self, f"RoleArn{pascal_case(name)}", value=role_arn, description=text)
        if host := parts.tunnel_host:
            text = "Target of `aws ssm start-session` (docs/access.md)"
            cdk.CfnOutput(self, "TunnelHostInstanceId", value=host.instance_id, description=text)
