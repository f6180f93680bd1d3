"""Manifests with one defect each: the review finds nearly all of them, and says nothing of what is clean."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.findings import Finding
from tests.accuracy.corpus import File
from tests.accuracy.judge import findings

pytestmark = pytest.mark.xdist_group("single_defects")
TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "single_defects.yaml").read_text())
DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LABELS = {"app": "web"}
CLEAN: list[dict[str, Any]] = list(
    yaml.safe_load_all(f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: web, namespace: shop}}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 30
      securityContext:
        {{runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: {{type: RuntimeDefault}}}}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {{matchLabels: {{app: web}}}}
      containers:
        - name: web
          image: registry.example.com/web@{DIGEST}
          ports: [{{containerPort: 8080, name: http}}]
          securityContext:
            {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{cpu: "1", memory: 128Mi, ephemeral-storage: 1Gi}}
          readinessProbe: {{httpGet: {{path: /ready, port: http}}}}
          livenessProbe: {{httpGet: {{path: /live, port: http}}}}
          lifecycle: {{preStop: {{sleep: {{seconds: 10}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: shop}}
spec: {{maxUnavailable: 1, selector: {{matchLabels: {{app: web}}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: deny, namespace: shop}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}
""")
)
_ROOTS = {
    "d": ("metadata",),
    "r": ("spec",),
    "m": ("spec", "template", "metadata"),
    "s": ("spec", "template", "spec"),
    "c": ("spec", "template", "spec", "containers", 0),
}


def _pods(edits: dict[str, Any]) -> list[dict[str, Any]]:
    documents = copy.deepcopy(CLEAN)
    deployment = next(one for one in documents if one["kind"] == "Deployment")
    for path, value in edits.items():
        root, *steps = path.split(".")
        where: Any = deployment
        for step in _ROOTS[root]:
            where = where[step]
        for step in steps[:-1]:
            where = where.setdefault(step, {})
        if value is None:
            del where[steps[-1]]
        else:
            where[steps[-1]] = value
    return documents


def _rule(
    groups: list[str] | None, resources: list[str] | None, verbs: list[str], more: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    more = dict(more or {})
    namespace = more.pop("namespace", None)
    rule = {"apiGroups": groups, "resources": resources, "verbs": verbs, **more}
    metadata = {"name": "reader"} if namespace is None else {"name": "reader", "namespace": namespace}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole" if namespace is None else "Role",
            "metadata": metadata,
            "rules": [{key: value for key, value in rule.items() if value is not None}],
        }
    ]


def _binding(
    kind: str, role_kind: str, role: str, subject: str, name: str, namespace: str = ""
) -> list[dict[str, Any]]:
    group = "rbac.authorization.k8s.io"
    who = {"kind": subject, "name": name, **({"namespace": namespace} if namespace else {"apiGroup": group})}
    metadata = {"name": "bound", **({"namespace": "shop"} if kind == "RoleBinding" else {})}
    own = _rule([""], ["pods"], ["get", "list"]) if role == "reader" else []
    for one in own if role_kind == "Role" else []:
        one.update(kind="Role", metadata={"name": "reader", "namespace": "shop"})
    accounts = [{**CLEAN[0]}] if name == "web" else []
    bound = {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": metadata,
        "subjects": [who],
        "roleRef": {"apiGroup": group, "kind": role_kind, "name": role},
    }
    return [*accounts, *own, bound]


def _files(prefix: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for kind, make in (("rules", lambda row: _rule(*row)), ("bindings", lambda row: _binding(*row)), ("pods", _pods)):
        for row in TABLE.get(f"{prefix}{kind}", []):
            yield f"{kind}: {row}", make(row)
    for row in TABLE.get(f"{prefix}objects", []):
        yield f"object: {row['kind']} {row.get('metadata', {}).get('name')}", [*copy.deepcopy(CLEAN), row]


@cache
def _said(prefix: str) -> dict[str, list[Finding]]:
    return {
        name: [one for one in findings(File(name, documents, frozenset())) if one.status == "open"]
        for name, documents in _files(prefix)
    }


@cache
def _said_of_the_clean_one() -> frozenset[tuple[str, str]]:
    return frozenset((one.code, one.subject) for one in _said("clean_")["pods: {}"])


def _worse(found: list[Finding]) -> set[str]:
    return {one.code for one in found if (one.code, one.subject) not in _said_of_the_clean_one()}


def test_there_are_enough_of_them() -> None:
    assert len(_said("")) >= 206
    assert sum(name.startswith(("rules", "bindings")) for name in _said("")) >= 102
    assert len(_said("clean_")) >= 32


def test_nearly_every_defect_is_found() -> None:
    missed = [name for name, found in _said("").items() if not _worse(found)]
    assert len(missed) <= len(_said("")) * 16 / 206, missed


def test_clean_ones_stay_clean() -> None:
    flagged = {name: codes for name, found in _said("clean_").items() if (codes := _worse(found))}
    assert len(flagged) <= 1, flagged
    assert _said_of_the_clean_one() == frozenset(), "the clean Deployment"
