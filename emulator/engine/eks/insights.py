"""EKS's operations on cluster insights. All of them pass, until a test says otherwise (scenario.py)."""

import uuid
from collections.abc import Iterator

from emulator.engine.eks.service import Answer, Eks, Parameters, operation
from emulator.engine.eks.state import Record, now

_INSIGHTS: tuple[tuple[str, str], ...] = (
    ("UPGRADE_READINESS", "Deprecated APIs removed in Kubernetes v{next}"),
    ("UPGRADE_READINESS", "EKS add-on version compatibility"),
    ("UPGRADE_READINESS", "Kubelet version skew"),
    ("UPGRADE_READINESS", "kube-proxy version skew"),
    ("UPGRADE_READINESS", "Cluster health issues"),
)
"""Category and name. https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html"""


def _of(eks: Eks, cluster: str) -> Iterator[Record]:
    """Yields the insights of a cluster, which are made when they are first asked for."""
    record = eks.state.cluster(cluster)
    minor = int(record["version"].split(".")[1]) + 1
    for category, name in _INSIGHTS:
        title = name.format(next=f"1.{minor}")
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{record['arn']}/{title}"))
        yield eks.state.children.setdefault(
            ("insight", cluster, identifier),
            {
                "id": identifier,
                "name": title,
                "category": category,
                "kubernetesVersion": f"1.{minor}",
                "lastRefreshTime": now(),
                "lastTransitionTime": now(),
                "description": f"Checks: {title}.",
                "insightStatus": {"status": "PASSING", "reason": "No problem found."},
                "recommendation": "",
                "resources": [],
                "additionalInfo": {},
                "categorySpecificSummary": {},
            },
        )


@operation
def list_insights(eks: Eks, parameters: Parameters) -> Answer:
    """Lists a cluster's insights, by category, version and status."""
    wanted = parameters.get("filter", {})
    found = [
        one
        for one in _of(eks, parameters["clusterName"])
        if one["category"] in wanted.get("categories", [one["category"]])
        and one["kubernetesVersion"] in wanted.get("kubernetesVersions", [one["kubernetesVersion"]])
        and one["insightStatus"]["status"] in wanted.get("statuses", [one["insightStatus"]["status"]])
    ]
    return eks.page(found, parameters, "insights")


@operation
def describe_insight(eks: Eks, parameters: Parameters) -> Answer:
    """Describes an insight."""
    list(_of(eks, parameters["clusterName"]))
    return {"insight": eks.state.child("insight", parameters["clusterName"], parameters["id"])}
