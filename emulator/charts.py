"""Takes helm's place for the local clusters: `helm upgrade --install` makes the Deployment that stands for a chart's controller."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_kubernetes.addons import chart_objects
from local_kubernetes.definitions import definition
from safe_io.errors import BadInput, run


def main() -> int:
    """Installs or takes away; returns kubectl's exit code. Raises BadInput."""
    parser = argparse.ArgumentParser(prog="helm", description=__doc__)
    parser.add_argument("--kube-context")
    parser.add_argument("action", choices=["upgrade", "uninstall", "pull", "registry"])
    parser.add_argument("names", nargs="+")
    for flag in ("install", "create-namespace", "wait", "atomic", "skip-crds", "ignore-not-found", "untar"):
        parser.add_argument(f"--{flag}", action="store_true")
    for option in ("kubeconfig", "namespace", "repo", "version", "timeout", "values"):
        parser.add_argument(f"--{option}")
    arguments, _ = parser.parse_known_args()
    release, chart = arguments.names[0], arguments.names[-1].rstrip("/").rpartition("/")[2]
    if arguments.action == "pull":  # the handler of `delivery: kubectl` installs what it finds in the chart's folder
        Path(chart).mkdir(exist_ok=True)
    if arguments.action == "registry":
        sys.stdin.read()  # the password: who writes it fails if nobody reads it
    if arguments.action in ("pull", "registry"):
        return 0
    where = [("--context", arguments.kube_context), ("--kubeconfig", arguments.kubeconfig)]
    kubectl = ["kubectl", *(word for flag, value in where if value for word in (flag, value))]
    space = ["--namespace", arguments.namespace or "default"]
    if arguments.action == "uninstall":
        return _kubectl(
            [*kubectl, "delete", "deployment,serviceaccount", *space, "-l", f"app.kubernetes.io/instance={release}"]
        )
    values = (
        sys.stdin.read() if arguments.values == "-" else Path(arguments.values).read_text() if arguments.values else ""
    )
    if space[1] not in ("default", "kube-system"):
        _kubectl([*kubectl, "create", "namespace", space[1]])
    objects = [*_defined(), *chart_objects(release, chart, space[1], _values(values))]
    if objects and (code := _kubectl([*kubectl, "apply", "--server-side", "--force-conflicts", "-f", "-"], objects)):
        return code
    defined = [f"crd/{one['metadata']['name']}" for one in objects if one["kind"] == "CustomResourceDefinition"]
    if defined and (code := _kubectl([*kubectl, "wait", "--for=condition=Established", *defined, "--timeout=60s"])):
        return code
    names = [f"deployment/{one['metadata']['name']}" for one in objects if one["kind"] == "Deployment"]
    waits = ("rollout", "status", *names, *space, "--timeout=120s")
    return _kubectl([*kubectl, *waits]) if names else 0


def _defined() -> list[dict[str, Any]]:
    """Returns definitions of the kinds that charts bring for the assembly's objects. Which chart it is, a synth has seen to."""
    path = Path(os.environ.get("EMULATOR_KINDS", ""))
    found = json.loads(path.read_text()) if path.is_file() else {}
    rows = {(row["group"], row["kind"]): row for of in found.values() for row in of}
    return [
        definition(row["group"], row["kind"], row["versions"], namespaced=row["namespaced"]) for row in rows.values()
    ]


def _kubectl(command: list[str], objects: Sequence[dict[str, Any]] = ()) -> int:
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return subprocess.run(command, input=given, text=True, check=False).returncode  # noqa: S603 - kubectl of PATH


def _values(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise BadInput("the values of the chart are not JSON") from None
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(run(main, program="helm"))
