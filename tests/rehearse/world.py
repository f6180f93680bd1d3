"""Makes a case of the rows of cases.yaml: one namespace and one node group each."""

from functools import cache
from pathlib import Path
from typing import Any

from local_kubernetes.nodes.compute import Compute
from rehearse.case import Case, Given
from safe_io import yaml_file

GROUP = "eks.amazonaws.com/nodegroup"
SUBNETS = {name: {"zone": f"eu-west-1{name}"} for name in "ab"}
Object = dict[str, Any]


@cache
def rows() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = yaml_file.load(Path(__file__).with_name("cases.yaml"))
    return found


def pod_spec(name: str, row: dict[str, Any]) -> Object:
    container: Object = {"name": "one", "image": "none", "resources": {"requests": {"cpu": row.get("cpu", "50m")}}}
    container["readinessProbe"] = {
        "tcpSocket": {"port": 80},
        "initialDelaySeconds": row.get("ready", 0),
        "periodSeconds": 5,
    }
    if "pre_stop" in row:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": row["pre_stop"]}}}
    spec: Object = {"containers": [container], "nodeSelector": {GROUP: name}, **row.get("pod", {})}
    spec["nodeSelector"] = {GROUP: name, **spec["nodeSelector"]}
    selector = {"matchLabels": {"app": name}}
    if row.get("apart"):
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    if row.get("spread"):
        rule = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
        spec["topologySpreadConstraints"] = [{**rule, "labelSelector": selector}]
    if row.get("host"):
        spec["nodeSelector"]["kubernetes.io/hostname"] = "HOST"
    return spec


def objects(name: str, row: dict[str, Any]) -> list[Object]:
    found: list[Object] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}]
    labels = {"app": name}
    about = {"name": name, "namespace": name}
    for kind, key in (("Deployment", "deploy"), ("StatefulSet", "stateful")):
        of = row.get(key, {})
        replicas = of.get("replicas", row.get("replicas", 2)) if kind == "Deployment" else of.get("replicas", 0)
        if not replicas:
            continue
        metadata = {"labels": labels, **({"finalizers": of["finalizers"]} if "finalizers" in of else {})}
        spec: Object = {
            "replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": metadata, "spec": pod_spec(name, of)},
        }  # fmt: skip
        if "minReadySeconds" in of:
            spec["minReadySeconds"] = of["minReadySeconds"]
        if kind == "StatefulSet":
            claim = {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "gp3",
                "resources": {"requests": {"storage": "1Gi"}},
            }
            spec |= {"serviceName": name, "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}]}
        found.append({"apiVersion": "apps/v1", "kind": kind, "metadata": about, "spec": spec})
    if "bare" in row:
        metadata = {
            "name": "alone",
            "namespace": name,
            "labels": labels,
            "finalizers": row["bare"].get("finalizers", []),
        }
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(name, row["bare"])})
    for number, budget in enumerate(row.get("budgets", [{"maxUnavailable": 1}])):
        place = f"{name}-elsewhere" if row.get("elsewhere") else name
        spec = {"selector": {"matchLabels": labels}, **budget}
        found.append(
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": f"b{number}", "namespace": place},
                "spec": spec,
            }
        )
    if "quota" in row:
        found.insert(
            1,
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "quota", "namespace": name},
                "spec": {"hard": row["quota"]},
            },
        )
    return found


def group(name: str, row: dict[str, Any]) -> Object:
    default = {
        "nodegroupName": name, "subnets": ["a", "b"], "instanceTypes": ["m5.large"], "amiType": "AL2023_x86_64_STANDARD",
        "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 2},
    }  # fmt: skip
    return {**default, **row.get("group", {})}


def everything() -> Case:
    """All rows as one cluster."""
    named = {name: row for part in rows().values() for name, row in part.items()}
    storage = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    given = [Given(item, f"cases.yaml: {name}") for name, row in named.items() for item in objects(name, row)]
    compute = Compute(
        {"name": "cases", "version": "1.36"}, [group(name, row) for name, row in named.items()], (), SUBNETS
    )
    return Case("cases", "cases.yaml", compute, [Given(storage, "cases.yaml"), *given])
