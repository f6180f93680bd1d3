"""Rules for OIDC identity providers."""

from collections.abc import Iterator

from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, LIMIT, Call, rule

MOST = 10
"""Providers of a cluster (eks-quotas)."""
_KIND = "identityProviderConfig"


@rule("AssociateIdentityProviderConfig", page=f"{API}API_AssociateIdentityProviderConfig.html", code=IN_USE)
def provider_is_new(call: Call) -> Iterator[str]:
    """A provider's name is not taken, and no other has its issuer, whatever the client."""
    for one in call.state.of(_KIND, call.cluster_name):
        if one["identityProviderConfigName"] == call.get("oidc", "identityProviderConfigName"):
            yield f"Identity provider config already exists: {one['identityProviderConfigName']}"
        elif one["issuerUrl"] == call.get("oidc", "issuerUrl"):
            yield f"Identity provider config {one['identityProviderConfigName']} has this issuerUrl already"


@rule("AssociateIdentityProviderConfig", page=f"{GUIDE}authenticate-oidc-identity-provider.html", code=LIMIT)
def providers_are_few(call: Call) -> Iterator[str]:
    """A cluster has ten providers at most."""
    if len(list(call.state.of(_KIND, call.cluster_name))) >= MOST:
        yield f"Cluster {call.cluster_name} has {MOST} identity provider configs already"


@rule("AssociateIdentityProviderConfig", page=f"{GUIDE}authenticate-oidc-identity-provider.html")
def nobody_of_the_system(call: Call) -> Iterator[str]:
    """Prefixes do not have system: in them, and the issuer is an address that begins with https."""
    for key in ("usernamePrefix", "groupsPrefix"):
        if "system:" in str(call.get("oidc", key) or ""):
            yield f"{key} can not have system: in it"
    if not str(call.get("oidc", "issuerUrl")).startswith("https://"):
        yield "issuerUrl must begin with https://"
