"""Control plane stack: AWS's side. One EKS cluster, and who may talk to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_foundation import ClusterFoundation
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.eks_cluster import ControlPlaneParts
from eks_constructs.identity import OidcProvider
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.model import Environment


@dataclass(frozen=True)
class RunningCluster:
    """What the stacks of compute and workloads need of a cluster, whoever made it."""

    spec: ClusterSpec
    """What the environment file says of it."""
    network: ClusterNetwork
    """The network it runs in."""
    security_group_id: str
    """Of the control plane, the nodes and the pods on Fargate."""
    oidc: OidcProvider | None
    """IAM's trust in the cluster's tokens."""
    lasting: Mapping[str, str]
    """ARNs of what its kinds of compute have in the foundation, by id."""

    @classmethod
    def existing(cls, spec: ClusterSpec, existing: ExistingClusterSpec) -> "RunningCluster":
        """Returns a cluster that was made elsewhere."""
        arn = existing.oidc_provider_arn
        provider = OidcProvider(arn, existing.oidc_issuer) if arn else None
        return cls(spec, ClusterNetwork.existing(existing.network), existing.security_group_id, provider, {})


class ControlPlaneStack(cdk.Stack):
    """A cluster without compute: what fails in a compute stack leaves it as it is.

    Attributes:
        cluster: what other stacks need of it.
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
        parts = ControlPlaneParts(
            self,
            spec,
            network=network,
            iam=environment.iam,
            foundation=foundation,
            control_plane=spec.control_plane.model_copy(update={"deletion_protection": protected}),
        )
        control_plane = parts.control_plane
        self.cluster = RunningCluster(
            spec, network, control_plane.security_group_id, self._exported(parts.oidc), foundation.lasting
        )
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
        return OidcProvider(self.export_value(provider.arn), self.export_value(provider.issuer_url))
