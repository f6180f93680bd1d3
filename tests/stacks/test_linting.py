"""Objects of workloads that a cluster would refuse, or that surely do not work, are refused with file, line and key."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from stacks.objects.linting import refuse_unsound
from stacks.objects.rendering import placed_workloads
from tests.stacks.own_workloads import Workloads
from tests.support.environments import minimal, validated

SHOP = yaml.safe_load("""
deployment:
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    replicas: 2
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers:
          - name: web
            image: nginx:1.29
            ports: [{name: http, containerPort: 8080}]
            readinessProbe: {httpGet: {port: http}}
            resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
            volumeMounts: [{name: settings, mountPath: /etc/web}]
        volumes: [{name: settings, configMap: {name: web}}]
settings: {apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {a: b}}
service:
  apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
budget:
  apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: web}
  spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
scaler:
  apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata: {name: web}
  spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 4}
policy:
  apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: web}
  spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16}}]}]}
ingress:
  apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {name: web}
  spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]}
crd:
  apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: prices.shop.example.com}
  spec:
    group: shop.example.com
    scope: Namespaced
    names: {kind: Price, plural: prices, singular: price, listKind: PriceList}
    versions:
      - name: v1
        served: true
        storage: true
        schema:
          openAPIV3Schema:
            type: object
            properties:
              spec:
                type: object
                properties: {low: {type: integer}, high: {type: integer}}
                x-kubernetes-validations: [{rule: self.low <= self.high, message: low is above high}]
price: {apiVersion: shop.example.com/v1, kind: Price, metadata: {name: tea}, spec: {low: 1, high: 2}}
""")
POD = ("deployment", "spec", "template", "spec")
WEB = (*POD, "containers", 0)
BACKEND = ("ingress", "spec", "rules", 0, "http", "paths", 0)
SEEDS: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "unknown field": (("deployment", "spec", "replica"), 2, "did you mean replicas?"),
    "wrong type": (("deployment", "spec", "replicas"), "two", "must be a whole number"),
    "negative replicas": (("deployment", "spec", "replicas"), -1, "must be at least 0"),
    "selector of others": (
        ("deployment", "spec", "selector", "matchLabels"),
        {"app": "wbe"},
        "pods of its own template",
    ),
    "service of nothing": (("service", "spec", "selector"), {"app": "wbe"}, "selects no pod"),
    "service port by name": (("service", "spec", "ports", 0, "targetPort"), "https", "none of its pods has port https"),
    "port above": (("service", "spec", "ports", 0, "port"), 70000, "must be at most 65535"),
    "node port": (("service", "spec", "ports", 0, "nodePort"), 80, "must be at least 30000"),
    "service type": (("service", "spec", "type"), "Loadbalancer", "must be ClusterIP, NodePort"),
    "quantity": ((*WEB, "resources", "requests", "memory"), "64MB", "must be a quantity"),
    "requests above limits": ((*WEB, "resources", "requests", "memory"), "1Gi", "the limit is 128Mi"),
    "mount of nothing": ((*WEB, "volumeMounts", 0, "name"), "cache", "the pod has no volume cache"),
    "probe of nothing": ((*WEB, "readinessProbe", "httpGet", "port"), "health", "container web has no port health"),
    "probe of another number": ((*WEB, "readinessProbe", "httpGet", "port"), 9090, "container web has no port 9090"),
    "pull policy": ((*WEB, "imagePullPolicy"), "Sometimes", "must be Always, IfNotPresent, Never"),
    "container name": ((*WEB, "name"), "Web_1", "a container's name has"),
    "variable twice": (
        (*WEB, "ports"),
        [{"name": "http", "containerPort": 1}, {"name": "http", "containerPort": 2}],
        "second",
    ),
    "settings of nothing": ((*POD, "volumes", 0, "configMap", "name"), "wbe", "there is no ConfigMap wbe"),
    "account of nothing": ((*POD, "serviceAccountName"), "wbe", "there is no ServiceAccount wbe"),
    "restart policy": ((*POD, "restartPolicy"), "Never", "the pods of a Deployment have Always"),
    "label of true": (("deployment", "metadata", "labels"), {"a": "b c"}, "a label's value has"),
    "name": (("settings", "metadata", "name"), "Web_Settings", "the name of a ConfigMap has"),
    "two bounds": (("budget", "spec", "minAvailable"), 1, "excludes minAvailable"),
    "budget of nothing": (("budget", "spec", "selector", "matchLabels"), {"app": "wbe"}, "selects no pod"),
    "minimum": (("scaler", "spec", "minReplicas"), 5, "maxReplicas is 4"),
    "scales nothing": (("scaler", "spec", "scaleTargetRef", "name"), "wbe", "there is no Deployment wbe"),
    "unknown API": (("scaler", "apiVersion"), "autoscaling/v3", "it has autoscaling/v"),
    "operator": (
        ("policy", "spec", "podSelector"),
        {"matchExpressions": [{"key": "app", "operator": "Is", "values": ["web"]}]},
        "must be In, NotIn, Exists, DoesNotExist",
    ),
    "values of Exists": (
        ("policy", "spec", "podSelector"),
        {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["web"]}]},
        "the operator is Exists",
    ),
    "range": (("policy", "spec", "ingress", 0, "from", 0, "ipBlock", "cidr"), "10.0.0.0/33", "must be a range"),
    "no path type": ((*BACKEND, "pathType"), None, "pathType"),
    "path": ((*BACKEND, "path"), "web", "must begin with /"),
    "service of the ingress": ((*BACKEND, "backend", "service", "name"), "wbe", "there is no Service wbe"),
    "port of the service": ((*BACKEND, "backend", "service", "port"), {"number": 81}, "Service web has no port 81"),
    "type of a field": (("price", "spec", "low"), "one", "must be a whole number"),
    "field of no definition": (("price", "spec", "middle"), 1, "is not one of its fields"),
    "rule in CEL": (("price", "spec", "low"), 3, "low is above high"),
    "no type": (
        ("crd", "spec", "versions", 0, "schema", "openAPIV3Schema", "properties", "spec", "properties", "low"),
        {"minimum": 1},
        "has no type: the schema is not structural",
    ),
}


@pytest.fixture
def workloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workloads:
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def judge(workloads: Workloads, objects: dict[str, Any], **cluster: Any) -> None:
    """Writes a workload of objects, a file each, and lints it as a synth does."""
    workloads.write("shop", {f"base/{name}.yaml": item for name, item in objects.items()})
    spec = {"name": "shop", "compute": "auto_mode"} | ({"plain_http": True} if "ingress" in objects else {})
    environment = validated(minimal(workloads=[spec], **cluster))
    refuse_unsound(placed_workloads(environment.clusters[0], environment), environment.clusters[0])


def changed(way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    objects = copy.deepcopy(SHOP)
    place: Any = objects
    for key in way[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    if value is None:
        del place[way[-1]]
    else:
        place[way[-1]] = value
    return objects


def test_a_sound_workload_is_taken(workloads: Workloads) -> None:
    judge(workloads, copy.deepcopy(SHOP))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_cluster_refuses_is_refused(workloads: Workloads, seed: str) -> None:
    way, value, words = SEEDS[seed]
    with pytest.raises(BadInput) as refused:
        judge(workloads, changed(way, value))
    line = next(line for line in str(refused.value).splitlines() if words in line)
    assert line.startswith(f"{workloads.folder}/shop/base/{way[0]}.yaml:")
    assert f" of {SHOP[way[0]]['kind']} " in line


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ((*POD, "volumes", 0), {"name": "settings", "secret": {"secretName": "made-by-hand"}}),
        ((*POD, "volumes", 0), {"name": "settings", "configMap": {"name": "from-elsewhere"}}),
        ((*POD, "priorityClassName"), "of-the-cluster"),
        ((*WEB, "volumeMounts", 0, "mountPath"), "/etc/${CLUSTER_NAME}"),
    ],
)
def test_what_may_come_by_other_ways_is_taken(workloads: Workloads, way: tuple[Any, ...], value: Any) -> None:
    judge(workloads, changed(way, value), provided_elsewhere=["from-elsewhere", "of-the-cluster"])


def test_pods_of_an_operator_are_not_seen(workloads: Workloads) -> None:
    """A Service of a database's pods selects none that are written anywhere."""
    database = {"apiVersion": "db.example.com/v1", "kind": "Database", "metadata": {"name": "a"}, "spec": {}}
    service = {**SHOP["service"], "spec": {"selector": {"app": "database"}, "ports": [{"port": 5432}]}}
    judge(workloads, {"database": database, "service": service}, provided_elsewhere=["db.example.com"])
