"""One interface for all kinds of compute: a kind that this project does not have joins by a folder, a line and a field."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from eks_constructs.compute.registry import KINDS, rules
from eks_constructs.compute.spec import ComputeSpec
from tests.support.environments import ROOT, minimal
from tests.support.templates import of_type

pytestmark = pytest.mark.whole

# What a folder of its own would hold, with the line in registry.py and the field in spec.py.
TOY = """
    import json, sys
    from pathlib import Path
    import aws_cdk as cdk
    from aws_cdk import aws_ssm as ssm
    from pydantic import create_model
    from eks_constructs.compute import registry, spec
    from eks_constructs.compute.kind import Built, ComputeKind
    from eks_constructs.compute.placement import Nodes, rule_with_controller
    from eks_constructs.manifests import ManifestFile
    from eks_constructs.spec import Spec

    class ToySpec(Spec):
        size: int = 1

    class Toy(ComputeKind[ToySpec]):
        name, title, rank = "toy", "Toy", 0
        node_selector = {"toy": "yes"}
        rule = rule_with_controller(namespace="{name}-toy", node_selector=node_selector)

        def hosting(self, spec):
            return "at_once"

        def build(self, scope, spec, wiring):
            made = ssm.CfnParameter(scope, "Toy", type="String", value=f"{wiring.cluster.name} {spec.size}")
            return Built(made, [made])

        def files(self, spec, context, network):
            note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "toy"}, "data": {"in": context.name}}
            yield ManifestFile(12, "toy", [note], "A toy.")

        def nodes(self, spec):
            yield "box", Nodes({"toy": "yes"}, ("amd64",))

    registry.KINDS["toy"] = Toy()
    spec.ComputeSpec = create_model("ComputeSpec", __base__=spec.ComputeSpec, toy=(ToySpec | None, None))

    from eks_facts.files import load
    load("compute_kinds")["limits"]["toy"] = {}  # its data rows
    load("addons")["addons"]["coredns"]["compute"].append("toy")
    from stacks.environment.model import Environment
    from stacks.environment.workload_spec import WorkloadSpec
    from stacks.placement.kinds import place
    from stacks.platform import build

    environment = Environment.model_validate_json(sys.argv[1], context={"today": __import__("datetime").date(2026, 11, 28)})
    cluster = environment.clusters[0]
    placement = place(WorkloadSpec(name="web", compute="toy", nodes="box"), cluster)
    app = cdk.App(outdir=sys.argv[2], analytics_reporting=False, builtin_cloud_formation_validation=False)
    platform = build(app, environment)
    app.synth()
    platform.write_manifests(Path(sys.argv[2], "manifests"))
    print(json.dumps({"namespace": placement.namespace, "selector": dict(placement.node_selector)}))
"""


def test_a_kind_that_is_registered_is_built_placed_and_written(tmp_path: Path) -> None:
    data = minimal({"toy": {"size": 7}, "fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}})
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TOY), json.dumps(data), str(tmp_path)],
        cwd=ROOT,
        env={"PATH": str(Path(sys.executable).parent), "PYTHONPATH": f"{ROOT}:{ROOT / 'constructs'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"namespace": "web-toy", "selector": {"toy": "yes"}}
    template = json.loads((tmp_path / "t-compute-c.template.json").read_text())
    ((toy, made),) = of_type(template, "AWS::SSM::Parameter").items()
    assert made["Value"] == "c 7"
    addons = {one["Properties"]["AddonName"]: one for one in template["Resources"].values() if "Addon" in one["Type"]}
    assert toy in addons["coredns"]["DependsOn"], "its nodes run the Deployments of add-ons"
    assert "in: c" in (tmp_path / "manifests/c/12-toy.yaml").read_text()


def test_every_kind_is_a_folder_a_line_and_a_field() -> None:
    folders = {path.parent.name for path in (ROOT / "constructs/eks_constructs/compute").glob("*/kind.py")}
    assert folders == set(KINDS) == set(ComputeSpec.model_fields)
    assert {name for kind in KINDS.values() for name in kind.joins} <= set(rules())
