"""Synthesises and reviews every environment of a fleet: the table, and whoever approves, read what comes of it."""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fleet.synthesis import Run, synthesise
from fleet.table import OUT, REVIEW
from safe_io.errors import BAD_INPUT, FINDINGS, OK
from safe_io.output import write
from safe_io.ownership import claim
from stacks.environment.model import Environment


def review(
    environments: Sequence[tuple[Path, Environment]],
    *,
    checks: bool,
    fail_on: str,
    run: Run,
    say: Callable[[str], None],
) -> int:
    """Writes `fleet.out/NAME/review.json` of each environment; returns the worst exit code of all.

    One that cannot be synthesised is named, and the others are done all the same.

    Args:
        environments: file and content.
        checks: whether a synth runs the checks of this project too.
        fail_on: a severity; an open duty of it, or a worse one, makes the exit code 1. `never`: none does.
        run: runs a program with an environment; returns its exit code.
        say: prints a line of progress.

    Raises:
        OutputProblem: fleet.out is not this project's.
    """
    worst = OK
    claim(OUT)
    for number, (path, environment) in enumerate(environments, 1):
        say(f"{number}/{len(environments)} {environment.name}: synth and review")
        with tempfile.TemporaryDirectory(prefix="eks-platform-fleet-") as folder:
            made, document = Path(folder) / "cdk.out", Path(folder) / REVIEW
            code = synthesise(path, made, run, checks=checks)
            if code == OK:
                command = [
                    "-m",
                    "responsibility",
                    "review",
                    "--assembly",
                    str(made),
                    "--fail-on",
                    fail_on,
                    "-o",
                    str(document),
                    "--quiet",
                ]
                code = run([sys.executable, *command], dict(os.environ))
            if document.is_file():
                (OUT / environment.name).mkdir(exist_ok=True)
                write(OUT / environment.name / REVIEW, document.read_text(encoding="utf-8"))
        if code:
            say(
                f"{environment.name}: "
                + ("duties are open, or its checks found something" if code == FINDINGS else f"failed ({code})")
            )
        worst = max(worst, code if code in (OK, FINDINGS) else BAD_INPUT)
    return worst
