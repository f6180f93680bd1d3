"""Findings documents to render: a usual one, one with many clusters, one full of hostile strings, an empty one.

They are made of what the contract allows, not of what today's checks say, so that renderers are tested without them.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

from responsibility import document as doc
from responsibility.findings import SEVERITIES, Acceptance, CheckInfo, Evidence, Finding
from responsibility.model import Cell, Component, ComputeKind, Owner

DAY = date(2026, 11, 24)
PAGE = "https://docs.aws.amazon.com/eks/latest/userguide/security.html"
KINDS: list[ComputeKind] = ["auto_mode", "managed_nodes", "fargate"]
_OWNERS: dict[str, tuple[Owner, Owner, Owner]] = {
    "kubelet": ("aws", "shared", "shared"),
    "node-os": ("aws", "shared", "aws"),
    "endpoint": ("customer", "customer", "customer"),
    "block-storage": ("shared", "customer", "not_available"),
    "availability": ("customer", "customer", "customer"),
}
_NAMES = {"node-os": "Node operating system", "endpoint": "API endpoint", "block-storage": "Block storage"}

EVIL = (
    "x|y`z`` <script>alert(1)</script> </details> **bold** @octocat #1 [a](javascript:alert(1)) ![i](http://evil.example/i)"
    "\n\n# Heading\n| a | b |\r\x1b[31mred\x1b[0m \u202etxt.exe [bold]rich[/bold] {0} {{ 7*7 }}"
    " https://evil.example www.evil.example $x$ ~~s~~ \\"
)
"""What a template's author may have written into a name, to break out of each format."""


def owner(component: str, kind: ComputeKind) -> Owner:
    return _OWNERS[component][KINDS.index(kind)]


def model() -> list[Component]:
    """A small model with every owner in it."""
    return [
        Component(
            id=name,
            name=_NAMES.get(name, name),
            what=f"What {name} is | in a sentence.",
            group="worker_node" if name in ("kubelet", "node-os") else "integration",
            cells={
                kind: Cell(
                    owner(name, kind),
                    f"AWS does its part of {name}.",
                    f"You do `your` part of {name}.",
                    PAGE,
                    DAY,
                    disagree="eks-compute.html says customer." if (name, kind) == ("node-os", "managed_nodes") else "",
                    unverified="The limit was not found." if (name, kind) == ("node-os", "fargate") else "",
                )
                for kind in KINDS
            },
        )
        for name in _OWNERS
    ]


def checks(number: int = 10) -> list[CheckInfo]:
    names = list(_OWNERS)
    return [
        CheckInfo(
            code=f"EKR{at + 1:03}",
            title=f"Duty {at + 1} is done",
            component=names[at % len(names)],
            kinds=KINDS,
            severity=SEVERITIES[at % 4],
            why=f"Because {at + 1} matters.",
            fix=f"Set `Property{at + 1}` to <what is right>.",
            source=PAGE,
        )
        for at in range(number)
    ]


def evidence(stack: str = "demo", resource: str = "Cluster", path: str = "Properties.X", text: str = "") -> Evidence:
    return Evidence(
        stack=stack + text,
        resource=resource + text,
        type="AWS::EKS::Cluster" + text,
        path=path + text,
        file=f"cdk.out/{stack}.template.json{text}",
        line=0 if text else 12,
    )


def cluster(name: str, text: str = "") -> doc.ClusterReview:
    shown = evidence(name, text=text)
    return doc.ClusterReview(
        id=f"{name}/Cluster",
        name=name + text,
        stack=name + text,
        version="1.34" + text,
        support=doc.VersionSupport(
            version="1.34",
            standard_until=date(2026, 12, 2),
            extended_until=date(2027, 12, 2),
            state="standard",
            days_left=8,
        ),
        compute=[
            doc.ComputeUse(kind=kind, words=f"2 node groups: general (1 to 3 t4g.large){text}", evidence=[shown])
            for kind in KINDS
        ],
        cells=[
            doc.CellState(component=name, kind=kind, evidence=[shown], open=1, met=2)
            for name in _OWNERS
            for kind in KINDS
            if owner(name, kind) != "not_available"
        ],
        picture=doc.Picture(
            vpc=doc.PictureVpc(
                id="Vpc" + text,
                name="vpc" + text,
                cidr="10.0.0.0/16",
                zones=["eu-central-1a" + text],
                subnets=[],
                internet_gateway=True,
                endpoints=["s3" + text],
            ),
            api="public and private",
            api_from=["0.0.0.0/0"],
            logs=["audit" + text],
            key="customer",
            add_ons=["vpc-cni" + text],
        ),
        evidence=shown,
    )


def _findings(clusters: list[doc.ClusterReview], found: list[CheckInfo], text: str) -> list[Finding]:
    """By the check's number: open, accepted, accepted but expired, met, unknown; the first two are open for everybody."""
    result = []
    for one in clusters:
        for at, check in enumerate(found):
            turn = (0, 0, 1, 2, 3, 4)[at] if at < 6 else at % 5
            until = date(2026, 12 if turn == 1 else 10, 31)
            accepted = Acceptance(reason="Needed until the move" + text, until=until, expired=turn == 2)
            result.append(
                Finding(
                    code=check.code,
                    status=("open", "open", "open", "met", "unknown")[turn],
                    subject=f"cluster {one.name}",
                    detail=f"has no `Property{at}`{text}",
                    cluster=one.id,
                    evidence=[one.evidence, evidence(one.id.split("/")[0], "Nodes", text=text)],
                    accepted=accepted if turn in (1, 2) else None,
                )
            )
    return result


def _cost(clusters: list[doc.ClusterReview], text: str) -> doc.Cost:
    lines = [
        doc.CostLine(
            what=what + text,
            cluster=one.id,
            kind=kind,
            quantity=2,
            unit="hours",
            unit_price=0.1,
            monthly=monthly,
            assumption="730 hours a month" + text,
            source=PAGE,
            verified=kind is None,
            evidence=one.evidence,
        )
        for one in clusters
        for what, kind, monthly in (("EKS control plane", None, 73.0), ("EC2 t4g.large", KINDS[1], 98.11))
    ]
    return doc.Cost(
        currency="USD",
        region="eu-central-1",
        checked=DAY,
        hours_per_month=730,
        total=sum(line.monthly for line in lines),
        lines=lines,
        not_priced=["Data transfer: depends on use" + text],
    )


def _baseline(found: list[Finding], text: str) -> doc.Baseline:
    def change(what: Any, path: str, resource: str, keeps_data: bool) -> doc.ResourceChange:
        because = [path] if what == "replaced" else []
        at = evidence("demo", resource, path, text)
        return doc.ResourceChange(change=what, paths=[path], because=because, keeps_data=keeps_data, evidence=at)

    return doc.Baseline(
        source="origin/main" + text,
        changes=[
            change("added", "Properties", "NewRole", True),
            change("modified", "Properties.Tags", "Vpc", True),
            change("replaced", "Properties.LogGroupName", "Logs", True),
            change("replaced", "Properties.Name", "Cluster", False),
            change("removed", "", "OldKey", False),
        ],
        owners=[
            doc.OwnerChange(
                cluster="demo/Cluster", component="node-os", kind="managed_nodes", before="aws", after="shared"
            )
        ],
        opened=found[:1],
        closed=[one for one in found if one.status == "met"][:1],
        cost_before=100.0,
        cost_after=171.11,
    )


def review(clusters: int = 1, number: int = 10, text: str = "", baseline: bool = False, **changes: Any) -> doc.Review:
    """A review of so many clusters by so many checks, with ``text`` after everything that a template's author chooses."""
    used = [cluster("demo" if clusters == 1 else f"team-{at:02}", text) for at in range(clusters)]
    asked = checks(number)
    found = _findings(used, asked, text)
    standing = [one for one in found if one.counts_as_open]
    severity = {check.code: check.severity for check in asked}
    values: dict[str, Any] = {
        "source": "cdk.out" + text,
        "as_of": DAY,
        "stacks": [
            doc.StackInfo(
                name=one.stack, file=f"cdk.out/{one.id[:-8]}.template.json", description="d" + text, resources=40
            )
            for one in used
        ],
        "summary": doc.Summary(
            open={level: sum(severity[one.code] == level for one in standing) for level in SEVERITIES},
            accepted=sum(one.status == "open" and not one.counts_as_open for one in found),
            met=sum(one.status == "met" for one in found),
            unknown=sum(one.status == "unknown" for one in found),
            not_applicable=3,
        ),
        "resolved": doc.Coverage(computed=990, total=1000, unknown=10),
        "answered": doc.Coverage(computed=9 * clusters, total=10 * clusters, unknown=clusters),
        "unknowns": [
            doc.UnknownValue(evidence=one.evidence, reason="A parameter without a default" + text) for one in used
        ],
        "kinds": KINDS if used else [],
        "components": [
            doc.ComponentInfo(
                **(
                    asdict(row)
                    | {"cells": [doc.CellInfo(kind=kind, **asdict(cell)) for kind, cell in row.cells.items()]}
                )
            )
            for row in model()
        ],
        "clusters": used,
        "checks": asked,
        "findings": found,
        "exposure": [
            doc.Exposure(
                way="Kubernetes API", level="open", words=f"{one.id}: anybody{text}", cluster=one.id, evidence=[]
            )
            for one in used
        ],
        "identities": [
            doc.Identity(
                name="Admin" + text,
                what="role",
                assumed_by=["anybody in account 111122223333" + text],
                may=["everything" + text],
                breadth="admin",
                clusters=[one.id],
                evidence=one.evidence,
            )
            for one in used
        ],
        "cost": _cost(used, text),
        "versions": [used[0].support] if used else [],
        "counts": [
            doc.ResourceCount(type=type_ + text, component=name, owner=owner_, kind=kind, count=clusters)
            for type_, name, owner_, kind in (
                ("AWS::EKS::Nodegroup", "kubelet", "shared", KINDS[1]),
                ("AWS::EC2::VPC", "endpoint", "customer", None),
            )
        ],
        "owned": [
            doc.OwnedCount(kind="auto_mode", aws=2, shared=1, customer=2, not_available=0, resources=3),
            doc.OwnedCount(kind="managed_nodes", aws=0, shared=2, customer=3, not_available=0, resources=9),
        ],
        "baseline": _baseline(found, text) if baseline else None,
    }
    return doc.Review(**(values | changes))


def empty() -> doc.Review:
    return review(clusters=0)


def many() -> doc.Review:
    return review(clusters=60, number=70, baseline=True)


def hostile() -> doc.Review:
    return review(text=EVIL, baseline=True)
