"""OIDC identity providers: people of a company's own directory as users and groups of the cluster, without IAM.

https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html
"""

from collections.abc import Sequence
from typing import Annotated

from aws_cdk import aws_eks as eks
from constructs import Construct
from pydantic import Field, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.construct_ids import check_names, pascal_case
from eks_constructs.spec import KubernetesName, Misplaced, Spec, pattern

MAX_PROVIDERS = 10
"""Of a cluster with Kubernetes 1.32 or later, since August 2026."""

MAX_BYTES = 12 * 1024
"""All configurations of a cluster together must have less."""

Claim = Annotated[
    str,
    pattern(r"[A-Za-z][\w:/.-]{0,127}", "must be the name of a claim: a letter, then letters, digits and : / . - _"),
]
Prefix = Annotated[
    str, pattern(r"[\w:/.@#-]{1,64}", "must be at most 64 letters, digits and : / . @ # - _, such as oidc:")
]
Text = Annotated[str, pattern(r"[!-~]([ -~]{0,253}[!-~])?", "must be at most 255 characters of ASCII")]


class IdentityProviderSpec(Spec):
    """A provider whose tokens the API server takes. EKS cannot change one: a change replaces it, which takes minutes."""

    name: KubernetesName
    """Name of it in this cluster."""
    issuer_url: Annotated[
        str,
        pattern(
            r"https://[A-Za-z0-9.-]{1,253}(/[\w./-]{0,200})?",
            "must be an address that begins with https://, without a port",
        ),
    ]
    """Its issuer, which the API server must reach: from the internet, if not by `control_plane.egress: CUSTOMER_ROUTED`."""
    client_id: Text
    """The application's id there: the audience of its tokens."""
    username_claim: Claim = "sub"
    """Claim with the name of a person, such as `email`."""
    username_prefix: Prefix = "oidc:"
    """Begins the names, so that nobody is taken for another user. `-`: nothing."""
    groups_claim: Claim | None = None
    """Claim with the groups of a person, such as `groups`."""
    groups_prefix: Prefix = "oidc:"
    """Begins the groups. It must not have system: in it."""
    required_claims: Annotated[dict[Claim, Text], Field(max_length=20)] = {}
    """What a token must say beside."""

    @model_validator(mode="after")
    def _nobody_of_the_system(self) -> "IdentityProviderSpec":
        for key in ("username_prefix", "groups_prefix"):
            if "system:" in getattr(self, key):
                raise Misplaced(
                    "Kubernetes' own users and groups begin with system:, and EKS refuses it anywhere; choose another",
                    key,
                )
        if "groups_prefix" in self.model_fields_set and not self.groups_claim:
            raise Misplaced("has no effect without groups_claim; add that, or remove it", "groups_prefix")
        return self


def distinct_providers(providers: list[IdentityProviderSpec]) -> list[IdentityProviderSpec]:
    """Returns the providers. Raises Misplaced if two have one name, or one issuer: EKS takes no second client of it.

    Raises ValueError if they are larger together than EKS takes.
    """
    check_names([one.name for one in providers], what="providers", made=("{id}",), taken=())
    seen: set[str] = set()
    for index, one in enumerate(providers):
        if one.issuer_url in seen:
            raise Misplaced(
                "another provider has this issuer, and EKS takes one of each, whatever its client; remove one",
                index,
                "issuer_url",
            )
        seen.add(one.issuer_url)
    size = sum(len(one.model_dump_json(exclude_none=True)) for one in providers)
    if size >= MAX_BYTES:
        raise ValueError(
            f"have {size} bytes together, and EKS takes less than {MAX_BYTES}; shorten required_claims, or remove a provider"
        )
    return providers


def add_identity_providers(scope: Construct, specs: Sequence[IdentityProviderSpec], *, cluster: ClusterHandle) -> None:
    """Makes the providers, one after the other: EKS changes one at a time."""
    before = None
    for spec in specs:
        made = eks.CfnIdentityProviderConfig(
            scope,
            pascal_case(spec.name),
            cluster_name=cluster.ref,
            type="oidc",
            identity_provider_config_name=spec.name,
            oidc=eks.CfnIdentityProviderConfig.OidcIdentityProviderConfigProperty(
                client_id=spec.client_id,
                issuer_url=spec.issuer_url,
                username_claim=spec.username_claim,
                username_prefix=spec.username_prefix,
                groups_claim=spec.groups_claim,
                groups_prefix=spec.groups_prefix if spec.groups_claim else None,
                required_claims=[
                    eks.CfnIdentityProviderConfig.RequiredClaimProperty(key=key, value=value)
                    for key, value in spec.required_claims.items()
                ]
                or None,
            ),
        )
        if before:
            made.add_resource_dependency(before)
        before = made
