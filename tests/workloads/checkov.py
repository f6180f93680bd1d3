"""Runs checkov's Kubernetes policies, from its own virtual environment (`make .venv-checkov/.ready`)."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.support.environments import ROOT
from tests.workloads.objects import KubernetesObject

PROGRAM = ROOT / ".venv-checkov/bin/checkov"
NOT_HERE = "needs checkov: `make test` sets it up, and so does `make .venv-checkov/.ready`"


def run(groups: Mapping[str, Sequence[KubernetesObject]], folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Which policies each group of objects fails: the policy's id, and KIND.NAMESPACE.NAME of the object."""
    for name, objects in groups.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))
    # CKV2_*: they join objects of all files, so the groups would mix; tests/workloads/references.py joins within one.
    command = [
        str(PROGRAM),
        "-d",
        str(folder),
        "--framework",
        "kubernetes",
        "--output",
        "json",
        "--skip-check",
        "CKV2_*",
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [*command, "--compact", "--quiet", "--skip-download", "--soft-fail"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    results = json.loads(done.stdout)
    assert results["summary"]["parsing_errors"] == 0
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in groups}
    for check in results["results"]["failed_checks"]:
        found[Path(check["file_path"]).stem].add((check["check_id"], check["resource"]))
    return found
