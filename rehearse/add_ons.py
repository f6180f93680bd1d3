"""The add-ons of EKS: pods of the same number, place and importance as the real ones. What they do is not played."""

from collections.abc import Iterator

from local_kubernetes.addons import addon_objects
from local_kubernetes.nodes.compute import Compute
from rehearse.case import Object


def stand_ins(compute: Compute) -> Iterator[Object]:
    """Yields the objects of a cluster's add-ons, each Deployment of several pods with the budget that the add-ons of EKS bring.

    https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html
    """
    for row in compute.addons:
        name, version = str(row["addonName"]), str(row.get("addonVersion") or "")
        for item in addon_objects(name, version, str(row.get("configurationValues") or "")):
            yield item
            if item["kind"] == "Deployment" and item["spec"]["replicas"] > 1:
                budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": dict(item["metadata"])}
                yield {**budget, "spec": {"maxUnavailable": 1, "selector": item["spec"]["selector"]}}
