"""`cdk ls` lists stacks without checking them; everything else that runs the app checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import ROOT

pytestmark = pytest.mark.whole

ASK = "from stacks.cdk_command import only_lists; print(only_lists())"


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        (["ls", "-c", "env=demo"], True),
        (["list"], True),
        (["--no-color", "ls"], True),
        (["synth", "--quiet"], False),
        (["deploy", "ls"], False),
        ([], False),
    ],
)
def test_only_listing_goes_without_checks(tmp_path: Path, arguments: list[str], listed: bool) -> None:
    """A program named cdk that runs the app through a shell, as the CLI does."""
    cdk = tmp_path / "cdk"
    cdk.write_text(
        f"#!{sys.executable}\nimport subprocess, sys\n"
        f"sys.exit(subprocess.run({sys.executable + ' -c ' + repr(ASK)!r} + '; true', shell=True).returncode)\n"
    )
    cdk.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [str(cdk), *arguments], capture_output=True, text=True, env=environment, cwd=ROOT, check=True, timeout=60
    )
    assert run.stdout.strip() == str(listed)


def test_what_cannot_be_read_is_checked() -> None:
    run = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        check=True, timeout=60,
    )  # fmt: skip
    assert run.stdout.strip() == "False"
