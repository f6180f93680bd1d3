"""What changed since a baseline: owners, duties, cost."""

from datetime import date
from typing import Any

from responsibility.document import (
    Baseline,
    CellInfo,
    ClusterReview,
    ComponentInfo,
    ComputeUse,
    Cost,
    Coverage,
    Picture,
    Review,
    Summary,
    VersionSupport,
)
from responsibility.findings import Evidence, Finding
from responsibility.reading.facts import Facts
from responsibility.review.baseline import compare

DAY = date(2026, 11, 24)
NOWHERE = Evidence(stack="main", resource="Cluster", type="AWS::EKS::Cluster")


def review(kinds: list[Any], findings: list[Finding], total: float = 1, **more: Any) -> Review:
    cells = [
        CellInfo(kind=kind, owner=owner, aws="", you="", source="https://aws", checked=DAY)
        for kind, owner in (("managed_nodes", "shared"), ("fargate", "aws"), ("hybrid_nodes", "not_available"))
        if kind in kinds
    ]
    cluster = ClusterReview(
        id=more.get("id", "main/Cluster"),
        name=more.get("name", "demo"),
        stack="main",
        version="1.36",
        support=VersionSupport(version="1.36", state="standard"),
        compute=[ComputeUse(kind=kind, words="", evidence=[]) for kind in kinds],
        cells=[],
        picture=Picture(vpc=None, api="private", api_from=[], logs=[], key="aws", add_ons=[]),
        evidence=NOWHERE,
    )
    nothing = Coverage(computed=0, total=0, unknown=0)
    return Review(
        source="x",
        as_of=DAY,
        stacks=[],
        summary=Summary(
            open={"critical": 0, "high": 0, "medium": 0, "low": 0}, accepted=0, met=0, unknown=0, not_applicable=0
        ),
        resolved=nothing,
        answered=nothing,
        unknowns=[],
        kinds=kinds,
        components=[ComponentInfo(id="os", name="OS", what="", group="worker_node", cells=cells)],
        clusters=[cluster],
        checks=[],
        findings=findings,
        exposure=[],
        identities=[],
        cost=Cost(currency="USD", region="r", checked=DAY, hours_per_month=730, total=total, lines=[], not_priced=[]),
        versions=[],
        counts=[],
        owned=[],
    )


def finding(status: Any, subject: str = "cluster demo", cluster: str = "main/Cluster", code: str = "EKR001") -> Finding:
    return Finding(code=code, status=status, subject=subject, detail="says so", cluster=cluster, evidence=[NOWHERE])


def compared(before: Review, after: Review) -> Baseline:
    return compare(before, after, Facts([], DAY), Facts([], DAY), "origin/main")


def test_owners_of_the_kinds_that_came_and_went() -> None:
    found = compared(review(["managed_nodes"], []), review(["fargate", "hybrid_nodes"], [], total=3))
    assert [(one.component, one.kind, one.before, one.after) for one in found.owners] == [
        ("os", "fargate", None, "aws"),
        ("os", "managed_nodes", "shared", None),
    ]
    assert (found.source, found.cost_before, found.cost_after) == ("origin/main", 1, 3)


def test_a_cluster_that_was_not_there_changes_no_owner() -> None:
    assert compared(review([], []), review(["fargate"], [], id="x/Y", name="new")).owners == []


def test_duties_that_opened_and_closed() -> None:
    before = [finding("open", code="EKR001"), finding("met", code="EKR002"), finding("open", code="EKR003")]
    after = [finding("met", code="EKR001"), finding("open", code="EKR002"), finding("open", code="EKR003")]
    found = compared(review([], before), review([], after))
    assert [one.code for one in found.opened] == ["EKR002"]
    assert [(one.code, one.status) for one in found.closed] == [("EKR001", "met")]


def test_a_duty_whose_subject_is_gone_is_closed() -> None:
    found = compared(review([], [finding("open", "node group a")]), review([], []))
    assert [(one.status, one.detail) for one in found.closed] == [("not_applicable", "is gone (it was open: says so)")]


def test_another_logical_id_opens_no_duty() -> None:
    before = [finding("open", "node group Nodes1234ABCD", "old/Cluster"), finding("open", cluster="old/Cluster")]
    after = [finding("open", "node group Nodes9876FEDC"), finding("open", cluster="main/Cluster")]
    found = compared(review([], before, id="old/Cluster"), review([], after))
    assert (found.opened, found.closed) == ([], [])


def test_a_thing_that_stands_on_both_sides_is_judged_by_its_own_name() -> None:
    before = [finding("open", "role RoleAAAA1111"), finding("met", "role RoleBBBB2222")]
    after = [finding("met", "role RoleAAAA1111"), finding("open", "role RoleBBBB2222")]
    found = compared(review([], before), review([], after))
    assert [one.subject for one in found.opened] == ["role RoleBBBB2222"]
    assert [one.subject for one in found.closed] == ["role RoleAAAA1111"]
