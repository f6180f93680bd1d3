"""What the specs of managed and of self-managed nodes have in common."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec, check_windows_role
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.rights import PolicyName
from eks_constructs.spec import Misplaced, RoleArn, Spec, distinct_values


class Ec2NodesSpec(Spec):
    """Groups of EC2 nodes, and the roles of their nodes."""

    groups: Sequence[Ec2GroupSpec]
    """Groups of like EC2 instances."""
    kubernetes_version: KubernetesVersion | None = None
    """Of all groups that name none (default: the cluster's)."""
    role_arn: RoleArn | None = None
    """A node role that exists, in place of one that is made."""
    windows_role_arn: RoleArn | None = None
    """A role that exists for Windows nodes, in place of one that is made."""
    session_manager: bool = False
    """Lets people open a shell on nodes through AWS Systems Manager (no SSH, no open port)."""
    node_policies: Annotated[list[PolicyName], Field(max_length=10), AfterValidator(distinct_values)] = []
    """More policies of the nodes' role, by the name of an AWS managed one or by ARN. Pods are better off with `pod_identities`."""

    @model_validator(mode="after")
    def _role(self) -> Self:
        for key in ("session_manager", "node_policies"):
            if self.role_arn and getattr(self, key):
                raise Misplaced("is a right of the node role, and role_arn names one that exists; remove it", key)
        return self

    @model_validator(mode="after")
    def _windows(self) -> Self:
        check_windows_role(self.groups, self.role_arn, self.windows_role_arn)
        return self
