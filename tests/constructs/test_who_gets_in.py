"""Several access policies of one principal, namespaces by pattern, and people of a company's own directory."""

import pytest

from eks_constructs.access import AccessEntrySpec, AccessSpec
from tests.support.environments import minimal
from tests.support.templates import of_type, only

PROVIDER = {"name": "company", "issuer_url": "https://login.example.com/tenant", "client_id": "kubernetes"}


def synthesised(synth, **access):
    data = minimal()
    data["clusters"][0]["access"] |= access
    return synth(data)["t-access-c"]


def test_a_principal_has_every_policy_where_the_file_says(synth):
    entry = {
        "principal": "role/Dev",
        "policy": "AmazonEKSEditPolicy",
        "namespaces": ["dev-*", "test"],
        "policies": [{"policy": "AmazonEKSViewPolicy"}],
    }
    entries = of_type(synthesised(synth, entries=[entry]), "AWS::EKS::AccessEntry").values()
    (found,) = [one["AccessPolicies"] for one in entries if len(one["AccessPolicies"]) > 1]
    assert [one["AccessScope"] for one in found] == [
        {"Type": "namespace", "Namespaces": ["dev-*", "test"]},
        {"Type": "cluster"},
    ]


def test_people_of_a_directory_are_users_and_groups(synth):
    fields = {"username_claim": "email", "groups_claim": "groups", "required_claims": {"tenant": "a"}}
    made = only(synthesised(synth, identity_providers=[{**PROVIDER, **fields}]), "AWS::EKS::IdentityProviderConfig")
    assert (made["ClusterName"], made["Type"], made["IdentityProviderConfigName"]) == ("c", "oidc", "company")
    assert made["Oidc"] == {
        "ClientId": "kubernetes",
        "IssuerUrl": "https://login.example.com/tenant",
        "UsernameClaim": "email",
        "UsernamePrefix": "oidc:",
        "GroupsClaim": "groups",
        "GroupsPrefix": "oidc:",
        "RequiredClaims": [{"Key": "tenant", "Value": "a"}],
    }


def test_providers_come_one_after_the_other(synth):
    template = synthesised(
        synth, identity_providers=[PROVIDER, {**PROVIDER, "name": "other", "issuer_url": "https://x.example.com"}]
    )
    resources = template["Resources"]
    providers = [key for key, one in resources.items() if one["Type"] == "AWS::EKS::IdentityProviderConfig"]
    assert [resources[key].get("DependsOn") for key in providers] == [None, [providers[0]]]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"policy": "AmazonEKSViewPolicy", "policies": [{"policy": "AmazonEKSViewPolicy"}]}, "each policy once"),
        ({"policies": [{"policy": "AmazonEKSViewPolicy", "namespaces": ["*"]}]}, "must be a namespace"),
        ({"policies": [{"policy": "AmazonEKSViewPolicy", "namespaces": ["Dev"]}]}, "must be a namespace"),
        ({}, "gives no access at all"),
    ],
)
def test_an_entry_that_eks_refuses_is_refused(entry, words):
    with pytest.raises(ValueError, match=words):
        AccessEntrySpec(principal="role/Dev", **entry)


@pytest.mark.parametrize(
    ("providers", "words"),
    [
        ([{**PROVIDER, "issuer_url": "http://login.example.com"}], "begins with https"),
        ([{**PROVIDER, "username_prefix": "system:"}], "begin with system:"),
        ([{**PROVIDER, "groups_prefix": "x:"}], "without groups_claim"),
        ([PROVIDER, PROVIDER], "name of two"),
        ([{**PROVIDER, "username_prefix": "a-system:"}], "refuses it anywhere"),
        ([PROVIDER, {**PROVIDER, "name": "other", "client_id": "x"}], "another provider has this issuer"),
    ],
)
def test_a_provider_that_eks_refuses_is_refused(providers, words):
    with pytest.raises(ValueError, match=words):
        AccessSpec(admins=["role/Admin"], identity_providers=providers)
