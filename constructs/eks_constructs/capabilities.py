"""EKS capabilities: Argo CD, ACK and kro, whose controllers AWS runs outside of the cluster. Their rights and their use are yours.

https://docs.aws.amazon.com/eks/latest/userguide/capabilities.html
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from aws_cdk import aws_eks as eks
from aws_cdk import aws_logs as logs
from constructs import Construct
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.rights import MadeRoleSpec, statements_of
from eks_constructs.roles import IamSpec, allow, role, shortened, trust_service
from eks_constructs.spec import KubernetesName, Misplaced, RoleArn, Spec, distinct_values, pattern

IDENTITIES = 1000
"""Users and groups of one Argo CD. https://docs.aws.amazon.com/eks/latest/userguide/argocd-permissions.html"""
_NAME = 60
"""Characters of the name of a log delivery's source and destination.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliverySource.html"""

LOG_TYPES = {
    "ACK": ("EKS_CAPABILITY_ACK_LOGS",),
    "ARGOCD": tuple(
        f"EKS_CAPABILITY_ARGOCD_{part}_LOGS"
        for part in ("APPLICATION", "APPLICATIONSET", "COMMITSERVER", "REPOSERVER", "SERVER")
    ),
    "KRO": ("EKS_CAPABILITY_KRO_LOGS",),
}
"""What each delivers. https://docs.aws.amazon.com/eks/latest/userguide/capabilities-controller-logs.html"""

API_GROUPS = {"ACK": "services.k8s.aws", "ARGOCD": "argoproj.io", "KRO": "kro.run"}
"""Of the resource definitions that each installs; ACK's are below its group, one for each AWS service.
https://docs.aws.amazon.com/eks/latest/userguide/capability-kubernetes-resources.html"""

IdentityCenterArn = Annotated[
    str,
    pattern(
        r"arn:aws[a-z-]*:sso:::instance/(sso)?ins-[A-Za-z0-9.-]{16}",
        "must be the ARN of an Identity Center instance: aws sso-admin list-instances --query Instances[].InstanceArn",
    ),
]
IdentityCenterId = Annotated[
    str,
    pattern(
        r"([0-9a-f]{10}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "must be the id of a user or group of the Identity Center, not its name: aws identitystore list-groups",
    ),
]
VpcEndpointId = Annotated[str, pattern(r"vpce-[0-9a-f]{8,17}", "must be the id of a VPC endpoint: vpce-...")]
Region = Annotated[str, pattern(r"[a-z]{2,4}(-[a-z]+)+-\d", "must be a region, such as eu-central-1")]


class AckSpec(MadeRoleSpec):
    """AWS Controllers for Kubernetes: AWS resources from objects of the cluster. Without rights it can make nothing; whoever may write its
    objects has them."""

    assume_roles: Annotated[list[RoleArn], AfterValidator(distinct_values)] = []
    """Roles that an IAMRoleSelector gives to namespaces, of other accounts too. Each must trust the capability's role."""


class KroSpec(Spec):
    """Kube Resource Orchestrator: APIs of your own, composed of others. Its role has no rights on AWS."""


class ArgoCdIdentitySpec(Spec):
    """A user or a group of the Identity Center."""

    user: IdentityCenterId | None = None
    """Id of a user in IAM Identity Center."""
    group: IdentityCenterId | None = None
    """Id of a group in IAM Identity Center."""

    @property
    def id(self) -> str:
        """Its id."""
        return self.user or self.group or ""

    @model_validator(mode="after")
    def _one(self) -> "ArgoCdIdentitySpec":
        if bool(self.user) == bool(self.group):
            raise ValueError("must have either user or group")
        return self


People = Annotated[list[ArgoCdIdentitySpec], Field(max_length=IDENTITIES)]


class ArgoCdSpec(MadeRoleSpec):
    """Argo CD: objects from Git. People sign in through IAM Identity Center; there are no local users."""

    identity_center: IdentityCenterArn
    """ARN of the Identity Center's instance."""
    identity_center_region: Region | None = None
    """Where the Identity Center is. Default: the cluster's region."""
    admins: People = []
    """Who may do everything in Argo CD, and so everything that Argo CD may do in its clusters."""
    editors: People = []
    """Who may change projects. Applications need a role of the project besides."""
    viewers: People = []
    """Who may see projects."""
    namespace: KubernetesName = "argocd"
    """Where its Applications and Secrets are. Argo CD reads every Secret there. It and the Identity Center cannot be
    changed, for a cluster has one Argo CD: remove it, deploy, add it again."""
    vpc_endpoints: Annotated[list[VpcEndpointId], AfterValidator(distinct_values)] = []
    """Interface endpoints of the service eks-capabilities, through which alone its page and API are reached. Default: the internet."""

    @model_validator(mode="after")
    def _people(self) -> "ArgoCdSpec":
        found: dict[str, str] = {}
        for key in ("admins", "editors", "viewers"):
            for index, one in enumerate(getattr(self, key)):
                if one.id in found:
                    raise Misplaced(f"{one.id} is in {found[one.id]} already; it can have one role", key, index)
                found[one.id] = key
        if len(found) > IDENTITIES:
            raise ValueError(f"has {len(found)} users and groups; Argo CD takes {IDENTITIES}")
        return self


class CapabilitiesSpec(Spec):
    """The capabilities of a cluster: one of each type at most."""

    argo_cd: ArgoCdSpec | None = None
    ack: AckSpec | None = None
    kro: KroSpec | None = None
    logs: bool = True
    """Whether their controllers' logs go to a log group of CloudWatch (vended logs; they cost by volume)."""

    @model_validator(mode="after")
    def _any(self) -> "CapabilitiesSpec":
        if not list(self.chosen()):
            raise ValueError("names no capability; add argo_cd, ack or kro, or remove the key")
        return self

    def chosen(self) -> Iterator[tuple[Literal["ARGOCD", "ACK", "KRO"], ArgoCdSpec | AckSpec | KroSpec]]:
        """Yields EKS's type and the spec of each."""
        if self.argo_cd:
            yield "ARGOCD", self.argo_cd
        if self.ack:
            yield "ACK", self.ack
        if self.kro:
            yield "KRO", self.kro


class Capabilities(Construct):
    """Capabilities with a role each. EKS makes an access entry for the role, with what the controllers themselves need.

    Attributes:
        role_arns: the roles, by EKS's type of capability.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: CapabilitiesSpec,
        *,
        cluster: ClusterHandle,
        iam: IamSpec,
        log_group_arn: str | None,
    ) -> None:
        """Makes them; their logs go to the log group, if there is one."""
        super().__init__(scope, construct_id)
        self.role_arns: dict[str, str] = {}
        destination = _destination(self, cluster.name, log_group_arn) if spec.logs and log_group_arn else None
        last: logs.CfnDelivery | None = None
        for kind, one in spec.chosen():
            name = kind.lower()
            own = Construct(self, name)
            its_role = role(
                own,
                "Role",
                spec=iam,
                name=f"{cluster.name}-{name}",
                description=f"EKS cluster {cluster.name}: what the controllers of its capability {name} may do on AWS",
                # No aws:SourceArn: AWS documents no such condition for it (capability-role.html).
                trust=trust_service("capabilities.eks.amazonaws.com", tag_session=True),
                managed=one.policies if isinstance(one, MadeRoleSpec) else (),
                statements=_statements(one),
            )
            self.role_arns[kind] = its_role.attr_arn
            capability = eks.CfnCapability(
                own,
                "Capability",
                cluster_name=cluster.ref,
                capability_name=name,
                type=kind,
                role_arn=its_role.attr_arn,
                delete_propagation_policy="RETAIN",  # EKS has no other: what the controllers have made stays
                configuration=_configuration(one),
            )
            if destination:
                last = _deliver(own, capability, kind, cluster.name, destination, after=last)


def _statements(spec: ArgoCdSpec | AckSpec | KroSpec) -> list[Any]:
    statements = list(statements_of(spec.allow)) if isinstance(spec, MadeRoleSpec) else []
    if isinstance(spec, AckSpec) and spec.assume_roles:
        # https://docs.aws.amazon.com/eks/latest/userguide/ack-permissions.html
        statements.append(
            allow(["sts:AssumeRole", "sts:TagSession"], spec.assume_roles, sid="TakeTheRolesOfNamespaces")
        )
    return statements


def _configuration(spec: ArgoCdSpec | AckSpec | KroSpec) -> eks.CfnCapability.CapabilityConfigurationProperty | None:
    if not isinstance(spec, ArgoCdSpec):
        return None
    mappings = [
        eks.CfnCapability.ArgoCdRoleMappingProperty(role=name, identities=_identities(people))
        for name, people in (("ADMIN", spec.admins), ("EDITOR", spec.editors), ("VIEWER", spec.viewers))
        if people
    ]
    access = eks.CfnCapability.NetworkAccessProperty(vpce_ids=spec.vpc_endpoints) if spec.vpc_endpoints else None
    return eks.CfnCapability.CapabilityConfigurationProperty(
        argo_cd=eks.CfnCapability.ArgoCdProperty(
            aws_idc=eks.CfnCapability.AwsIdcProperty(
                idc_instance_arn=spec.identity_center, idc_region=spec.identity_center_region
            ),
            namespace=spec.namespace,
            rbac_role_mappings=mappings or None,
            network_access=access,
        )
    )


def _identities(people: Sequence[ArgoCdIdentitySpec]) -> list[eks.CfnCapability.SsoIdentityProperty]:
    return [
        eks.CfnCapability.SsoIdentityProperty(id=one.id, type="SSO_USER" if one.user else "SSO_GROUP") for one in people
    ]


def _destination(scope: Construct, cluster: str, log_group_arn: str) -> logs.CfnDeliveryDestination:
    return logs.CfnDeliveryDestination(
        scope,
        "LogDestination",
        name=shortened(f"{cluster}-capabilities", _NAME),
        destination_resource_arn=log_group_arn,
    )


def _deliver(
    scope: Construct,
    capability: eks.CfnCapability,
    kind: str,
    cluster: str,
    destination: logs.CfnDeliveryDestination,
    *,
    after: logs.CfnDelivery | None,
) -> logs.CfnDelivery | None:
    """Delivers each kind of log of a capability; returns the last delivery."""
    for log_type in LOG_TYPES[kind]:
        part = log_type.removeprefix("EKS_CAPABILITY_").removesuffix("_LOGS").lower().replace("_", "-")
        source = logs.CfnDeliverySource(
            scope,
            f"Logs-{part}",
            name=shortened(f"{cluster}-{part}", _NAME),
            resource_arn=capability.attr_arn,
            log_type=log_type,
        )
        delivery = logs.CfnDelivery(
            scope,
            f"Delivery-{part}",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.attr_arn,
        )
        delivery.add_resource_dependency(source)  # named, not referred to
        if after:
            # One after the other: each changes the resource policy of CloudWatch Logs.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
            delivery.add_resource_dependency(after)
        after = delivery
    return after
