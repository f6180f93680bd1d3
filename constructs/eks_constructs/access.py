"""Who may do what in the cluster: IAM principals mapped to EKS access policies, all of them in the template."""

from collections.abc import Iterator
from typing import Annotated, Literal

from aws_cdk import aws_eks as eks
from constructs import Construct
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.construct_ids import clashing, pascal_case
from eks_constructs.identity_providers import (
    MAX_PROVIDERS,
    IdentityProviderSpec,
    add_identity_providers,
    distinct_providers,
)
from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec, account_principal, allow, document, role
from eks_constructs.spec import (
    IAM_NAME,
    IAM_PATH,
    PARTITION,
    KubernetesName,
    Misplaced,
    Spec,
    distinct_values,
    pattern,
    repeated,
)

PrincipalName = Annotated[
    str,
    pattern(
        rf"(arn:{PARTITION}:iam::\d{{12}}:)?(role|user)/{IAM_PATH}{IAM_NAME}",
        "must be an IAM role or user: arn:aws:iam::ACCOUNT:role/NAME, or role/NAME for one in the account that is deployed to"
        " (not an assumed-role ARN or a group)",
    ),
    AfterValidator(lambda principal: _with_path(principal)),
]
GroupName = Annotated[
    str,
    pattern(
        r"(?=.{0,127}[A-Za-z0-9])[\w.:/@=+-]([\w .:/@=+-]{0,126}[\w.:/@=+-])?",
        "must be the name of a Kubernetes group: at most 128 letters, digits, spaces within and . : / @ = + - _",
    ),
]


_IDENTITY_CENTER = "aws-reserved/sso.amazonaws.com"
"""https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""

RESERVED_GROUPS = ("system:", "eks:", "aws:", "amazon:", "iam:")
"""https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"""


def _with_path(principal: str) -> str:
    """Refuses a role of IAM Identity Center without its path: it would be another role, which does not exist."""
    name = principal.rsplit("/", 1)[-1]
    if name.startswith("AWSReservedSSO_") and f"role/{_IDENTITY_CENTER}/" not in principal:
        raise ValueError(
            f"roles of IAM Identity Center have a path: role/{_IDENTITY_CENTER}/REGION/{name}, or without REGION/ where the"
            f" Identity Center is in us-east-1 (aws iam get-role --role-name {name} --query Role.Arn shows it)"
        )
    return principal


class NewRoleSpec(Spec):
    """A role made with the cluster, for people of its account."""

    new_role: KubernetesName
    """Name of the role within the cluster. Anyone in the account whose own policies allow `sts:AssumeRole` on it can take it."""


Principal = Annotated[
    Annotated[PrincipalName, Tag("principal")] | Annotated[NewRoleSpec, Tag("new_role")],
    Discriminator(lambda value: "new_role" if isinstance(value, dict | NewRoleSpec) else "principal"),
]
"""A role or user that exists, or a role to make. EKS refuses a principal that does not exist."""


PolicyName = Literal[
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSSecretReaderPolicy",
]
Namespace = Annotated[
    str,
    pattern(
        r"(?=.*[a-z0-9])[a-z0-9*]([-a-z0-9*]{0,61}[a-z0-9*])?",
        "must be a namespace, at most 63 lower-case letters, digits and hyphens; * is for any characters, such as dev-*",
    ),
]
"""https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html"""


class AccessPolicySpec(Spec):
    """An access policy of EKS, and where it counts."""

    policy: PolicyName
    """EKS access policy. `AmazonEKSAdminViewPolicy` reads Secrets too, `AmazonEKSSecretReaderPolicy` nothing else."""
    namespaces: Annotated[list[Namespace], AfterValidator(distinct_values)] = []
    """Namespaces it is limited to, such as `dev-*`; empty: the whole cluster."""


class AccessEntrySpec(Spec):
    """Access other than full or read-only."""

    principal: Principal
    """Who has it."""
    policy: PolicyName | None = None
    """EKS access policy. `AmazonEKSAdminViewPolicy` reads Secrets too, `AmazonEKSSecretReaderPolicy` nothing else."""
    namespaces: Annotated[list[Namespace], AfterValidator(distinct_values)] = []
    """Namespaces the policy is limited to, such as `dev-*`; empty: the whole cluster."""
    policies: Annotated[list[AccessPolicySpec], Field(max_length=20)] = []
    """More policies, each with its own namespaces: all of them count together."""
    kubernetes_groups: Annotated[list[GroupName], AfterValidator(distinct_values)] = []
    """Groups for your own RoleBindings."""

    @property
    def all_policies(self) -> list[AccessPolicySpec]:
        """Every policy of the entry."""
        first = [AccessPolicySpec(policy=self.policy, namespaces=self.namespaces)] if self.policy else []
        return [*first, *self.policies]

    @model_validator(mode="after")
    def _says_something(self) -> "AccessEntrySpec":
        if not self.all_policies and not self.kubernetes_groups:
            raise ValueError("needs a policy or kubernetes_groups, or it gives no access at all")
        if self.namespaces and not self.policy:
            raise Misplaced("namespaces limit a policy, and there is none; add a policy", "namespaces")
        if (index := repeated(one.policy for one in self.all_policies)) is not None:
            place = index - bool(self.policy)
            raise Misplaced(
                "EKS takes each policy once for a principal; add the namespaces to the first",
                "policies",
                place,
                "policy",
            )
        for index, group in enumerate(self.kubernetes_groups):
            if group.startswith(RESERVED_GROUPS):
                raise Misplaced(
                    f"EKS reserves groups that begin with {', '.join(RESERVED_GROUPS)}; use a group of your own",
                    "kubernetes_groups",
                    index,
                )
        return self


class AccessSpec(Spec):
    """Who may use the Kubernetes API: at least one admin, such as `admins: [{new_role: admin}]`."""

    admins: Annotated[list[Principal], Field(min_length=1)]
    """Full rights: at least one, such as `new_role: admin` or `role/NAME`. Nobody else has access, not even the deployer."""
    readers: list[Principal] = []
    """May look at workloads and their settings: not at Secrets, custom resources, nodes or RBAC (AmazonEKSViewPolicy)."""
    entries: list[AccessEntrySpec] = []
    """Other access."""
    identity_providers: Annotated[
        list[IdentityProviderSpec], Field(max_length=MAX_PROVIDERS), AfterValidator(distinct_providers)
    ] = []
    """OIDC providers whose people use the cluster without IAM: your own RoleBindings name them and their groups."""
    tunnel_host: bool = False
    """A small EC2 instance without any open port, to reach the private endpoint through AWS Systems Manager (docs/access.md)."""

    @model_validator(mode="after")
    def _distinct(self) -> "AccessSpec":
        seen: set[str] = set()
        short: set[str] = set()
        for where, principal in self.principals():
            key = f"new_role: {principal.new_role}" if isinstance(principal, NewRoleSpec) else principal
            # role/NAME may be any account's until the deploy: it counts as the same as an ARN that ends so.
            names = {key, key.split(":")[-1]} if key.startswith("arn:") else {key}
            if key in seen or (names & short):
                raise Misplaced(
                    f"{min(names, key=len)} has access already; EKS allows one entry for each principal", *where
                )
            seen |= names
            short |= set() if key.startswith("arn:") else {key}
        everybody = list(self.principals())
        if clash := clashing(_construct_ids(principal) for _, principal in everybody):
            index, made = clash
            where, principal = everybody[index]
            name = principal.new_role if isinstance(principal, NewRoleSpec) else principal
            advice = "choose another name" if name is not principal else "write it as a full ARN"
            raise Misplaced(f"{name} would be {made} in the template, as another resource is; {advice}", *where)
        return self

    def principals(self) -> Iterator[tuple[tuple[str | int, ...], Principal]]:
        """Yields everybody with access, and where they are named."""
        for index, admin in enumerate(self.admins):
            yield ("admins", index), admin
        for index, reader in enumerate(self.readers):
            yield ("readers", index), reader
        for index, entry in enumerate(self.entries):
            yield ("entries", index, "principal"), entry.principal


class Access(Construct):
    """The access entries of a cluster.

    Attributes:
        new_roles: ARNs of the roles made here, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: AccessSpec,
        *,
        cluster: ClusterHandle,
        iam: IamSpec,
    ) -> None:
        """Makes an access entry for each principal of ``spec``."""
        super().__init__(scope, construct_id)
        self._cluster, self._iam = cluster, iam
        self.new_roles: dict[str, str] = {}
        for principal in spec.admins:
            self._entry(AccessEntrySpec(principal=principal, policy="AmazonEKSClusterAdminPolicy"))
        for principal in spec.readers:
            self._entry(AccessEntrySpec(principal=principal, policy="AmazonEKSViewPolicy"))
        for entry in spec.entries:
            self._entry(entry)
        if spec.identity_providers:
            add_identity_providers(Construct(self, "IdentityProviders"), spec.identity_providers, cluster=cluster)

    def _entry(self, spec: AccessEntrySpec) -> None:
        policies = [
            eks.CfnAccessEntry.AccessPolicyProperty(
                policy_arn=access_policy(one.policy),
                access_scope=eks.CfnAccessEntry.AccessScopeProperty(
                    type="namespace" if one.namespaces else "cluster", namespaces=list(one.namespaces) or None
                ),
            )
            for one in spec.all_policies
        ]
        eks.CfnAccessEntry(
            self,
            _construct_id(spec.principal),
            cluster_name=self._cluster.ref,
            principal_arn=self._arn(spec.principal),
            type="STANDARD",
            access_policies=policies or None,
            kubernetes_groups=list(spec.kubernetes_groups) or None,
        )

    def _arn(self, principal: str | NewRoleSpec) -> str:
        if isinstance(principal, NewRoleSpec):
            return self._new_role(principal.new_role)
        if principal.startswith("arn:"):
            return principal
        return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:{principal}"

    def _new_role(self, name: str) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": account_principal(),
            "Action": "sts:AssumeRole",
        }
        role_arn = role(
            self,
            f"{pascal_case(name)}Role",
            spec=self._iam,
            name=f"{self._cluster.name}-{name}",
            description=f"For people: access to the Kubernetes API of {self._cluster.name} as {name}",
            trust=document([statement]),
            # For `aws eks update-kubeconfig` with this role; the access entry gives the rest.
            statements=[allow(["eks:DescribeCluster"], self._cluster.arn, sid="UpdateKubeconfig")],
        ).attr_arn
        self.new_roles[name] = role_arn
        return role_arn


def access_policy(name: str) -> str:
    """Returns the ARN of the EKS access policy ``name``."""
    return f"arn:{Aws.PARTITION}:eks::aws:cluster-access-policy/{name}"


def _construct_ids(principal: Principal) -> list[str]:
    """Returns the ids of the access entry, and of the role and its policy if they are made."""
    made = _construct_id(principal)
    return [made, f"{made}Role", f"{made}RolePolicy"] if isinstance(principal, NewRoleSpec) else [made]


def _construct_id(principal: str | NewRoleSpec) -> str:
    """Who it is, not its place in the file: entries can be reordered without being replaced."""
    return pascal_case(principal.new_role if isinstance(principal, NewRoleSpec) else principal.split(":iam:")[-1])
