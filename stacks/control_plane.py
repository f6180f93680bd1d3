"""Control plane stack: AWS's side. One EKS cluster, and who may talk to it."""

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.access import Access
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.control_plane import AutoModeSettings, ControlPlane
from eks_constructs.identity import OidcProvider
from eks_constructs.tunnel_host import TunnelHost
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.model import Environment
from stacks.foundation import ClusterFoundation


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
    node_class_role_arn: str | None = None
    """Of nodes of Auto Mode's own node classes, which need an access entry."""

    @classmethod
    def existing(cls, spec: ClusterSpec, existing: ExistingClusterSpec) -> "RunningCluster":
        """Returns a cluster that was made elsewhere."""
        arn = existing.oidc_provider_arn
        provider = OidcProvider(arn, existing.oidc_issuer) if arn else None
        return cls(spec, ClusterNetwork.existing(existing.network), existing.security_group_id, provider)


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
        control_plane = ControlPlane(
            self,
            "ControlPlane",
            spec.control_plane.model_copy(update={"deletion_protection": protected}),
            name=spec.name,
            network=network,
            role_arn=foundation.role_arn,
            kms_key_arn=foundation.kms_key_arn,
            auto_mode=_auto_mode_settings(spec, foundation),
        )
        self.cluster = RunningCluster(
            spec,
            network,
            control_plane.security_group_id,
            self._oidc_provider(control_plane.cluster.attr_open_id_connect_issuer_url),
            foundation.auto_custom_node_role_arn,
        )
        access = Access(
            self,
            "Access",
            spec.access,
            cluster_name=spec.name,
            cluster_ref=control_plane.name,
            iam=environment.iam,
        )
        outputs = {
            "ClusterName": (control_plane.name, "Name of the cluster"),
            "ClusterEndpoint": (control_plane.cluster.attr_endpoint, "Address of the Kubernetes API"),
            "ClusterSecurityGroupId": (
                control_plane.security_group_id,
                "Security group of the control plane and the nodes",
            ),
        }
        for name, arn in access.new_roles.items():
            outputs[f"RoleArn{pascal_case(name)}"] = (
                arn,
                f"Role with {name} access: aws eks update-kubeconfig --name {spec.name} --role-arn ARN",
            )
        if spec.access.tunnel_host:
            host = TunnelHost(self, "TunnelHost", cluster_name=spec.name, network=network, iam=environment.iam)
            control_plane.allow_https_from(
                "TunnelHostIngress",
                security_group_id=host.security_group_id,
                description="Kubernetes API from the tunnel host",
            )
            outputs["TunnelHostInstanceId"] = (host.instance_id, "Target of `aws ssm start-session` (docs/access.md)")
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)

    def _oidc_provider(self, issuer_url: str) -> OidcProvider:
        """Makes IAM's trust in the cluster's tokens: always, for it grants nothing, and its users come and go in other stacks.

        They use it by exports. Fn::Sub, which their trust policies need, takes no Fn::GetStackOutput; and CloudFormation
        refuses to delete or change an export that is in use, hence a cluster whose tokens are still trusted.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
        """
        provider = OidcProvider.made(self, "OidcProvider", issuer_url=issuer_url)
        self.export_value(provider.arn)
        self.export_value(provider.issuer_url)
        return provider.exported


def _auto_mode_settings(spec: ClusterSpec, foundation: ClusterFoundation) -> AutoModeSettings:
    auto = spec.compute.active_auto_mode
    if auto is None:
        return AutoModeSettings()
    return AutoModeSettings(
        enabled=True,
        node_pools=list(auto.built_in_node_pools),
        # EKS takes the role only along with built-in pools.
        node_role_arn=foundation.auto_node_role_arn if auto.built_in_node_pools else None,
    )
