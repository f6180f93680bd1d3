"""What the page's test documents say of a cluster besides its findings: ways in, identities, costs, counts."""

from typing import Any

from responsibility.document import ClusterReview, CostLine, Exposure, Identity, OwnedCount, ResourceCount
from responsibility.findings import Evidence
from tests.responsibility.render.page_model import components


def evidence(stack: str, resource: str, type_: str = "AWS::EKS::Cluster", path: str = "", line: int = 0) -> Evidence:
    return Evidence(
        stack=stack, resource=resource, type=type_, path=path, file=f"cdk.out/{stack}.template.json", line=line
    )


def exposures(item: ClusterReview) -> list[Exposure]:
    proof = [evidence(item.stack, item.evidence.resource, path="ResourcesVpcConfig")]
    return [
        Exposure(
            way="Kubernetes API",
            level="open",
            words="Reachable from 0.0.0.0/0; IAM and access entries stand in the way.",
            cluster=item.id,
            evidence=proof,
        ),
        Exposure(
            way="load balancer", level="limited", words="Internet-facing, port 443.", cluster=item.id, evidence=proof
        ),
        Exposure(way="node", level="closed", words="No node has a public address.", cluster=item.id, evidence=proof),
    ]


def identities(item: ClusterReview) -> list[Identity]:
    return [
        Identity(
            name=f"{item.name}-{name}",
            what=what,
            assumed_by=[by],
            may=may,
            breadth=breadth,
            clusters=[item.id],
            evidence=evidence(item.stack, f"Role{name}", "AWS::IAM::Role"),
        )
        for name, what, by, may, breadth in (
            ("admin", "role", "everyone in this account who may assume it", ["describe this cluster"], "narrow"),
            ("admin-entry", "access_entry", "role admin", ["everything in the cluster"], "admin"),
            (
                "node",
                "role",
                "EC2 instances",
                ["join the cluster", "pull images", "any S3 action on any bucket"],
                "broad",
            ),
            (
                "controller",
                "role",
                "pods of kube-system/controller",
                ["not known: the policy is a parameter"],
                "unknown",
            ),
        )
    ]  # type: ignore[misc, arg-type]


def cost_lines(item: ClusterReview) -> list[CostLine]:
    proof = evidence(item.stack, item.evidence.resource)
    shape: list[tuple[str, Any, float, str, float, bool]] = [
        ("Control plane", None, 730, "hour", 0.10, True),
        ("NAT gateway", None, 730, "hour", 0.052, True),
        ("Node group general: 1 t4g.large", "managed_nodes", 730, "hour", 0.0768, False),
    ]
    return [
        CostLine(
            what=what,
            cluster=item.id,
            kind=kind,
            quantity=quantity,
            unit=unit,
            unit_price=price,
            monthly=round(quantity * price, 2),
            assumption="runs the whole month, without discounts",
            source="https://aws.amazon.com/eks/pricing/",
            verified=verified,
            evidence=proof,
        )
        for what, kind, quantity, unit, price, verified in shape
    ]


def counts(kinds: list[Any]) -> list[ResourceCount]:
    return [
        ResourceCount(type="AWS::EKS::Cluster", component="api_server", owner="aws", kind=None, count=1),
        ResourceCount(type="AWS::EC2::Subnet", component="vpc", owner="customer", kind=None, count=6),
        *(
            ResourceCount(type="AWS::IAM::Role", component="identity", owner="customer", kind=kind, count=index + 1)
            for index, kind in enumerate(kinds)
        ),
        ResourceCount(type="AWS::EKS::Nodegroup", component="autoscaling", owner="shared", kind=kinds[0], count=2),
    ]


def owned(kind: Any, kinds: list[Any]) -> OwnedCount:
    cells = [cell.owner for row in components(kinds) for cell in row.cells if cell.kind == kind]
    return OwnedCount(
        kind=kind, resources=7, **{name: cells.count(name) for name in ("aws", "shared", "customer", "not_available")}
    )
