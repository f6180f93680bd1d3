"""Which version of an add-on is chosen, of those that EKS has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.account.errors import AccountError
from responsibility.account.lock import Request, load
from tests.responsibility.account.fake_eks import FakeEks, offer
from tests.responsibility.account.lock_case import endpoint, locked, template


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeEks]:
    with endpoint(monkeypatch, tmp_path) as fake:
        yield fake


def test_latest_is_by_number_and_default_is_of_eks(eks: FakeEks, tmp_path: Path) -> None:
    eks.addons["coredns"] = [offer("v1.9.3-eksbuild.9"), offer("v1.10.1-eksbuild.2"), offer("v1.10.1-eksbuild.11")]
    eks.addons["coredns"] += [offer("v1.8.0-eksbuild.1", default=True), offer("v9.0.0-preview")]
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": ""}})
    file = tmp_path / "x.lock.yaml"
    locked(Request(assembly=assembly, output=file))
    assert load(file) == {"1.36": {"coredns": "v1.8.0-eksbuild.1"}}
    said, _ = locked(Request(assembly=assembly, output=file, latest=True))
    assert "  1.36 coredns: v1.8.0-eksbuild.1 → v1.10.1-eksbuild.11" in said
    said, _ = locked(Request(assembly=assembly, output=file))
    assert "  1.36 coredns: v1.10.1-eksbuild.11 → v1.8.0-eksbuild.1 (older: a downgrade)" in said
    versions = [target for target in eks.asked if "coredns" in target and "supported-versions" in target]
    assert len(versions) == 9  # five versions, two a page, three times


def test_versions_run_on_the_compute_in_use(eks: FakeEks, tmp_path: Path) -> None:
    eks.addons["coredns"] = [
        offer("v1.3.0-eksbuild.1", types=("ec2",)),
        offer("v1.2.0-eksbuild.1", types=("ec2",), default=True),
        offer("v1.1.0-eksbuild.1", types=("ec2", "fargate")),
        offer("v1.0.0-eksbuild.1", types=("ec2", "fargate")),
    ]
    nodes = {"kinds": ["Nodegroup", "FargateProfile"], "addons": {"coredns": ""}}
    fargate = {"kinds": ["FargateProfile"], "addons": {"coredns": ""}}
    file = tmp_path / "x.lock.yaml"

    _, warned = locked(Request(assembly=template(tmp_path, nodes), output=file))
    assert load(file) == {"1.36": {"coredns": "v1.2.0-eksbuild.1"}}  # a Deployment goes to the nodes
    assert not warned
    # Two clusters of a Kubernetes version share a line of the lock file.
    _, warned = locked(Request(assembly=template(tmp_path, nodes, fargate), output=file))
    assert load(file) == {"1.36": {"coredns": "v1.1.0-eksbuild.1"}}
    assert "its default, v1.2.0-eksbuild.1, is not for ec2 and fargate; this is the newest" in warned[0]

    auto = {"kinds": [], "addons": {"coredns": ""}}
    auto["properties"] = {"ComputeConfig": {"Enabled": True, "NodePools": ["general-purpose"]}}
    _, warned = locked(Request(assembly=template(tmp_path, auto), output=file))
    assert load(file) == {"1.36": {"coredns": "v1.2.0-eksbuild.1"}}
    assert "EKS names no version of it for auto, only for ec2, fargate" in warned[0]


def test_an_add_on_without_default(eks: FakeEks, tmp_path: Path) -> None:
    # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2731
    eks.addons["coredns"] = [offer("v1.1.0-eksbuild.1"), offer("v1.2.0-eksbuild.1")]
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": ""}})
    _, warned = locked(Request(assembly=assembly, output=tmp_path / "x.lock.yaml"))
    assert "coredns v1.2.0-eksbuild.1 for Kubernetes 1.36: EKS names no default; this is the newest" in warned


@pytest.mark.parametrize(
    "unknown", [(404, "ResourceNotFoundException", "No"), (400, "InvalidParameterException", "No"), None]
)
def test_an_add_on_that_eks_does_not_know(eks: FakeEks, tmp_path: Path, unknown: Any) -> None:
    eks.unknown = unknown
    file = tmp_path / "x.lock.yaml"
    file.write_text('addons: {"1.36": {coredns: v1.0.0-eksbuild.1}}\n')
    before = file.read_text()
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": "", "kubeproxy": ""}})
    with pytest.raises(
        AccountError, match=r"eks:DescribeAddonVersions in eu-west-1.* add-on kubeproxy.*stays as it is"
    ):
        locked(Request(assembly=assembly, output=file))
    assert file.read_text() == before
