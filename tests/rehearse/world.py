"""Makes a case of the rows of cases.yaml: one namespace and one node group each."""

from functools import cache
from pathlib import Path
from typing import Any

from local_kubernetes.nodes.compute import Compute
from local_kubernetes.nodes.node import name_of
from rehearse.case import Case, Given
from safe_io import yaml_file

POOL = "karpenter.sh/nodepool"
GROUP = "eks.amazonaws.com/nodegroup"
SUBNETS = {name: {"zone": f"eu-west-1{name}"} for name in "ab"}
Object = dict[str, Any]


@cache
def rows() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = yaml_file.load(Path(__file__).with_name("cases.yaml"))
    return found


def pod_spec(name: str, row: dict[str, Any], place: str = GROUP) -> Object:
    container: Object = {"name": "one", "image": "none", "resources": {"requests": {"cpu": row.get("cpu", "50m")}}}
    container["readinessProbe"] = {
        "tcpSocket": {"port": 80},
        "initialDelaySeconds": row.get("ready", 0),
        "periodSeconds": 5,
    }
    if "pre_stop" in row:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": row["pre_stop"]}}}
    spec: Object = {"containers": [container], "nodeSelector": {}, **row.get("pod", {})}
    spec["nodeSelector"] = {place: name, **spec["nodeSelector"]}
    selector = {"matchLabels": {"app": name}}
    if row.get("apart"):
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    if row.get("spread"):
        rule = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
        spec["topologySpreadConstraints"] = [{**rule, "labelSelector": selector}]
    return spec


def objects(name: str, row: dict[str, Any], place: str = GROUP) -> list[Object]:
    found: list[Object] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}]
    labels = {"app": name}
    about = {"name": name, "namespace": name}
    for kind, key in (("Deployment", "deploy"), ("StatefulSet", "stateful")):
        of = row.get(key, {})
        replicas = of.get("replicas", row.get("replicas", 2)) if kind == "Deployment" else of.get("replicas", 0)
        if not replicas:
            continue
        metadata = {"labels": labels, **{key: of[key] for key in ("finalizers", "annotations") if key in of}}
        template = {"metadata": metadata, "spec": pod_spec(name, of, place)}
        spec: Object = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        spec |= {"paused": True} if "pause" in row else {}
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
    found += [{**one, "metadata": {**one["metadata"], "namespace": name}} for one in row.get("extra", [])]
    judges = {"webhook": webhook, "policy": policy}
    return [*found, *(item for key in judges if key in row for item in judges[key](name))]


def policy(name: str) -> list[Object]:
    """A policy that lets no more pods of a namespace in."""
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    space = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    judged = {"expression": "has(object.spec.securityContext.runAsNonRoot)", "message": "must not be root"}
    spec = {"matchConstraints": {"namespaceSelector": space, "resourceRules": [rule]}, "validations": [judged]}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {**api, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**api, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound},
    ]


def webhook(name: str) -> list[Object]:
    """A webhook that judges the new pods of a namespace, and whose own pods are gone."""
    service = {"name": name, "namespace": name}
    hook = {
        "name": f"{name}.example.com", "clientConfig": {"service": service}, "failurePolicy": "Fail", "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }  # fmt: skip
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": service, "spec": {"selector": {"app": "gone"}, "ports": [{"port": 443}]}},
        {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [hook],
        },
    ]  # fmt: skip


def pool(name: str, row: dict[str, Any]) -> Object:
    domain, kind = ("karpenter.k8s.aws", "EC2NodeClass") if row.get("karpenter") else ("eks.amazonaws.com", "NodeClass")
    nodes = {
        "nodeClassRef": {"group": domain, "kind": kind, "name": "one"}, "expireAfter": "Never",
        "requirements": [{"key": f"{domain}/instance-size", "operator": "In", "values": ["large"]}], **row.get("nodes", {}),
    }  # fmt: skip
    spec = {"disruption": {"consolidateAfter": "1h"}, **row.get("pool", {}), "template": {"spec": nodes}}
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": spec}


def group(name: str, row: dict[str, Any]) -> Object:
    default = {
        "nodegroupName": name, "subnets": ["a", "b"], "instanceTypes": ["m5.large"], "amiType": "AL2023_x86_64_STANDARD",
        "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 2},
    }  # fmt: skip
    return {**default, **row.get("group", {})}


def everything() -> Case:
    """All rows as one cluster."""
    named = {name: row for part, of in rows().items() for name, row in of.items() if part != "pools"}
    pools = rows()["pools"]
    storage = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    number = 1
    for name, row in named.items():
        host = name_of("managed_nodes", number, "eu-west-1a")
        for spec in (row.get("deploy", {}), row.get("bare", {})):
            if spec.get("host"):
                spec.setdefault("pod", {})["nodeSelector"] = {"kubernetes.io/hostname": host}
            if spec.get("named"):
                spec.setdefault("pod", {})["nodeName"] = host
        number += group(name, row)["scalingConfig"]["desiredSize"]
    given = [Given(item, f"cases.yaml: {name}") for name, row in named.items() for item in objects(name, row)]
    for name, row in pools.items():
        spread = {**row, "deploy": {"apart": True, **row.get("deploy", {})}}
        given += [Given(item, f"cases.yaml: {name}") for item in (pool(name, row), *objects(name, spread, POOL))]
    compute = Compute(
        {"name": "cases", "version": "1.36", "computeConfig": {"enabled": True}},
        [group(name, row) for name, row in named.items()],
        (),
        SUBNETS,
    )
    return Case("cases", "cases.yaml", compute, [Given(storage, "cases.yaml"), *given])
