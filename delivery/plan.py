"""What is delivered to a cluster: the files of cdk.out/manifests/CLUSTER/, and what delivery.json says of them.

The files may be anybody's: they are read within bounds, inside of their folder alone, and every field that is used later is
validated here. What is wrong is bad input, with file and key, before anything is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from delivery.gitops.settings import GitOps
from delivery.object_kind import KubernetesObject
from delivery.placeholders import fill, placeholders, unescaped
from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.terminal import one_line
from safe_io.text_file import read_text
from safe_io.where import Where, dotted
from safe_io.yaml_file import Rules, YamlFile

DESCRIPTION = "delivery.json"

_RULES = Rules(max_bytes=10_000_000, max_values=500_000, yaml_1_1=True, empty_values=True)
"""As kubectl reads YAML, and larger than any cluster's objects that a synth lets through."""

# What becomes an argument of kubectl or helm begins with a letter or a digit: never with a dash.
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$")]
_Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$")]
_Chart = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")]
_Repository = Annotated[str, StringConstraints(pattern=r"^(https|oci)://[!-~]{1,500}$")]
_Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]
# RBAC's names may have a colon; no name may have a slash.
_ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$")]
_Kind = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,62}$")]
_ApiVersion = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9.-]{0,252}/)?v[a-z0-9]{1,62}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Step(_Shape):
    """One file: Kubernetes objects (.yaml), or a chart for helm (.helm.json)."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.(yaml|helm\.json)$")]
    outputs: Mapping[_Key, _Key] = {}
    """Placeholders in the file, and the outputs of the stack with their values."""
    workload: _Name | None = None
    """Namespace of the workload whose objects these are; None: the cluster's own."""
    after: list[_Name] = []
    """Namespaces of the workloads whose definitions these objects need."""


class Description(_Shape):
    """Where the files of a folder belong, and in which order."""

    environment: _Name
    env: Annotated[str, StringConstraints(max_length=4096)] | None = None
    """What a person says with ENV= for the environment; None: its name."""
    cluster: _Name
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")] | None
    partition: Annotated[str, StringConstraints(pattern=r"^aws[a-z-]{0,20}$")] | None = None
    stack: _Name
    """Its outputs fill placeholders."""
    gitops: GitOps | None = None
    """The repository that they are applied from; None: `make apply` applies them."""
    steps: Annotated[list[Step], Field(max_length=10_000)]

    @property
    def said(self) -> str:
        """What a person says with ENV= for the environment."""
        return self.env or self.environment

    def text(self) -> str:
        """Returns the text of the file."""
        return self.model_dump_json(indent=2, exclude_defaults=True) + "\n"


class Chart(_Shape):
    """A release for helm."""

    name: _Name
    namespace: _Name
    repository: _Repository
    chart: _Chart
    version: _Version
    note: str = ""
    values: dict[str, Any]


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    name: _ObjectName
    namespace: _Name | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Object(BaseModel):
    """The part of a Kubernetes object that is read here; the API server judges the rest."""

    model_config = ConfigDict(extra="allow", strict=True)
    apiVersion: _ApiVersion  # noqa: N815 - Kubernetes' name
    kind: _Kind
    metadata: _Metadata
    spec: dict[str, Any] | None = None


_Read = TypeVar("_Read", bound=BaseModel)


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

    @property
    def names(self) -> set[str]:
        """The placeholders of all files."""
        return {name for step in self.description.steps for name in placeholders(self._content(step))}

    def objects(self, step: Step, values: Mapping[str, str]) -> list[KubernetesObject]:
        """Returns the objects of a file, filled in. Raises BadInput: the file is wrong, or a value is not known."""
        found = []
        for document in YamlFile.documents(self._path(step), _RULES):
            filled = self._filled(step, document.data, values)
            try:
                _Object.model_validate(filled)
            except ValidationError as error:
                where, text = _first(error)
                document.fail(where, text)
            found.append(filled)
        return found

    def chart(self, step: Step, values: Mapping[str, str]) -> Chart:
        """Returns the release, filled in. Raises BadInput: the file is wrong, or a value is not known."""
        return _shaped(Chart, self._filled(step, self._content(step), values), str(self._path(step)))

    def _content(self, step: Step) -> Any:
        path = self._path(step)
        if is_chart(step):
            return load_json(read_text(path, max_bytes=_RULES.max_bytes), path, _RULES)
        return [document.data for document in YamlFile.documents(path, _RULES)]

    def _path(self, step: Step) -> Path:
        path = self.folder / step.file
        if path.is_symlink():
            raise BadInput(one_line(f"{path}: is a link; the files of an assembly must be regular files"))
        return path

    def _filled(self, step: Step, content: Any, values: Mapping[str, str]) -> Any:
        known = {**values, **{name: values[output] for name, output in step.outputs.items() if output in values}}
        filled = fill(content, known)
        if missing := sorted(placeholders(filled)):
            raise BadInput(
                one_line(
                    f"{self.folder / step.file}: nothing says what {', '.join(missing[:10])} is; if it is an output of the"
                    f" stack {self.description.stack}, deploy that first: make deploy ENV={self.description.said}"
                )
            )
        return unescaped(filled)


def is_chart(step: Step) -> bool:
    """Returns whether a step is a chart for helm."""
    return step.file.endswith(".helm.json")


def read_plan(assembly: Path, cluster: str | None) -> Plan:
    """Returns the plan of ``cluster``, which may be left out where there is but one. Raises BadInput."""
    found = _folders(assembly)
    names = ", ".join(found)
    if not found:
        raise BadInput(
            one_line(
                f"{assembly}: no cluster has files to apply. Its clusters have delivery: kubectl, and their stacks apply"
                " the objects; or it was not synthesised yet"
            )
        )
    if cluster is None and len(found) > 1:
        raise BadInput(one_line(f"there are several clusters; say which: CLUSTER=NAME, out of {names}"))
    if cluster is not None and cluster not in found:
        raise BadInput(one_line(f"there is no cluster {cluster} with files to apply; there is: {names}"))
    return _read(found[cluster] if cluster else next(iter(found.values())))


def read_plans(assembly: Path) -> list[Plan]:
    """Returns the plan of every cluster with files. Raises BadInput."""
    return [_read(folder) for folder in _folders(assembly).values()]


def _folders(assembly: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted((assembly / "manifests").glob(f"*/{DESCRIPTION}"))}


def _read(folder: Path) -> Plan:
    path = folder / DESCRIPTION
    description = _shaped(Description, load_json(read_text(path, max_bytes=_RULES.max_bytes), path, _RULES), str(path))
    if description.cluster != folder.name:
        raise BadInput(
            one_line(f"{path}: belongs to cluster {description.cluster}, but is in the folder of {folder.name}")
        )
    return Plan(folder, description)


def _shaped(model: type[_Read], content: Any, where: str) -> _Read:
    """Returns content as a model has it. Raises BadInput with the first key that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        key, text = _first(error)
        raise BadInput(one_line(f"{where}: {dotted(key)}: {text}")) from None


def _first(error: ValidationError) -> tuple[Where, str]:
    """Returns the first key that is wrong, and why."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return tuple(first["loc"]), f"{first['msg']}; make synth regenerates this file"
