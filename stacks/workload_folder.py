"""Reads a workload's folder: workload.yaml, and the Kubernetes objects of base/ and of one variant."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eks_constructs.manifests import KubernetesObject
from safe_io.errors import BadInput
from safe_io.yaml_file import Rules, YamlFile
from stacks.problems import did_you_mean
from stacks.validating import validated
from stacks.workload_spec import WorkloadDescription

FOLDER = Path(__file__).parent.parent / "workloads"
_AS_KUBECTL = Rules(yaml_1_1=True)
"""kubectl reads YAML 1.1: `defaultMode: 0444` is octal."""


@dataclass(frozen=True)
class SourceObject:
    """An object as it stands in a file."""

    file: YamlFile
    object: KubernetesObject

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the other objects of its namespace: API group, kind and name."""
        group = self.object["apiVersion"].rpartition("/")[0]
        return group, self.object["kind"], self.object["metadata"]["name"]


def workload_names(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the workloads in ``folder``, sorted."""
    return sorted(path.parent.name for path in folder.glob("*/workload.yaml"))


@cache
def describe(path: Path) -> WorkloadDescription:
    """Reads the workload.yaml of the workload in the folder ``path``. Raises BadInput."""
    document = YamlFile(path / "workload.yaml")
    description = validated(document, WorkloadDescription)
    for variant in description.variants:
        if not (path / variant).is_dir():
            document.fail(
                ("variants", variant), f"there is no folder {path / variant}; make it, or take the variant out"
            )
    if not (path / "base").is_dir() and not description.variants:
        raise BadInput(f"{path}: there is no folder base/ with Kubernetes objects; make it")
    return description


@cache
def read_objects(path: Path, variant: str | None) -> tuple[SourceObject, ...]:
    """Reads the objects of base/, and of a variant: one of the same kind and name replaces that of base/.

    Raises BadInput: a file is not YAML, or something in it is no Kubernetes object or stands twice.
    """
    found: dict[tuple[str, str, str], SourceObject] = {}
    for folder in ("base", variant) if variant else ("base",):
        here: dict[tuple[str, str, str], SourceObject] = {}
        for file in sorted((path / folder).glob("*.yaml")):
            for document in YamlFile.documents(file, _AS_KUBECTL):
                source = SourceObject(document, _kubernetes_object(document))
                if source.key in here:
                    first = here[source.key].file.path
                    document.fail(("metadata", "name"), f"{_name(source.object)} stands in {first} too; take one out")
                here[source.key] = source
        found |= here
    return tuple(found.values())


def _kubernetes_object(document: YamlFile) -> KubernetesObject:
    data: Any = document.data
    if not isinstance(data, dict):
        document.fail((), "must be a Kubernetes object: a mapping with apiVersion, kind and metadata")
    for key in ("apiVersion", "kind"):
        if not isinstance(data.get(key), str):
            document.fail((key,), "is missing, or no text: every Kubernetes object has one")
    metadata = data.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        document.fail(("metadata", "name"), "is missing, or no text: objects that are applied need a name")
    return data


def _name(item: KubernetesObject) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def workload_folder(name: str, folder: Path = FOLDER) -> Path:
    """Returns the folder of a workload. Raises ValueError if there is none."""
    names = workload_names(folder)
    if name not in names:
        raise ValueError(
            f"there is no workload {name}: no file {folder.name}/{name}/workload.yaml."
            f"{did_you_mean(name, names)} There is: {', '.join(names) or 'none yet'}"
        )
    return folder / name
