"""The example app of the library: a whole cluster in one construct, as its README shows it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import ROOT
from tests.support.kept import kept
from tests.support.templates import needs, of_type

pytestmark = pytest.mark.whole

EXAMPLE = ROOT / "constructs/examples/app.py"


@pytest.fixture(scope="module")
def template() -> dict:
    def make(folder: Path) -> None:
        subprocess.run(
            [sys.executable, str(EXAMPLE)],
            cwd=folder,
            env={
                "PATH": str(Path(sys.executable).parent),
                "PYTHONPATH": f"{ROOT}:{ROOT / 'constructs'}",
                "CDK_OUTDIR": str(folder),
            },
            check=True,
            capture_output=True,
        )

    return json.loads((kept("example", make) / "shop-platform.template.json").read_text())


def test_the_example_is_short_and_shown_in_the_readme() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith(("import", "from", "#"))]
    assert len(lines) <= 40
    assert "examples/app.py" in (ROOT / "constructs/README.md").read_text()


def test_everything_comes_in_the_order_that_works(template) -> None:
    cluster = next(iter(of_type(template, "AWS::EKS::Cluster")))
    addons = {value["AddonName"]: key for key, value in of_type(template, "AWS::EKS::Addon").items()}
    ((group, nodes),) = of_type(template, "AWS::EKS::Nodegroup").items()
    assert {addons["vpc-cni"], addons["kube-proxy"], cluster} <= needs(template, group)
    assert {group, cluster} <= needs(template, addons["coredns"])
    for key in of_type(template, "AWS::EKS::FargateProfile") | of_type(template, "AWS::EKS::AccessEntry"):
        assert cluster in needs(template, key)
    assert nodes["NodegroupName"] == "general", "an L1 resource takes what the spec does not say"


def test_what_a_cluster_can_never_change_outlives_its_stack(template) -> None:
    kept = {
        value["Type"]
        for value in template["Resources"].values()
        if value.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    assert kept == {"AWS::KMS::Key", "AWS::IAM::Role"}
