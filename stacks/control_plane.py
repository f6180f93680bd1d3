"""Control plane stack: AWS's side. One EKS cluster, and who may talk to it."""

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_foundation import ClusterFoundation
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.eks_cluster import ControlPlaneParts
from eks_constructs.identity import OidcProvider
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment


class ControlPlaneStack(cdk.Stack):
    """A cluster without compute: what fails in a compute stack leaves it as it is.

    Attributes:
        spec: what the environment file says of the cluster.
        network: the network it runs in.
        security_group_id: of the control plane, the nodes and the pods on Fargate.
        oidc: IAM's trust in the cluster's tokens.
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
        first_deploy: bool,
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the cluster. ``first_deploy`` leaves deletion protection off, so that a failure can be rolled back."""
        protected = spec.control_plane.deletion_protection and not first_deploy
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {environment.name}: control plane of {spec.name}",
            # EKS refuses to delete a protected cluster, but only after CloudFormation has deleted its access entries.
            termination_protection=protected,
        )
        self.spec, self.network = spec, network
        parts = ControlPlaneParts(
            self,
            spec,
            network=network,
            iam=environment.iam,
            foundation=foundation,
            control_plane=spec.control_plane.model_copy(update={"deletion_protection": protected}),
        )
        control_plane = parts.control_plane
        self.security_group_id = control_plane.security_group_id
        self.oidc = self._exported(parts.oidc)
        outputs = {
            "ClusterName": (control_plane.handle.ref, "Name of the cluster"),
            "ClusterEndpoint": (control_plane.cluster.attr_endpoint, "Address of the Kubernetes API"),
            "ClusterSecurityGroupId": (
                control_plane.security_group_id,
                "Security group of the control plane and the nodes",
            ),
        }
        for name, arn in parts.access.new_roles.items():
            outputs[f"RoleArn{pascal_case(name)}"] = (
                arn,
                f"Role with {name} access: aws eks update-kubeconfig --name {spec.name} --role-arn ARN",
            )
        if host := parts.tunnel_host:
            outputs["TunnelHostInstanceId"] = (host.instance_id, "Target of `aws ssm start-session` (docs/access.md)")
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)

    def _exported(self, provider: OidcProvider) -> OidcProvider:
        """Makes other stacks use IAM's trust in the cluster's tokens by exports.

        Fn::Sub, which their trust policies need, takes no Fn::GetStackOutput; and CloudFormation refuses to delete or change
        an export that is in use, hence a cluster whose tokens are still trusted.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
        """
        provider.arn, provider.issuer_url = self.export_value(provider.arn), self.export_value(provider.issuer_url)
        return provider
