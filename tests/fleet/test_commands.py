"""Every command of a fleet that a page names is one that there is, with the options it takes."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from fleet.__main__ import main, parser
from safe_io.errors import BadInput
from tests.support.environments import ROOT

PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{name}" for name in ("fleet.md", "gitops.md", "upgrade.md")))
LAB = "docs/labs/11-upgrade-a-fleet.md"
COMMAND = re.compile(r"python -m fleet ([^`|&>\n]*)")


def commands(page: str) -> list[str]:
    return COMMAND.findall((ROOT / page).read_text(encoding="utf-8"))


def test_pages_name_commands_that_there_are() -> None:
    named = [(page, one) for page in (*PAGES, LAB, ".github/workflows/fleet-wave.yml") for one in commands(page)]
    assert len(named) >= 6
    for page, one in named:
        words = shlex.split(one.split(" -- ")[0].replace("\\", "").rstrip(")"))
        try:
            parser().parse_args(words)
        except BadInput as refusal:
            pytest.fail(f"{page}: python -m fleet {one}: {refusal}")


def test_the_workflow_of_a_fleet_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["github", "example"]) == 0
    assert list(yaml.safe_load(capsys.readouterr().out)["jobs"]) == ["canary", "europe", "rest"]


def test_a_fleet_without_github_has_no_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["github", str(Path(__file__).parent / "good.yaml")]) == 2
    assert "has no github; add the key" in capsys.readouterr().err
