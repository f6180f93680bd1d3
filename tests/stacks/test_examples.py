"""Every example environment passes every check of a synth, and the review leaves nothing of weight open."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.responsibility.test_golden import reviewed
from tests.support.environments import ROOT
from tests.support.kept import kept

EXAMPLES = sorted(path.stem for path in (ROOT / "environments/examples").glob("*.yaml"))
RUN_ALL = """
import json, os, sys
from pathlib import Path
import app
folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    os.environ["CDK_OUTDIR"] = str(folder / name)
    context = {"env": f"environments/examples/{name}.yaml", "@aws-cdk/core:failSynthOnValidationErrors": False}
    os.environ["CDK_CONTEXT_JSON"] = json.dumps(context)
    code = app.main()
    (folder / f"{name}.code").write_text(str(code))
"""
"""The front door once for each: a process of its own for each would import the CDK again and again."""

pytestmark = pytest.mark.xdist_group("examples")


@pytest.fixture(scope="module")
def synthesised() -> Path:
    def make(folder: Path) -> None:
        run = subprocess.run(
            [sys.executable, "-c", RUN_ALL, str(folder), *EXAMPLES],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        (folder / "said").write_text(run.stdout + run.stderr)

    texts = [(ROOT / f"environments/examples/{name}.yaml").read_text() for name in EXAMPLES]
    return kept(f"examples {json.dumps(texts)}", make)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_every_check(synthesised: Path, name: str) -> None:
    assert (synthesised / f"{name}.code").read_text() == "0", (synthesised / "said").read_text()
    reports = json.loads((synthesised / name / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports if report["violations"]] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_review_of_an_example_leaves_little_open(synthesised: Path, name: str) -> None:
    document = reviewed(synthesised / name, ROOT / ".responsibility.yaml")
    assert document.summary.open["critical"] == document.summary.open["high"] == 0
    assert document.cost
    assert [one for one in document.cost.not_priced if "not in the price table" in one] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_why(name: str) -> None:
    lines = (ROOT / f"environments/examples/{name}.yaml").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../schema.json"
    assert [line[:2] for line in lines[1:4]] == ["# ", "# ", "na"], "two lines of why, then the name"
