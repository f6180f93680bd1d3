"""The main job, as a person types it: the real CDK CLI deploys the demo, and says what stands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import process
from tests.conftest import ROOT
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, stacks_of

pytestmark = pytest.mark.xdist_group("emulator-process")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    process.stop(tmp_path / "home")


def test_make_demo(home: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "emulator", *arguments],
            cwd=ROOT, env={**os.environ, "EMULATOR_HOME": str(home)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = run("demo")
    for part in (
        "demo-foundation", "demo-network", "demo-cluster-demo",
        "Cluster demo: Kubernetes 1.36, ACTIVE, private endpoint",
        "Auto Mode      built-in pools: general-purpose, system",
        "managed nodes  ACTIVE, 1 to 3 t4g.large",
        "Fargate        ACTIVE, pods of fargate-*",
        "all ACTIVE: aws-ebs-csi-driver, coredns",
        "AmazonEKSClusterAdminPolicy: demo-cluster-demo-AccessAdminRole",
        "Your share of the responsibility:",
        f"the page: {home}/review.html",
        "What this does not prove",
    ):  # fmt: skip
        assert part in said
    assert (home / "review.html").stat().st_size > 100_000
    engine = process.find(home)
    assert engine
    found = [
        one
        for stack, template in stacks_of(home / "cdk.out")
        for one in differences(Deployment(engine), stack, template)
    ]
    assert found == []

    run("down")
    assert sorted(path.name for path in home.parent.iterdir() if path.name.startswith("home")) == []
