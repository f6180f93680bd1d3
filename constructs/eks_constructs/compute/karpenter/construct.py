"""Karpenter's AWS resources: rights, a role for its nodes, a queue.

https://karpenter.sh/docs/getting-started/getting-started-with-karpenter/
"""

from collections.abc import Sequence

from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam_resources
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.interruption_queue import interruption_queue
from eks_constructs.compute.karpenter.rights import statements
from eks_constructs.identity import associated_role
from eks_constructs.roles import IamSpec, Statement, role, role_name, trust_service
from eks_facts.role_policies import narrowest

NAMESPACE, SERVICE_ACCOUNT = "kube-system", "karpenter"

_EVENTS = ("SpotInterruption", "Rebalance", "InstanceState", "ScheduledChange")
"""What Karpenter reads, to drain a node before EC2 ends it. https://karpenter.sh/docs/concepts/disruption/#interruption."""


def node_role_name(iam: IamSpec, environment: str, cluster: str) -> str:
    """Returns the name of the nodes' role and of its instance profile. Kubernetes objects refer to that by name."""
    return role_name(iam, _node_role(environment, cluster))


def _node_role(environment: str, cluster: str) -> str:
    return "-".join(filter(None, (environment, cluster, "karpenter-nodes")))


class Karpenter(Construct):
    """Karpenter's AWS resources.

    Attributes:
        queue_name: of the queue that brings it EC2's warnings.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        iam: IamSpec,
        environment: str,
        cluster: ClusterHandle,
        node_policies: Sequence[str] = (),
        pulls: Sequence[Statement] = (),
    ) -> None:
        """Makes the nodes' role with its way into the cluster, the queue with its rules, and the controller's role.

        ``node_policies`` and ``pulls`` are policies and statements of nodes beside what they need.
        """
        super().__init__(scope, construct_id)
        node_role = role(
            self,
            "NodeRole",
            spec=iam,
            name=_node_role(environment, cluster.name),
            description=f"EC2 nodes of {cluster.name} that Karpenter adds: join the cluster and pull images",
            trust=trust_service("ec2.amazonaws.com"),
            managed=[*narrowest("ec2_nodes"), *node_policies],
            statements=pulls,
            named=True,
        )
        # Made here and not by Karpenter, so that it needs no right to give roles to instances of its own making.
        profile = iam_resources.CfnInstanceProfile(
            self,
            "NodeProfile",
            instance_profile_name=node_role_name(iam, environment, cluster.name),
            path=iam.path,
            roles=[node_role.ref],
        )
        # EKS makes one by itself for managed node groups alone.
        eks.CfnAccessEntry(
            self, "NodeAccess", cluster_name=cluster.ref, principal_arn=node_role.attr_arn, type="EC2_LINUX"
        )
        queue = interruption_queue(self, "Karpenter", _EVENTS)
        self.queue_name = queue.attr_queue_name
        associated_role(
            self,
            "ControllerRole",
            spec=iam,
            cluster=cluster,
            namespace=NAMESPACE,
            service_account=SERVICE_ACCOUNT,
            statements=statements(
                cluster.name, queue_arn=queue.attr_arn, node_role_arn=node_role.attr_arn, profile_arn=profile.attr_arn
            ),
        )
