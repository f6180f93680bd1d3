"""The labs do what they say: each command is run, and prints what the lab shows below it."""

import difflib
import os
import random
import re
import shutil
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from responsibility.model import components
from responsibility.model.labs import labs
from tests.support.kept import kept_value
from tests.support.machine import NEEDS_BOTH_VERSIONS
from tests.support.processes import OFFLINE, finished

ROOT = Path(__file__).parents[2]
LABS = sorted((ROOT / "docs/labs").glob("[0-9]*.md"))
SCRATCH = "/tmp/lab"  # noqa: S108 - what the labs' readers type
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NEXT = "=== next step ==="
# 1 is an answer: a duty is open. More is a mistake in the lab.
STRICT = "set -uo pipefail; trap 'code=$?; [ $code -le 1 ] || exit $code' ERR\n"


def steps(text: str) -> list[tuple[str, list[str]]]:
    """Returns each ```bash block with the ```text blocks below it."""
    found: list[tuple[str, list[str]]] = []
    for kind, content in BLOCK.findall(text):
        if kind == "bash":
            found.append((content, []))
        else:
            found[-1][1].append(content)
    return found


def one_space(text: str) -> str:
    """Columns may be wider today."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines()) + "\n"


def pattern(lines: list[str]) -> str:
    """A regular expression for lines that follow each other; `...` is anything in a line, alone any number of lines."""
    anything = [
        r"(?:.*\n)*?" if line == "..." else f"{'.*'.join(map(re.escape, line.split('...')))}\n" for line in lines
    ]
    return r"(?m)^" + "".join(anything)


def missing(expected: str, output: str) -> str:
    """Returns the first line that is not printed, or not at that place, and what is printed like it; empty = all are there."""
    lines = one_space(expected).splitlines()
    seen = one_space(output)
    shown = next((n for n in range(len(lines), 0, -1) if re.search(pattern(lines[:n]), seen)), 0)
    if shown == len(lines):
        return ""
    near = difflib.get_close_matches(lines[shown], seen.splitlines(), 3, 0.3)
    return "\n    ".join([lines[shown], "printed is:", *near])


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder whose name is as long as the labs' own, so that lines break at the same place."""
    while True:
        folder = Path("/tmp") / "".join(random.choices(string.ascii_lowercase, k=len("lab")))  # noqa: S108, S311
        try:
            folder.mkdir()
            break
        except FileExistsError:
            continue
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository without what commands leave in it."""
    for path in ROOT.iterdir():
        if path.name not in (".git", "cdk.out", "review", "fleet.out"):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.skipif(
    not (ROOT / ".venv/.ready").exists() or not (ROOT / "node_modules/aws-cdk").exists(),
    reason="labs use what `make setup` makes",
)
@pytest.mark.parametrize(
    "lab",
    [
        pytest.param(lab, marks=[NEEDS_BOTH_VERSIONS] if "rehearse" in lab.read_text() else [], id=lab.stem)
        for lab in LABS
    ],
)
def test_lab_prints_what_it_says(lab: Path, scratch: Path, checkout: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")},
        **OFFLINE,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        # For `make review`: quick, and on the day that the labs were written, so that they do not age.
        "CHECKS": "off",
        "AS_OF": "2026-11-24",
        # The set-up is there, and through the links it would empty the developer's own.
        "MAKEFLAGS": "--old-file=.venv/.ready --old-file=node_modules/.ready",
    }
    found = steps(lab.read_text())
    # One shell, as the reader's: a variable of one step is there in the next.
    script = f"printf '{NEXT}'\n".join(command for command, _ in found)
    script = re.sub(r"-m responsibility review(?!.*--as-of)", r"\g<0> --as-of 2026-11-24", script)

    def run() -> tuple[int, str, list[str]]:
        command = ["bash", "-c", STRICT + script.replace(SCRATCH, str(scratch))]
        result = finished(command, cwd=checkout, env=environment, seconds=300)
        left = [path.name for path in checkout.iterdir() if not path.is_symlink()]
        return result.returncode, result.output.replace(str(scratch), SCRATCH), left

    # The first lab is run each time; the others when the project changed.
    code, printed, left = run() if lab == LABS[0] else kept_value(f"lab {script}", run, of="project")
    outputs = printed.split(NEXT)
    assert code <= 1, printed
    assert len(outputs) == len(found)
    problems = [
        problem
        for (_, expected), output in zip(found, outputs, strict=True)
        for text in expected
        if (problem := missing(text, output))
    ]
    assert not problems, "\n" + "\n".join(problems)
    assert set(left) <= {"cdk.out", "review", "fleet.out"}, "a lab leaves files in the repository"


def test_labs_are_listed_in_order() -> None:
    index = (ROOT / "docs/labs/README.md").read_text()
    for number, (lab, page) in enumerate(zip(labs(), LABS, strict=True), start=1):
        assert ROOT / lab.path == page
        assert page.read_text().startswith(f"# {number}. {lab.title}\n")
        assert f"| [{number}. {lab.title}]({page.name}) |" in index
        assert set(lab.components) <= set(components())


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "docs/labs").glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
