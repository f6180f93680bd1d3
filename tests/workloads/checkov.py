"""Runs checkov's Kubernetes policies, from its own virtual environment (`make .venv-checkov/.ready`)."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from kubernetes_lint.objects import KubernetesObject
from tests.support.environments import ROOT
from tests.support.kept import kept_value

PROGRAM = ROOT / ".venv-checkov/bin/checkov"
NOT_HERE = "needs checkov: `make test` sets it up, and so does `make .venv-checkov/.ready`"


def run(groups: Mapping[str, Sequence[KubernetesObject]], folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Which policies each group of objects fails: the policy's id, and KIND.NAMESPACE.NAME of the object."""
    texts = {name: yaml.dump_all(objects, Dumper=yaml.CSafeDumper) for name, objects in groups.items()}
    needed = (ROOT / "tests/workloads/checkov-requirements.txt").read_text()
    failed = kept_value(f"checkov {needed} {texts}", lambda: _failed(texts, folder), of="packages")
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in groups}
    for name, policy, resource in failed:
        found[name].add((policy, resource))
    return found


def _failed(texts: Mapping[str, str], folder: Path) -> list[tuple[str, str, str]]:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
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
    return [
        (Path(check["file_path"]).stem, check["check_id"], check["resource"])
        for check in results["results"]["failed_checks"]
    ]
