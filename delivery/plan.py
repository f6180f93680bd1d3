"""What is delivered to a cluster: the files of cdk.out/manifests/CLUSTER/, and what delivery.json says of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from delivery.order import KubernetesObject
from delivery.placeholders import fill, placeholders, unescaped
from delivery.problem import Refusal

DESCRIPTION = "delivery.json"


@dataclass(frozen=True)
class Step:
    """One file: Kubernetes objects (.yaml), or a chart for helm (.helm.json)."""

    file: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Placeholders in the file that stand for outputs of the stack."""
    workload: str | None = None
    """Namespace of the workload whose objects these are; None: the cluster's own."""


@dataclass(frozen=True)
class Description:
    """Where the files of a folder belong, and in which order."""

    environment: str
    cluster: str
    account: str | None
    region: str | None
    stack: str
    """Whose outputs placeholders stand for."""
    steps: list[Step]

    def text(self) -> str:
        """Returns the text of the file."""
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True)
class Plan:
    """A folder of rendered files."""

    folder: Path
    description: Description

    @property
    def needs_helm(self) -> bool:
        """Whether a chart is among the files."""
        return any(is_chart(step) for step in self.description.steps)

    @property
    def needs_outputs(self) -> bool:
        """Whether some file has placeholders for outputs of the stack."""
        return any(step.outputs for step in self.description.steps)

    def objects(self, step: Step, values: Mapping[str, str]) -> list[KubernetesObject]:
        """Returns the objects of a file, filled in. Raises Refusal if a value is not known."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found = [item for item in yaml.load_all((self.folder / step.file).read_text(encoding="utf-8"), loader) if item]
        objects: list[KubernetesObject] = self._filled(step, found, values)
        return objects

    def chart(self, step: Step, values: Mapping[str, str]) -> dict[str, Any]:
        """Returns what helm is told, filled in. Raises Refusal if a value is not known."""
        told: dict[str, Any] = self._filled(
            step, json.loads((self.folder / step.file).read_text(encoding="utf-8")), values
        )
        return told

    def _filled(self, step: Step, content: Any, values: Mapping[str, str]) -> Any:
        known = {**values, **{name: values[output] for name, output in step.outputs.items() if output in values}}
        filled = fill(content, known)
        if missing := sorted(placeholders(filled)):
            raise Refusal(
                f"{self.folder / step.file}: nothing says what {', '.join(missing)} is; if it is an output of the stack"
                f" {self.description.stack}, deploy that first: make deploy ENV={self.description.environment}"
            )
        return unescaped(filled)


def is_chart(step: Step) -> bool:
    """Tells whether a step is a chart for helm."""
    return step.file.endswith(".helm.json")


def read_plan(assembly: Path, cluster: str | None) -> Plan:
    """Returns the plan of ``cluster``, which may be left out where there is but one. Raises Refusal."""
    found = {path.parent.name: path.parent for path in sorted((assembly / "manifests").glob(f"*/{DESCRIPTION}"))}
    names = ", ".join(found)
    if not found:
        raise Refusal(
            f"{assembly}: no cluster has files to apply. Its clusters have delivery: kubectl, and their stacks apply"
            " the objects; or it was not synthesised yet"
        )
    if cluster is None and len(found) > 1:
        raise Refusal(f"there are several clusters; say which: CLUSTER=NAME, out of {names}")
    if cluster is not None and cluster not in found:
        raise Refusal(f"there is no cluster {cluster} with files to apply; there is: {names}")
    folder = found[cluster] if cluster else next(iter(found.values()))
    data = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return Plan(folder, Description(**{**data, "steps": [Step(**step) for step in data["steps"]]}))
