"""Stand-ins for the add-ons of EKS: pods of the same number, place and importance. What they do is not played."""

from collections.abc import Iterator
from typing import Any

from eks_facts.addons import addons
from local_kubernetes.nodes.compute import Compute
from local_kubernetes.nodes.node import COMPUTE_TYPE, KIND
from rehearse.case import Object

NAMESPACE = "kube-system"
_REPLICAS = 2
_DEPLOYMENT_REQUESTS = {"cpu": "100m", "memory": "70Mi"}
_DAEMON_REQUESTS = {"cpu": "50m", "memory": "64Mi"}


def stand_ins(compute: Compute) -> Iterator[Object]:
    """Yields the objects of the add-ons of a cluster. https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html"""
    for row in compute.addons:
        name = str(row["addonName"])
        rules = addons().get(name)
        if rules is None:
            continue
        if rules["type"] == "daemonset":
            yield _daemon_set(name)
        else:
            yield from _deployment(name, compute)


def _template(name: str, spec: dict[str, Any], requests: dict[str, str], labels: dict[str, str]) -> dict[str, Any]:
    container = {"name": "one", "image": f"add-on/{name}", "resources": {"requests": requests}}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}}


def _daemon_set(name: str) -> Object:
    on_hybrid = "hybrid_nodes" in (addons().get(name) or {}).get("compute", ())
    values = ["fargate", "auto", *([] if on_hybrid else ["hybrid"])]
    away = {"key": COMPUTE_TYPE, "operator": "NotIn", "values": values}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [away]}]}
    spec = {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "system-node-critical",
    }
    labels = {"k8s-app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": _template(name, spec, _DAEMON_REQUESTS, labels)},
    }


def _deployment(name: str, compute: Compute) -> Iterator[Object]:
    labels = {"k8s-app": "kube-dns" if name == "coredns" else name}
    open_groups = [
        one for one in compute.groups() if not any(taint["effect"] != "PreferNoSchedule" for taint in one.taints)
    ]
    spec: dict[str, Any] = {
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
    }
    if open_groups and any(one.desired for one in open_groups):
        here = {"key": KIND, "operator": "In", "values": ["managed_nodes", "self_managed_nodes", "hybrid_nodes"]}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [here]}]}
        spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    selector = {"matchLabels": labels}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": _REPLICAS,
            "selector": selector,
            "template": _template(name, spec, _DEPLOYMENT_REQUESTS, labels),
        },
    }
    yield {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"maxUnavailable": 1, "selector": selector},
    }
