"""What the tests of `lock-addons` share: an endpoint that knows the add-ons of demo, templates to lock, and a day."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from responsibility.account.lock import Request, lock
from tests.responsibility.account.fake_eks import FakeEks, offer, serving

ADDONS = ["aws-ebs-csi-driver", "coredns", "eks-node-monitoring-agent", "eks-pod-identity-agent", "kube-proxy"]
ADDONS += ["metrics-server", "vpc-cni"]
"""What the environment demo plans, sorted."""
DAY = date(2026, 11, 24)


@contextmanager
def endpoint(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[FakeEks]:
    """Serves an EKS with four versions of each add-on of demo."""
    with serving(monkeypatch, home) as fake:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        for number, name in enumerate(ADDONS):
            fake.addons[name] = [
                offer(f"v1.9{number}.10-eksbuild.1"),
                offer(f"v1.9{number}.9-eksbuild.10"),
                offer(f"v1.9{number}.9-eksbuild.2", default=True),
                offer(f"v1.9{number}.1-eksbuild.1", "1.35", default=True),
            ]
        yield fake


def template(tmp_path: Path, *clusters: dict[str, Any]) -> str:
    """Writes a template with clusters and their add-ons; returns its file."""
    resources: dict[str, Any] = {}
    for index, cluster in enumerate(clusters):
        ref = {"Ref": f"Cluster{index}"}
        properties = {"Name": f"c{index}", "Version": cluster.get("version", "1.36"), **cluster.get("properties", {})}
        resources[f"Cluster{index}"] = {"Type": "AWS::EKS::Cluster", "Properties": properties}
        for kind in cluster["kinds"]:
            resources[f"{kind}{index}"] = {"Type": f"AWS::EKS::{kind}", "Properties": {"ClusterName": ref}}
        for number, (name, version) in enumerate(cluster["addons"].items()):
            pinned = {"AddonVersion": version} if version else {}
            resources[f"Addon{index}n{number}"] = {
                "Type": "AWS::EKS::Addon",
                "Properties": {"ClusterName": ref, "AddonName": name, **pinned},
            }
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": resources}))
    return str(file)


def locked(request: Request) -> tuple[list[str], list[str]]:
    """Locks; returns what was printed, and what was warned of."""
    said: list[str] = []
    warned: list[str] = []
    lock(request, say=said.append, warn=warned.append, today=DAY)
    return said, warned
