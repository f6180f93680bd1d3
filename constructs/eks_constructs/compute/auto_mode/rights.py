"""Roles of Auto Mode's nodes, and what the cluster's role needs to tag what Auto Mode makes."""

from collections.abc import Sequence

from aws_cdk.aws_iam import CfnRole
from constructs import Construct

from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec, Statement, allow, arn, role, role_name, trust_service
from eks_facts.role_policies import narrowest

# What every node of Auto Mode needs: pull images, and hand Pod Identity credentials to pods.
# https://docs.aws.amazon.com/eks/latest/userguide/auto-create-node-role.html


def tagging_statements() -> list[Statement]:
    """Returns what the cluster's role needs beside Auto Mode's policies, which let it set no tags but EKS's own.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html#tag-prop
    """
    mine = {"aws:RequestTag/eks:eks-cluster-name": "${aws:PrincipalTag/eks:eks-cluster-name}"}
    kinds: tuple[tuple[str, tuple[str, ...], Sequence[str] | str, tuple[str, ...]], ...] = (
        # Everything that a launch makes and uses; of what it makes, the condition lets only this cluster's be made.
        (
            "Compute",
            ("ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateLaunchTemplate"),
            "*",
            ("eks:kubernetes-node-class-name", "eks:kubernetes-node-pool-name"),
        ),
        (
            "Storage",
            ("ec2:CreateVolume", "ec2:CreateSnapshot"),
            [
                arn("ec2", "volume/*"),
                f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}::snapshot/*",
            ],  # snapshots' ARNs have no account
            (),
        ),
        ("Networking", ("ec2:CreateNetworkInterface",), "*", ("eks:kubernetes-cni-node-name",)),
        (
            "LoadBalancer",
            (
                "elasticloadbalancing:CreateLoadBalancer",
                "elasticloadbalancing:CreateTargetGroup",
                "elasticloadbalancing:CreateListener",
                "elasticloadbalancing:CreateRule",
                "ec2:CreateSecurityGroup",
            ),
            "*",
            (),
        ),
    )
    return [
        {
            **allow(actions, resources, sid=f"Tag{sid}"),
            "Condition": {
                "StringEquals": mine,
                **({"StringLike": {f"aws:RequestTag/{tag}": "*" for tag in tags}} if tags else {}),
            },
        }
        for sid, actions, resources, tags in kinds
    ]


def node_role(
    scope: Construct, construct_id: str, *, iam: IamSpec, cluster: str, pulls: Sequence[Statement] = ()
) -> CfnRole:
    """Makes the role of the built-in pools' nodes. A cluster can never change it, so it outlives the cluster's stack."""
    return role(
        scope,
        construct_id,
        spec=iam,
        name=f"{cluster}-auto-nodes",
        description=f"Auto Mode nodes of {cluster}, built-in pools: pull images, serve Pod Identity",
        trust=trust_service("ec2.amazonaws.com"),
        managed=narrowest("auto_mode_nodes"),
        statements=pulls,
    )


def custom_node_role(
    scope: Construct,
    construct_id: str,
    *,
    iam: IamSpec,
    environment: str,
    cluster: str,
    policies: Sequence[str] = (),
    pulls: Sequence[Statement] = (),
) -> CfnRole:
    """Makes the role of nodes of custom NodeClasses, with ``policies`` and the statements ``pulls`` beside what they need.

    It has a name, because Kubernetes objects refer to it by name. Auto Mode puts it into an instance profile that may be
    there for a while after the cluster is gone, so it outlives the cluster's stack too.
    """
    return role(
        scope,
        construct_id,
        spec=iam,
        name=_custom_node_role(environment, cluster),
        description=f"Auto Mode nodes of {cluster}, custom NodeClasses: pull images, serve Pod Identity",
        trust=trust_service("ec2.amazonaws.com"),
        managed=[*narrowest("auto_mode_nodes"), *policies],
        statements=pulls,
        named=True,
    )


def custom_node_role_name(iam: IamSpec, environment: str, cluster: str) -> str:
    """Returns the full name of the role of the custom NodeClasses' nodes."""
    return role_name(iam, _custom_node_role(environment, cluster))


def _custom_node_role(environment: str, cluster: str) -> str:
    return "-".join(filter(None, (environment, cluster, "auto-custom")))
