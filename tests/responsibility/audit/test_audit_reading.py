"""Reading an account: what is asked, what is left out and said, and how the document of it is written."""

from datetime import date
from typing import Any

import pytest

from responsibility.audit.read import read
from responsibility.reading.eks import AccessEntry, Addon, Cluster, NodeGroup, PodIdentity
from responsibility.reading.facts import Facts
from responsibility.reading.sources import Sources
from responsibility.reading.template import BadSource
from responsibility.render.formats import FORMATS, render
from responsibility.review import build
from responsibility.review.cost import load_prices
from tests.responsibility.audit.fake_account import HEALTHY, FakeAccount, audited

AS_OF = date(2026, 11, 24)
TWO = {
    "eks:ListClusters": {"clusters": ["demo", "gone"]},
    "eks:DescribeCluster": {"by": "name", "answers": {"demo": HEALTHY["eks:DescribeCluster"]}},
}


def reading(account: FakeAccount, *names: str) -> tuple[Facts, list[str]]:
    said: list[str] = []
    return read(account, names, say=said.append, as_of=AS_OF), said  # type: ignore[arg-type]


def test_facts_of_an_account_are_joined_as_those_of_templates() -> None:
    facts, said = reading(FakeAccount())
    (cluster,) = facts.all(Cluster)
    assert said == []
    assert cluster.kinds == ["auto_mode", "managed_nodes", "fargate"]
    assert [subnet.reach for subnet in cluster.subnets] == ["private", "private"]
    assert cluster.vpc is not None
    assert cluster.role is not None
    assert [use.words for use in cluster.role.uses] == ["cluster demo"]
    (group,) = facts.all(NodeGroup)
    assert group.launch_template is not None
    assert group.launch_template.tokens == "required"
    assert group.cluster is cluster
    (entry,) = facts.all(AccessEntry)
    assert entry.policies == [("AmazonEKSClusterAdminPolicy", "cluster", [])]
    assert facts.all(Addon)[0].has_identity
    assert [pods.service_account for pods in facts.all(PodIdentity)] == ["reader"]  # the other one is its add-on's
    statements = cluster.role.inline
    assert [statement.actions for statement in statements] == [("s3:GetObject",)]


def test_a_cluster_that_is_deleted_meanwhile_is_left_out_and_named() -> None:
    facts, said = reading(FakeAccount(TWO))
    assert [cluster.name for cluster in facts.all(Cluster)] == ["demo"]
    assert "gone: was deleted while it was read; it is left out" in said
    assert said[0] == "eu-west-1: reading 2 clusters"
    assert said[-1] == "2 of 2"


@pytest.mark.parametrize(
    ("changes", "names", "words"),
    [
        (TWO, ("gone",), "--cluster gone: there is no such cluster in eu-west-1"),
        ({"eks:ListClusters": {"clusters": []}}, (), "eu-west-1: the account has no EKS cluster there"),
        ({"eks:ListClusters": {"error": "AccessDeniedException"}}, (), "eks:ListClusters: not allowed in eu-west-1"),
        ({"eks:ListAddons": {"error": "ExpiredTokenException"}}, (), "the credentials have expired"),
        ({"eks:ListAddons": {"error": "ThrottlingException"}}, (), "eks:ListAddons in eu-west-1: throttled"),
    ],
)
def test_what_ends_an_audit(changes: dict[str, Any], names: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadSource) as error:
        reading(FakeAccount(changes), *names)
    assert words in str(error.value)


def test_a_cluster_is_read_by_its_name_without_the_list() -> None:
    facts, _ = reading(FakeAccount({"eks:ListClusters": {"error": "AccessDeniedException"}}), "demo")
    assert [cluster.name for cluster in facts.all(Cluster)] == ["demo"]


def test_access_entries_are_not_asked_of_a_cluster_that_has_none() -> None:
    mode = {"eks:DescribeCluster": {"cluster": {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}}}
    account = FakeAccount(mode)
    facts, _ = reading(account)
    assert facts.all(AccessEntry) == []
    assert "eks:ListAccessEntries" not in account.asked


def test_a_refusal_is_said_once_with_what_to_ask_for() -> None:
    account = FakeAccount({"iam:GetRole": {"error": "AccessDenied"}})
    _, said = reading(account)
    (words,) = said
    assert "Ask for the IAM action iam:GetRole (docs/lock.md and docs/audit.md have the whole policies)" in words


def test_a_stack_that_was_not_deployed_cannot_be_compared() -> None:
    data = {
        "account": {"cloudformation:ListStackResources": {"error": "ValidationError"}},
        "template": {"Resources": {"C": {"Type": "AWS::EKS::Cluster"}}},
    }
    with pytest.raises(BadSource, match="there is no stack stack in eu-west-1: nothing can be compared"):
        audited(data, AS_OF)


@pytest.mark.parametrize("name", FORMATS)
def test_the_document_is_called_an_audit_and_names_apis(name: str) -> None:
    changes = {
        "eks:DescribeCluster": {
            "cluster": {"resourcesVpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}}
        }
    }
    facts, _ = reading(FakeAccount(changes))
    options = build.Options(AS_OF, load_prices(None))
    document, _ = build.review(Sources("account 123456789012, eu-west-1"), facts, options)
    assert document.origin == "account"
    written = render(document, name)
    assert "EKR001" in written
    assert "eks:DescribeCluster" in written
    assert "cluster.resourcesVpcConfig.publicAccessCidrs" in "".join(written.split())
    assert "eads templates" not in written
    if name in ("text", "md", "html"):
        assert "udit" in written
        assert "responsibility review" not in written.lower()
