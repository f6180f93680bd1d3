"""A playbook for a cluster that runs: what the account answers takes the place of questions, and names API and field."""

from datetime import date
from typing import Any

import pytest

from responsibility.audit.read import read
from responsibility.reading.template import BadSource
from responsibility.render.playbook import render
from responsibility.upgrade import live
from responsibility.upgrade.command import Request, of_facts
from responsibility.upgrade.playbook import ClusterPlaybook, Gate
from tests.responsibility.audit.fake_account import FakeAccount

AS_OF = date(2026, 11, 24)
OFFERED = {"1.36": "2027-08-02", "1.37": "2027-12-02"}


def book(
    changes: dict[str, Any] | None = None,
    *,
    target: str = "1.37",
    stated: dict[str, str] | None = None,
    offered: dict[str, str] = OFFERED,
) -> ClusterPlaybook:
    """The playbook of the healthy cluster, with answers laid over it."""
    facts = read(FakeAccount(changes), say=lambda _: None, as_of=AS_OF)
    found = live.answers(facts, target, stated or {}, offered)
    return of_facts(facts, Request(target, "", AS_OF, live=True), found, "account").clusters[0]


def gates(found: ClusterPlaybook, topic: str, verdict: str) -> list[Gate]:
    return [gate for gate in found.gates if (gate.topic, gate.verdict) == (topic, verdict)]


def test_a_healthy_cluster_leaves_what_only_kubectl_knows() -> None:
    found = book()
    assert found.having("blocker") == found.having("warning") == []
    assert {gate.api for gate in found.having("ask")} == {"kubectl get nodes", "kubectl get poddisruptionbudgets"}
    for topic in ("insights", "running-version", "addresses", "add-on-version", "target-version"):
        clear = gates(found, topic, "clear")
        assert clear, topic
        assert all(evidence.api for gate in clear for evidence in gate.evidence), topic


def test_commands_need_no_template() -> None:
    found = book()
    commands = [command for step in found.steps for command in step.commands]
    assert any(
        one.startswith("aws eks update-cluster-version --name demo --kubernetes-version 1.37") for one in commands
    )
    assert any(
        "update-nodegroup-version --cluster-name demo --nodegroup-name general --kubernetes-version 1.37" in one
        for one in commands
    )
    assert not any("cloudformation" in one for one in commands)
    (update,) = [one for one in commands if "update-addon" in one]
    assert "--addon-version v1.21.0-eksbuild.2" in update


INSIGHT = {
    "id": "i1", "name": "Deprecated APIs", "category": "UPGRADE_READINESS", "kubernetesVersion": "1.37",
    "insightStatus": {"status": "ERROR", "reason": "a client calls one"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "topic", "verdict", "words"),
    [
        (
            {"eks:ListInsights": {"insights": [INSIGHT]}, "eks:DescribeInsight": {"insight": INSIGHT}},
            "insights",
            "blocker",
            "a client calls one",
        ),
        (
            {
                "eks:DescribeCluster": {
                    "cluster": {"health": {"issues": [{"code": "Ec2SubnetNotFound", "message": "gone"}]}}
                }
            },
            "running-version",
            "blocker",
            "Ec2SubnetNotFound",
        ),
        ({"eks:DescribeCluster": {"cluster": {"status": "FAILED"}}}, "running-version", "blocker", "FAILED"),
        ({"eks:DescribeNodegroup": {"nodegroup": {"status": "DEGRADED"}}}, "running-version", "blocker", "DEGRADED"),
    ],
)
def test_what_is_in_the_way_is_found(changes: dict[str, Any], topic: str, verdict: str, words: str) -> None:
    (found,) = gates(book(changes), topic, verdict)
    assert words in found.detail
    assert found.fix
    assert found.evidence[0].api.startswith("eks:Describe")


def test_what_was_not_allowed_stays_a_question() -> None:
    found = book({"eks:ListInsights": {"error": "AccessDeniedException"}})
    asked = [gate for gate in found.having("ask") if gate.api == "eks:ListInsights"]
    assert asked
    assert gates(found, "insights", "clear") == []


def test_a_version_that_eks_does_not_offer_is_in_the_way() -> None:
    (found,) = gates(book(offered={"1.36": "2027-08-02"}), "target-version", "blocker")
    assert "does not offer 1.37" in found.detail


def test_templates_that_say_another_version_are_in_the_way() -> None:
    (found,) = gates(book(stated={"demo": "1.35"}), "running-version", "blocker")
    assert "runs 1.36, and the templates say 1.35" in found.detail
    assert gates(book(stated={"demo": "1.36"}), "running-version", "blocker") == []


def test_it_refuses_to_skip_a_version() -> None:
    with pytest.raises(BadSource, match="EKS takes one minor version at a time"):
        book({"eks:DescribeCluster": {"cluster": {"version": "1.35"}}})


def test_every_format_is_rendered() -> None:
    facts = read(FakeAccount(), say=lambda _: None, as_of=AS_OF)
    document = of_facts(
        facts, Request("1.37", "", AS_OF, live=True), live.answers(facts, "1.37", {}, OFFERED), "account 1"
    )
    for name in ("text", "md", "html", "json"):
        assert "eks:DescribeCluster" in render(document, name)
