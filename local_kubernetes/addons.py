"""The pods of EKS add-ons and of charts on a local cluster: their Deployments and DaemonSets, with the names and places of the real ones.

What is in their containers is not here: nothing runs in a simulated pod.
"""

import json
from typing import Any

from eks_facts.addons import addons
from eks_facts.files import load
from local_kubernetes.client import Object
from local_kubernetes.definitions import KARPENTER, definitions

Workloads = dict[str, tuple[str, dict[str, str]]]

_PARTS: dict[str, Workloads] = {
    # add-on: name of the object: its kind, and the labels of its pods
    "coredns": {"coredns": ("Deployment", {"k8s-app": "kube-dns"})},
    "vpc-cni": {"aws-node": ("DaemonSet", {"k8s-app": "aws-node"})},
    "kube-proxy": {"kube-proxy": ("DaemonSet", {"k8s-app": "kube-proxy"})},
    "aws-ebs-csi-driver": {
        "ebs-csi-controller": ("Deployment", {"app": "ebs-csi-controller"}),
        "ebs-csi-node": ("DaemonSet", {"app": "ebs-csi-node"}),
    },
    "aws-efs-csi-driver": {
        "efs-csi-controller": ("Deployment", {"app": "efs-csi-controller"}),
        "efs-csi-node": ("DaemonSet", {"app": "efs-csi-node"}),
    },
}
"""Where an add-on is more than one object, or is called otherwise. All others: one of the add-on's own name, of the type in eks_facts."""
_ONE = frozenset({"snapshot-controller", "external-dns", "amazon-cloudwatch-observability"})
"""Deployments with one replica; the others have two, each on a node of its own if there is one."""
_CPU = {"coredns": "100m", "vpc-cni": "50m", "kube-proxy": "100m", "metrics-server": "100m"}
"""What they request, as far as the add-ons' own manifests say."""
_COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
_LINUX = {"kubernetes.io/os": "linux"}
"""The add-ons' own rule: none of their pods that are here runs on Windows."""
_VIRTUAL = ("fargate", "auto")
"""Compute on which no DaemonSet of an add-on runs."""
_TOLERATIONS = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
CHART_REPLICAS = 2
STANDS_FOR = "local-kubernetes/stands-for"
"""Label of the objects that stand for a chart."""
_DAEMON_SETS = frozenset(str(row["chart"]) for row in load("devices")["charts"].values())
"""Charts of device plugins and of drivers of claims: a pod on each node that has the device."""
_CLASSES = {"aws-load-balancer-controller": ("alb", "ingress.k8s.aws/alb")}
"""The IngressClass that a chart makes, and its controller."""


def addon_objects(name: str, version: str, configuration: str = "") -> list[Object]:
    """Returns the objects of an add-on. One that eks_facts does not know has none.

    Args:
        name: such as ``coredns``.
        version: shown as the version of its image.
        configuration: its settings, JSON or YAML as EKS takes them; the node selector and the replicas in them count.
    """
    row = addons().get(name)
    if row is None:
        return []
    kind = "DaemonSet" if row["type"] == "daemonset" else "Deployment"
    namespace = (row.get("identity") or {}).get("namespace", "kube-system")
    settings = _settings(configuration)
    parts = _PARTS.get(name, {name: (kind, {"app.kubernetes.io/name": name})})
    account = (row.get("identity") or {}).get("service_account", "default")
    objects = [] if namespace == "kube-system" else [_namespace(namespace)]
    if account != "default":
        objects.append(_object("v1", "ServiceAccount", account, namespace, {}))
    for part, (part_kind, labels) in parts.items():
        image = f"{name}:{version}"
        placed = settings.get(row["placement"], settings) if row.get("placement") else settings
        spec = _pod(part, image, account, _CPU.get(name, "10m"), placed if part_kind == "Deployment" else {})
        spec["nodeSelector"] = {**_LINUX, **spec.get("nodeSelector", {})}
        if part_kind == "DaemonSet":
            spec["tolerations"] = [{"operator": "Exists"}]
            away = [*_VIRTUAL, *([] if _on_hybrid_nodes(row, settings) else ["hybrid"])]
            terms = [{"matchExpressions": [{"key": _COMPUTE_TYPE, "operator": "NotIn", "values": away}]}]
            spec["affinity"] = {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
            }
            spec["priorityClassName"] = "system-node-critical"
            objects.append(_workload("DaemonSet", part, namespace, labels, spec, None))
        else:
            replicas = int(placed.get("replicaCount") or settings.get("replicaCount") or (1 if name in _ONE else 2))
            objects.append(_workload("Deployment", part, namespace, labels, spec, replicas))
    return objects


def _on_hybrid_nodes(row: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether an add-on's DaemonSet runs on hybrid nodes: AWS lists it, and a setting that it needs there is made."""
    needed = (row.get("beside") or {}).get("hybrid_nodes", {})
    return "hybrid_nodes" in row.get("compute", ()) and _has(settings, needed)


def _has(settings: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(settings == wanted)
    return isinstance(settings, dict) and all(_has(settings.get(key), value) for key, value in wanted.items())


def chart_objects(release: str, chart: str, namespace: str, values: dict[str, Any]) -> list[Object]:
    """Returns what stands for a chart: the Deployment and the service account of its controller, and the class that it serves.

    Args:
        release: its name.
        chart: such as ``aws-load-balancer-controller``. Karpenter's definitions come with its chart of definitions.
        namespace: where it goes.
        values: of the chart; replicas, service account and placement count.
    """
    if chart.startswith("karpenter") and chart.endswith("-crd"):
        return list(definitions(KARPENTER))
    labels = {"app.kubernetes.io/name": chart, "app.kubernetes.io/instance": release}
    account = str((values.get("serviceAccount") or {}).get("name") or release)
    objects = [_object("v1", "ServiceAccount", account, namespace, {})]
    spec = _pod(chart, chart, account, "100m", _placed(values))
    if chart in _DAEMON_SETS:
        objects.append(_workload("DaemonSet", release, namespace, labels, spec, None))
    else:
        replicas = int(values.get("replicaCount") or values.get("replicas") or CHART_REPLICAS)
        objects.append(_workload("Deployment", release, namespace, labels, spec, replicas))
    for item in objects:
        item["metadata"]["labels"] = {**labels, STANDS_FOR: "chart"}
    if served := _CLASSES.get(chart):
        ingress_class = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": served[0]}}
        objects.append({**ingress_class, "spec": {"controller": served[1]}})
    return objects


def _placed(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the part of a chart's values that says where its pods run: the whole, or the part of one component."""
    parts = [values, *(part for part in values.values() if isinstance(part, dict))]
    return next((part for part in parts if {"affinity", "nodeSelector"} & part.keys()), values)


def _settings(configuration: str) -> dict[str, Any]:
    """Returns add-on settings. EKS takes YAML too, but the project writes JSON; what cannot be read places nothing."""
    try:
        found = json.loads(configuration or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pod(name: str, image: str, account: str, cpu: str, placed: dict[str, Any]) -> dict[str, Any]:
    wanted = {key: placed[key] for key in ("nodeSelector", "affinity") if placed.get(key)}
    container = {"name": name, "image": image, "resources": {"requests": {"cpu": cpu, "memory": "70Mi"}}}
    tolerations = [*_TOLERATIONS, *(placed.get("tolerations") or [])]
    return {
        "containers": [container], "serviceAccountName": account, "priorityClassName": "system-cluster-critical",
        "tolerations": tolerations, **wanted,
    }  # fmt: skip


def _workload(
    kind: str, name: str, namespace: str, labels: dict[str, str], pod: dict[str, Any], replicas: int | None
) -> Object:
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {
        "selector": {"matchLabels": labels},
        "template": template,
        **({} if replicas is None else {"replicas": replicas}),
    }
    return _object("apps/v1", kind, name, namespace, {"spec": spec})


def _object(version: str, kind: str, name: str, namespace: str, rest: dict[str, Any]) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
