"""AWS rights of applications: a role for a service account, by EKS Pod Identity on nodes, by IRSA on Fargate."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Literal, Self

from aws_cdk import CfnOutput
from aws_cdk import aws_eks as eks
from constructs import Construct
from pydantic import model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.identity import OidcProvider, service_account_role
from eks_constructs.rights import AllowSpec, RightsSpec, statements_of
from eks_constructs.roles import IamSpec, Statement, allow, document
from eks_constructs.spec import KubernetesName, Misplaced, RoleArn

AGENT_CIDRS = ("169.254.170.23/32", "fd00:ec2::23/128")
"""Where the EKS Pod Identity agent of a node listens: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""

Way = Literal["pod_identity", "irsa"]
"""How pods get their role: from the agent on their node, or by the cluster's tokens, which Fargate asks for."""


class ServiceAccountSpec(RightsSpec):
    """An AWS role for the pods of one service account, wherever that is."""

    service_account: KubernetesName
    """Service account of the pods."""
    target_role_arn: RoleArn | None = None
    """A role, of another account too, that EKS takes with the first one, and whose credentials the pods get."""
    session_policy: list[AllowSpec] = []
    """What the pods may do at most, of what the role (the target role, if there is one) may do."""
    session_tags: bool | None = None
    """Whether sessions bear the tags of EKS (cluster, namespace, service account, pod). Default: unless there is a session policy,
    which AWS takes without them alone."""

    @property
    def tagged(self) -> bool:
        """Whether sessions bear the tags of EKS."""
        return not self.session_policy if self.session_tags is None else self.session_tags

    @property
    def only_pod_identity(self) -> str | None:
        """The first of its keys that IRSA does not know, if it has one."""
        return next((key for key in ("target_role_arn", "session_policy", "session_tags") if getattr(self, key)), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.gives_rights or self.target_role_arn):
            raise ValueError("gives no rights; add policies, allow, role_arn or target_role_arn")
        if self.session_policy and self.session_tags:
            raise Misplaced("must be false with a session_policy: EKS refuses the two together", "session_tags")
        return self


class PodIdentitySpec(ServiceAccountSpec):
    """An AWS role for the pods of one service account."""

    namespace: KubernetesName
    """Namespace of the pods."""
    irsa: bool | None = None
    """Through IRSA, which pods on Fargate need (`true`), or EKS Pod Identity (`false`). Default: what the compute asks for that runs the
    pods of the namespace, both where it can run on both. For IRSA annotate the service account with the role: an output of the stack,
    and in `charts` and `manifests` ${ROLE_ARN_OF_NAMESPACE_NAME}."""

    @property
    def construct_id(self) -> str:
        """Its id below the construct that makes it."""
        return f"{self.namespace}.{self.service_account}"

    @model_validator(mode="after")
    def _irsa(self) -> Self:
        if self.irsa and (key := "role_arn" if self.role_arn else self.only_pod_identity):
            raise Misplaced("is for EKS Pod Identity, and this is irsa; remove one of the two", key)
        return self


class PodIdentities(Construct):
    """The roles of applications of a cluster, and their associations.

    Attributes:
        role_arns: ARNs of the roles, by namespace and service account.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        specs: Sequence[tuple[PodIdentitySpec, Collection[Way]]],
        *,
        cluster: ClusterHandle,
        oidc: OidcProvider | None,
        iam: IamSpec,
        outputs: bool = True,
    ) -> None:
        """Makes them, each with the ways in which its pods get it.

        ``oidc`` is IAM's trust in the cluster's tokens, which IRSA needs.
        ``outputs``: whether the roles of IRSA are outputs of the stack.
        """
        super().__init__(scope, construct_id)
        self.role_arns: dict[tuple[str, str], str] = {}
        for spec, ways in specs:
            own = Construct(self, spec.construct_id)
            irsa = "irsa" in ways
            role_arn = (
                spec.role_arn
                or service_account_role(
                    own,
                    "Role",
                    spec=iam,
                    cluster=cluster,
                    namespace=spec.namespace,
                    service_account=spec.service_account,
                    purpose=f"{spec.namespace}-{spec.service_account}",
                    oidc=oidc if irsa else None,
                    both="pod_identity" in ways,
                    tagged=spec.tagged,
                    managed=spec.policies,
                    statements=_own_statements(spec),
                ).attr_arn
            )
            self.role_arns[spec.namespace, spec.service_account] = role_arn
            if irsa and outputs:
                CfnOutput(
                    own,
                    "RoleArn",
                    value=role_arn,
                    description=f"Annotation eks.amazonaws.com/role-arn of {spec.namespace}/{spec.service_account}",
                )
            if "pod_identity" not in ways:
                continue
            eks.CfnPodIdentityAssociation(
                own,
                "PodIdentity",
                cluster_name=cluster.ref,
                namespace=spec.namespace,
                service_account=spec.service_account,
                role_arn=role_arn,
                target_role_arn=spec.target_role_arn,
                disable_session_tags=None if spec.tagged else True,
                policy=_policy(spec.session_policy),
            )


def _own_statements(spec: PodIdentitySpec) -> list[Statement]:
    said = statements_of(spec.allow)
    if spec.target_role_arn:
        # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
        said.append(allow(["sts:AssumeRole", "sts:TagSession"], spec.target_role_arn, sid="TakeTheTargetRole"))
    return said


def _policy(rights: Sequence[AllowSpec]) -> str | None:
    policy: dict[str, Any] = document(statements_of(rights))
    return json.dumps(policy, separators=(",", ":")) if rights else None
