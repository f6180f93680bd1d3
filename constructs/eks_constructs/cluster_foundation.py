"""Resources that a cluster can never change and that must outlive it: its role, its key, Auto Mode's node roles."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import RemovalPolicies, RemovalPolicy
from aws_cdk.aws_iam import CfnRole
from aws_cdk.aws_kms import CfnKey
from constructs import Construct

from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.compute.kind import ClusterContext, Lasting
from eks_constructs.control_plane import cluster_role
from eks_constructs.encryption import customer_key
from eks_constructs.pod_security_groups import RIGHTS

_KEEP_NOTHING = ["AWS::KMS::Alias", "AWS::ECR::PullThroughCacheRule", "AWS::ECR::RepositoryCreationTemplate"]


@dataclass(frozen=True)
class ClusterFoundation:
    """ARNs of the resources that outlive one cluster."""

    kms_key_arn: str
    role_arn: str
    lasting: Mapping[str, str]
    """Of what its kinds of compute need, by id (ComputeKind.lasting)."""


@dataclass(frozen=True)
class LastingResources:
    """The resources themselves."""

    key: CfnKey | None
    """None: the spec names a key that exists."""
    role: CfnRole | None
    """None: the spec names a role that exists."""
    of_kinds: list[Lasting]


def lasting_resources(
    scope: Construct, spec: EksClusterSpec, context: ClusterContext, *, key_alias: str, prefix: str = ""
) -> LastingResources:
    """Makes them; their ids begin with ``prefix``."""
    key = None
    if spec.control_plane.etcd.kms_key_arn is None:
        description = f"Encrypts the Kubernetes API data of {spec.name}; without it the cluster is lost"
        key = customer_key(scope, f"{prefix}EtcdKey", description=description, alias=key_alias)
    present = list(spec.compute.present())
    tagged = bool(context.tags_of_what_is_made)
    role = None
    if spec.control_plane.role_arn is None:
        rights = [kind.cluster_rights(section, tagged=tagged) for kind, section in present]
        rights += [RIGHTS] if spec.security_groups_for_pods else []
        role = cluster_role(scope, f"{prefix}ClusterRole", iam=context.iam, cluster=spec.name, rights=rights)
    of_kinds = [one for kind, section in present for one in kind.lasting(scope, section, context, prefix)]
    return LastingResources(key, role, of_kinds)


def keep(scope: Construct, *, retain: bool) -> None:
    """Gives everything below ``scope`` its removal policy. An alias, and the rule and template of a cache, go with their stack: they keep
    nothing, and would be in the way of the next.

    RetainExceptOnCreate: what a failed first deploy leaves behind is deleted, so that the next try can make it.
    """
    policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else RemovalPolicy.DESTROY
    RemovalPolicies.of(scope).apply(policy, exclude_resource_types=_KEEP_NOTHING)
