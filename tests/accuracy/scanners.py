"""Other scanners on the same files: checkov and cfn-lint by their programs, cdk-nag in a CDK app (`nag_app.py`)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from responsibility.reading.template import parse
from tests.accuracy.corpus import HERE, File, Pair

ROOT = HERE.parents[1]
Fired = dict[str, set[str]]
"""The rules that fired, by the name of the file."""


def write(pairs: Iterable[Pair], folder: Path) -> None:
    """Writes each file of the corpus once."""
    files: dict[str, File] = {file.name: file for pair in pairs for file in (pair.bad, pair.good)}
    for file in files.values():
        for name, text in file.texts():
            (folder / name).write_text(text)


def scans(folder: Path, out: Path) -> dict[str, Fired]:
    """Returns what each scanner says, by its name and version. ``out`` is for what they leave behind."""
    return {"checkov": _checkov(folder), "cfn-lint": _cfn_lint(folder), "cdk-nag": _cdk_nag(folder, out)}


def counterparts() -> tuple[dict[str, dict[str, list[str]]], set[str]]:
    """Returns which rules mean the same as a check, by code and scanner, and which of them ask for more (`rules.yaml`)."""
    (table,) = parse((HERE / "rules.yaml").read_text(), "rules.yaml")
    return {code: row for code, row in table.items() if code != "wider"}, set(table["wider"])


def _run(command: list[str], folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    if not done.stdout.strip():
        raise SystemExit(f"{command[0]} said nothing:\n{done.stderr[-2000:]}")
    return done.stdout


def _gathered(said: Iterable[tuple[str, str]]) -> Fired:
    fired: Fired = {}
    for file, rule in said:
        name = re.sub(r"(--\d+)?\.(template|objects)\.(json|yaml)$", "", Path(file).name)
        fired.setdefault(name, set()).add(rule)
    return fired


def _checkov(folder: Path) -> Fired:
    program = ROOT / ".venv-checkov/bin/checkov"
    # CKV2_K8S_*: they join objects over all files of a folder, and each of these files is a cluster of its own.
    options = "--framework cloudformation kubernetes --output json --skip-check CKV2_K8S_* --compact --quiet --skip-download --soft-fail"
    results = json.loads(_run([str(program), "-d", ".", *options.split()], folder))
    failed = [check for part in results for check in part["results"]["failed_checks"]]
    return _gathered((check["file_path"], check["check_id"]) for check in failed)


def _cfn_lint(folder: Path) -> Fired:
    files = sorted(path.name for path in folder.glob("*.template.*"))
    program = Path(sys.executable).with_name("cfn-lint")
    matches = json.loads(_run([str(program), "--format", "json", *files], folder))
    return _gathered((match["Filename"], match["Rule"]["Id"]) for match in matches)


def _cdk_nag(folder: Path, out: Path) -> Fired:
    command = [sys.executable, "-m", "tests.accuracy.nag_app", str(folder), str(out)]
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)  # the CDK prints each finding
    said = json.loads((out / "said.json").read_text())
    return _gathered((file, rule.partition("[")[0]) for file, rules in said.items() for rule in rules)


def checkov_version() -> str:
    """The version that is pinned."""
    pinned = (ROOT / "tests/workloads/checkov-requirements.txt").read_text()
    found = re.search(r"^checkov==([\d.]+)", pinned, re.MULTILINE)
    return found.group(1) if found else "?"
