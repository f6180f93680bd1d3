"""The IAM role of EC2 nodes."""

from collections.abc import Sequence

from aws_cdk.aws_iam import CfnRole
from constructs import Construct

from eks_constructs.roles import IamSpec, Statement, role, trust_service
from eks_facts.role_policies import narrowest


def node_role(
    scope: Construct,
    construct_id: str,
    *,
    iam: IamSpec,
    cluster: str,
    purpose: str,
    policies: Sequence[str],
    session_manager: bool,
    statements: Sequence[Statement] = (),
) -> CfnRole:
    """Makes the role of nodes of ``cluster``: it joins them and pulls images. The CNI has a role of its own.

    ``purpose`` follows the cluster in its name, where names are set; ``policies`` and ``statements`` are those beside what nodes need.
    """
    managed = [*narrowest("ec2_nodes"), *policies]
    if session_manager:
        managed.append("AmazonSSMManagedInstanceCore")
    # No confused-deputy condition: EC2 sends none when it takes an instance role.
    return role(
        scope,
        construct_id,
        spec=iam,
        name=f"{cluster}-{purpose}",
        description=f"EC2 nodes of {cluster}: join the cluster and pull images",
        trust=trust_service("ec2.amazonaws.com"),
        managed=managed,
        statements=statements,
    )
