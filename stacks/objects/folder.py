"""Reads a workload's folder: workload.yaml, and the Kubernetes objects of base/ and of one variant."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eks_constructs.manifests import KubernetesObject
from safe_io.errors import BadInput
from safe_io.yaml_file import Rules, YamlFile
from stacks.environment.problems import did_you_mean
from stacks.environment.strange_values import refuse_strange_values
from stacks.environment.validating import validated
from stacks.environment.workload_spec import WorkloadDescription
from stacks.objects.folder_files import check_beside, object_files
from stacks.objects.namespaces import SHARED
from stacks.objects.object_shape import check_shape

FOLDER = Path(__file__).parents[2] / "workloads"
_AS_KUBECTL = Rules(yaml_1_1=True)
"""kubectl reads YAML 1.1: `defaultMode: 0444` is octal."""


@dataclass(frozen=True)
class SourceObject:
    """An object of a file."""

    file: YamlFile
    object: KubernetesObject

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies it in its workload: API group, kind, name, and namespace if it is not its own."""
        group = self.object["apiVersion"].rpartition("/")[0]
        metadata = self.object["metadata"]
        shared = metadata["namespace"] if metadata.get("namespace") in SHARED else ""
        return group, self.object["kind"], shared, metadata["name"]


def workload_names(folder: Path | None = None) -> list[str]:
    """Returns the names of the workloads in ``folder`` (default: workloads/), sorted."""
    return sorted(path.parent.name for path in (folder or FOLDER).glob("*/workload.yaml"))


@cache
def described_in(path: Path) -> YamlFile:
    """Returns the workload.yaml of the workload in the folder ``path``. Raises BadInput."""
    return YamlFile(path / "workload.yaml")


@cache
def describe(path: Path) -> WorkloadDescription:
    """Reads the workload.yaml of the workload in the folder ``path``. Raises BadInput."""
    document = described_in(path)
    description = validated(document, WorkloadDescription)
    for variant in description.variants:
        if not (path / variant).is_dir():
            document.fail(("variants", variant), f"there is no folder {path / variant}; make it, or remove the variant")
    if not (path / "base").is_dir() and not description.variants:
        raise BadInput(f"{path}: there is no folder base/ with Kubernetes objects; make it")
    check_beside(path, {"base", *description.variants})
    return description


@cache
def read_objects(path: Path, variant: str | None) -> tuple[SourceObject, ...]:
    """Reads the objects of base/, and of a variant: one of the same kind and name replaces that of base/.

    Raises BadInput: a file is not YAML, or something in it is not a Kubernetes object or is duplicated.
    """
    found: dict[tuple[str, str, str, str], SourceObject] = {}
    for folder in ("base", variant) if variant else ("base",):
        here: dict[tuple[str, str, str, str], SourceObject] = {}
        for file in object_files(path / folder) if (path / folder).is_dir() else []:
            for document in _documents(file):
                refuse_strange_values(document, of_people=False)
                source = SourceObject(document, _kubernetes_object(document))
                if source.key in here:
                    first = here[source.key].file.path
                    document.fail(("metadata", "name"), f"{_name(source.object)} is in {first}, too; remove one")
                here[source.key] = source
        found |= here
    if not found:
        raise BadInput(f"{path}: there is no Kubernetes object in base/{f' or {variant}/' if variant else ''}")
    return tuple(found.values())


def _documents(file: Path) -> list[YamlFile]:
    try:
        return YamlFile.documents(file, _AS_KUBECTL)
    except BadInput as problem:
        with file.open(encoding="utf-8", errors="replace") as text:
            beginning = text.read(_AS_KUBECTL.max_bytes)
        if "{{" in beginning:
            hint = (
                "If it is a template of Helm: charts are not rendered here; write what `helm template` prints into it"
            )
            raise BadInput(f"{problem}. {hint}") from None
        raise


def _kubernetes_object(document: YamlFile) -> KubernetesObject:
    data: Any = document.data
    if not isinstance(data, dict):
        document.fail((), "must be a Kubernetes object: a mapping with apiVersion, kind and metadata")
    if str(data.get("kind")).endswith("List") and isinstance(data.get("items"), list):
        document.fail(
            ("kind",), "is a list of objects; write each of its items as a document of its own (`---` divides them)"
        )
    for key in ("apiVersion", "kind"):
        if not isinstance(data.get(key), str):
            document.fail((key,), "is missing, or no text: every Kubernetes object has one")
    metadata = data.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        document.fail(("metadata", "name"), "is missing, or no text: objects that are applied need a name")
    return check_shape(document)


def _name(item: KubernetesObject) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def documents_below(path: Path) -> list[SourceObject]:
    """Reads the objects of a file, or of every file in a folder. Raises BadInput, as :func:`read_objects` does."""
    found: dict[tuple[str, str, str, str], SourceObject] = {}
    for file in object_files(path) if path.is_dir() else [path]:
        for document in _documents(file):
            refuse_strange_values(document, of_people=False)
            source = SourceObject(document, _kubernetes_object(document))
            key = (*source.key[:2], str(source.object["metadata"].get("namespace", "")), source.key[3])
            if key in found:
                document.fail(
                    ("metadata", "name"), f"{_name(source.object)} is in {found[key].file.path}, too; remove one"
                )
            found[key] = source
    if not found:
        raise BadInput(f"{path}: there is no Kubernetes object in it")
    return list(found.values())


def workload_folder(name: str, folder: Path | None = None) -> Path:
    """Returns the folder of a workload in ``folder`` (default: workloads/). Raises ValueError if there is none."""
    folder = folder or FOLDER
    names = workload_names(folder)
    if name not in names:
        raise ValueError(
            f"there is no workload {name}: no file {folder.name}/{name}/workload.yaml."
            f"{did_you_mean(name, names)} There is: {', '.join(names) or 'none yet'}"
        )
    return folder / name
