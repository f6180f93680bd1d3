"""Review documents for the page's tests: realistic, big, nearly empty, hostile."""

from datetime import date, timedelta
from typing import Any

from responsibility.document import (
    Baseline,
    CellState,
    ClusterReview,
    ComputeUse,
    Cost,
    Coverage,
    OwnerChange,
    Picture,
    PictureSubnet,
    PictureVpc,
    ResourceChange,
    Review,
    StackInfo,
    Summary,
    UnknownValue,
)
from responsibility.findings import Acceptance, Finding
from responsibility.model import COMPUTE_KINDS
from tests.responsibility.render.page_model import AS_OF, VERSIONS, checks, components, versions
from tests.responsibility.render.page_parts import cost_lines, counts, evidence, exposures, identities, owned

LONG = "an-environment-name-that-somebody-made-as-long-as-aws-allows-and-then-a-little-longer-than-that-to-see"
HOSTILE = '<script>window.hacked = 1</script>"\'><img src=x onerror="window.hacked = 2">'


def subnets(zones: list[str], kinds: list[Any], *, per_zone: int = 2, name: str = "") -> list[PictureSubnet]:
    reaches: list[Any] = ["public", "private", "isolated", "unknown"]
    return [
        PictureSubnet(
            id=f"net/{name}Subnet{number}{zone}",
            name=f"{name}{reaches[number % 4]}-{zone}",
            zone=zone,
            reach=reaches[number % 4],
            cidr=f"10.40.{16 * number + index}.0/20",
            kinds=kinds if number % 4 == 1 else [],
            nat=number == 0 and index == 0,
        )
        for index, zone in enumerate(zones)
        for number in range(per_zone)
    ]


def picture(zones: int = 3, kinds: Any = ("managed_nodes",), *, per_zone: int = 2, name: str = "") -> Picture:
    names = [f"eu-central-1{letter}" + (f" {name}" if name else "") for letter in "abcdef"[:zones]]
    return Picture(
        vpc=PictureVpc(
            id="net/Vpc",
            name=f"{name or 'demo'}-vpc",
            cidr="10.40.0.0/16",
            zones=names,
            subnets=subnets(names, [k for k in kinds if k != "hybrid_nodes"], per_zone=per_zone, name=name),
            internet_gateway=True,
            endpoints=["s3", "ecr.api", "ecr.dkr", "sts", "logs", "ec2"],
        ),
        api="public and private",
        api_from=["0.0.0.0/0"],
        logs=["api", "audit", "authenticator"],
        key="customer",
        add_ons=["vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "aws-ebs-csi-driver"],
    )


_WORDS: dict[Any, str] = {
    "auto_mode": "built-in pools general-purpose and system",
    "managed_nodes": "2 node groups: general (1 to 3 t4g.large), batch (0 to 10 m7g.xlarge, Spot)",
    "fargate": "1 profile: apps (namespace fargate-*)",
    "hybrid_nodes": "remote networks 172.16.0.0/16",
    "self_managed_nodes": "1 Auto Scaling group: legacy (2 c5.large)",
}


def cluster(number: int, name: str, version: str, kinds: list[Any], drawn: Picture) -> ClusterReview:
    stack = f"{name}-cluster"
    states = [
        CellState(
            component=component.id,
            kind=cell.kind,
            evidence=[evidence(stack, f"Cluster{number}", path="Logging", line=120)] if index % 2 else [],
            open=(index + number) % 3 if cell.owner in ("customer", "shared") else 0,
            accepted=int(index % 9 == 4),
            met=index % 4,
            unknown=int(index % 11 == 5),
        )
        for index, component in enumerate(components(kinds))
        for cell in component.cells
        if cell.owner != "aws" or index < 3
    ]
    return ClusterReview(
        id=f"{stack}/Cluster{number}",
        name=name,
        stack=stack,
        version=version,
        support=next(v for v in versions() if v.version == version),
        compute=[
            ComputeUse(kind=kind, words=_WORDS[kind], evidence=[evidence(stack, f"Nodes{kind}", "AWS::EKS::Nodegroup")])
            for kind in kinds
        ],
        cells=states,
        picture=drawn,
        evidence=evidence(stack, f"Cluster{number}", line=88),
    )


def findings_of(item: ClusterReview) -> list[Finding]:
    found = []
    for number, check in enumerate(checks()):
        status: Any = ("open", "met", "open", "unknown", "not_applicable", "open", "met")[(number + len(item.name)) % 7]
        accepted = None
        if status == "open" and number % 4 == 3:
            accepted = Acceptance(
                reason="The office has no fixed address until the move.",
                until=AS_OF + timedelta(days=60 if number != 7 else -3),
                expired=number == 7,
            )
        found.append(
            Finding(
                code=check.code,
                status=status,
                subject=f"cluster {item.name}" if number % 2 else f"node group general of {item.name}",
                detail="PublicAccessCidrs is not set: 0.0.0.0/0 reaches it"
                if status != "unknown"
                else "the value comes from a parameter without a default",
                cluster=item.id,
                evidence=[
                    evidence(item.stack, item.evidence.resource, path="ResourcesVpcConfig.PublicAccessCidrs", line=88)
                ],
                accepted=accepted,
            )
        )
    return found


def review(items: list[ClusterReview], kinds: list[Any], **changes: Any) -> Review:
    found = [finding for item in items for finding in findings_of(item)]
    severity = {check.code: check.severity for check in checks()}
    open_ = [finding for finding in found if finding.counts_as_open]
    lines = [line for item in items for line in cost_lines(item)]
    values: dict[str, Any] = {
        "source": "cdk.out",
        "as_of": AS_OF,
        "stacks": [
            StackInfo(name=item.stack, file=item.evidence.file, description="One EKS cluster", resources=48)
            for item in items
        ],
        "summary": Summary(
            open={s: sum(severity[f.code] == s for f in open_) for s in ("critical", "high", "medium", "low")},
            accepted=sum(f.status == "open" for f in found) - len(open_),
            met=sum(f.status == "met" for f in found),
            unknown=sum(f.status == "unknown" for f in found),
            not_applicable=sum(f.status == "not_applicable" for f in found),
        ),
        "resolved": Coverage(computed=1204, total=1220, unknown=16),
        "answered": Coverage(computed=len(found), total=len(found) + 3, unknown=3),
        "unknowns": [
            UnknownValue(
                evidence=evidence(item.stack, "Vpc", "AWS::EC2::VPC", "CidrBlock"), reason="parameter without default"
            )
            for item in items[:3]
        ],
        "kinds": kinds,
        "components": components(kinds),
        "clusters": items,
        "checks": checks(),
        "findings": found,
        "exposure": [entry for item in items for entry in exposures(item)],
        "identities": [entry for item in items for entry in identities(item)],
        "cost": Cost(
            currency="USD",
            region="eu-central-1",
            checked=date(2026, 11, 20),
            hours_per_month=730,
            total=sum(line.monthly for line in lines),
            lines=lines,
            not_priced=["Data transfer: depends on use", "Auto Mode's fee: the nodes come and go with the pods"],
        ),
        "versions": versions(),
        "counts": counts(kinds) if kinds else [],
        "owned": [owned(kind, kinds) for kind in kinds],
    }
    return Review(**(values | changes))


DEMO_KINDS: list[Any] = ["auto_mode", "managed_nodes", "fargate"]


def demo() -> Review:
    return review([cluster(1, "demo", "1.36", DEMO_KINDS, picture(2, DEMO_KINDS))], DEMO_KINDS)


def naive() -> Review:
    kinds: list[Any] = ["managed_nodes"]
    drawn = picture(3, kinds).model_copy(update={"key": "aws", "logs": [], "add_ons": []})
    return review([cluster(1, "Cluster", "1.32", kinds, drawn)], kinds)


def many(number: int = 60) -> Review:
    names = [("payments", "search", "batch", "shop", "media")[n % 5] + f"-{n + 1:02}" for n in range(number)]
    mixes: list[list[Any]] = [DEMO_KINDS, ["managed_nodes"], ["fargate", "auto_mode"], ["auto_mode"]]
    items = [
        cluster(n, name, VERSIONS[n % 5][0], mixes[n % 4], picture(2 + n % 2, mixes[n % 4]))
        for n, name in enumerate(names)
    ]
    return review(items, DEMO_KINDS)


def empty() -> Review:
    """No cluster, no finding, no cost."""
    return review([], [], components=[], checks=[], versions=[], stacks=[], unknowns=[])


def unknown_network() -> Review:
    drawn = Picture(vpc=None, api="unknown", api_from=[], logs=[], key="unknown", add_ons=[])
    item = cluster(1, "bare", "1.37", [], drawn)
    return review([item], [], components=[], versions=[])


def hostile() -> Review:
    """Markup, quotes, bad links and very long names wherever the document has text."""
    kinds = list(COMPUTE_KINDS)
    item = cluster(1, HOSTILE, "1.36", kinds, picture(6, kinds, name=HOSTILE))
    other = cluster(2, LONG, "1.35", kinds, picture(6, kinds, per_zone=2, name=LONG))
    bad = [check.model_copy(update={"source": "javascript:alert(1)", "why": HOSTILE}) for check in checks()]
    return review([item, other], kinds, source=HOSTILE, checks=bad)


def changed() -> Review:
    base = demo()
    item = base.clusters[0]
    opened = [finding for finding in base.findings if finding.counts_as_open][:2]
    closed = [finding for finding in base.findings if finding.status == "met"][:1]
    change = ResourceChange(
        change="replaced",
        paths=["EncryptionConfig", "Tags"],
        because=["EncryptionConfig"],
        keeps_data=False,
        evidence=evidence(item.stack, "Cluster1", line=88),
    )
    nodes = evidence(item.stack, "NodesGeneral", "AWS::EKS::Nodegroup", line=300)
    return base.model_copy(
        update={
            "baseline": Baseline(
                source="origin/main",
                changes=[
                    change,
                    ResourceChange(
                        change="modified", paths=["ScalingConfig.MaxSize"], because=[], keeps_data=True, evidence=nodes
                    ),
                    ResourceChange(change="added", paths=[], because=[], keeps_data=True, evidence=nodes),
                ],
                owners=[
                    OwnerChange(cluster=item.id, component="kubelet", kind="auto_mode", before=None, after="aws"),
                    OwnerChange(
                        cluster=item.id, component="os", kind="managed_nodes", before="customer", after="shared"
                    ),
                ],
                opened=opened,
                closed=closed,
                cost_before=120.5,
                cost_after=base.cost.total,
            )
        }
    )
