"""Kubernetes objects in lists of their kind, and roles whose rules the control plane fills in."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.review.command import Request, review

LISTS = """
apiVersion: networking.k8s.io/v1
kind: IngressList
items:
- %smetadata: {name: shop, namespace: shop, annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}}
  spec: {ingressClassName: alb, defaultBackend: {service: {name: s, port: {number: 80}}}}
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gathered}
%s
"""


def _status(tmp_path: Path, text: str) -> dict[tuple[str, str], str]:
    (tmp_path / "objects.yaml").write_text(text)
    asked = Request(None, date(2026, 11, 24), (str(tmp_path / "objects.yaml"),), ("managed-nodes",))
    return {(one.code, str(one.subject)): one.status for one in review(asked, warn=pytest.fail).findings}


@pytest.mark.parametrize("said", ["", "apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  "])
def test_what_is_in_a_list_of_its_kind_is_judged(tmp_path: Path, said: str) -> None:
    found = _status(tmp_path, LISTS % said)
    assert found["EKR095", "Ingress shop/shop"] == "open"
    assert found["EKR244", "Ingress shop/shop"] == "met"


@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        ("aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}\nrules: []", {"unknown"}),
        ("aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}", {"unknown"}),
        ('rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]', {"met"}),
    ],
)
def test_rules_that_the_control_plane_fills_in_are_unknown(tmp_path: Path, rules: str, statuses: set[str]) -> None:
    found = _status(tmp_path, ROLE % rules)
    codes = ("EKR111", "EKR250", "EKR251", "EKR252", "EKR253")
    assert {found[code, "ClusterRole gathered"] for code in codes} == statuses
