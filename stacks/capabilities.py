"""Capabilities stack: controllers that AWS runs for a cluster (Argo CD, ACK, kro). Their rights are yours to give."""

import aws_cdk as cdk
from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.access import access_policy
from eks_constructs.capabilities import Capabilities, CapabilitiesSpec
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.encryption import log_group
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack

ROLES = {"ARGOCD": "Argo CD", "ACK": "ACK", "KRO": "kro"}


class CapabilitiesStack(EnvironmentStack):
    """The capabilities of one cluster, their roles and their logs. It comes beside the compute: they need no node.

    Attributes:
        spec: what the environment file says of them.
        cluster_name: of the cluster that has them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        cluster: ClusterSpec,
        spec: CapabilitiesSpec,
        *,
        environment: Environment,
        logs_key_arn: str,
    ) -> None:
        """Makes ``spec`` for ``cluster``."""
        chosen = " and ".join(ROLES[kind] for kind, _ in spec.chosen())
        super().__init__(scope, construct_id, environment, f"capabilities of {cluster.name}: {chosen}")
        self.spec, self.cluster_name = spec, cluster.name
        group = None
        if spec.logs:
            group = log_group(
                self,
                "Logs",
                name=f"/eks-platform/{environment.name}/{cluster.name}/capabilities",
                key_arn=logs_key_arn,
                days=environment.foundation.log_retention_days,
            )
        made = Capabilities(
            self,
            "Capabilities",
            spec,
            cluster=ClusterHandle(cluster.name, cluster.name),
            iam=environment.iam,
            log_group_arn=group.attr_arn if group else None,
        )
        self._argo_cd_role = made.role_arns.get("ARGOCD")
        for kind, arn in made.role_arns.items():
            # Kubernetes objects that give it rights, and clusters that it deploys to, name it.
            cdk.CfnOutput(
                self, f"RoleArn{kind.capitalize()}", value=arn, description=f"Role of the capability {ROLES[kind]}"
            )

    def give_argo_cd(self, cluster: str) -> None:
        """Lets Argo CD deploy to another cluster: the access entry that EKS makes in its own cluster alone.

        It has every right there, for the tree of a cluster has namespaces, classes and definitions of resources.
        https://docs.aws.amazon.com/eks/latest/userguide/argocd-register-clusters.html
        """
        if self._argo_cd_role is None:
            raise ValueError(f"{self.stack_name}: has no Argo CD")
        policy = eks.CfnAccessEntry.AccessPolicyProperty(
            policy_arn=access_policy("AmazonEKSClusterAdminPolicy"),
            access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
        )
        eks.CfnAccessEntry(
            self,
            f"ArgoCdIn-{cluster}",
            cluster_name=cluster,
            principal_arn=self._argo_cd_role,
            type="STANDARD",
            access_policies=[policy],
        )
