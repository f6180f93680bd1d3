"""The access of Auto Mode's nodes to their cluster."""

from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.access import access_policy
from eks_constructs.cluster_handle import ClusterHandle


class AutoModeNodeClassAccess(Construct):
    """The way into the cluster for nodes of custom NodeClasses, which EKS makes only for those of its built-in pools.

    https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, cluster: ClusterHandle, role_arn: str) -> None:
        """Makes the access entry of the role."""
        super().__init__(scope, construct_id)
        eks.CfnAccessEntry(
            self,
            "AccessEntry",
            cluster_name=cluster.ref,
            principal_arn=role_arn,
            type="EC2",
            access_policies=[
                eks.CfnAccessEntry.AccessPolicyProperty(
                    policy_arn=access_policy("AmazonEKSAutoNodePolicy"),
                    access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
                )
            ],
        )
