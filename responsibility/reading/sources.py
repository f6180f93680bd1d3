"""What can be read: a cloud assembly, a template, a folder of templates and manifests, standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any, TextIO

from responsibility.bounds import RESOURCES_READ, STACKS
from responsibility.model import ComputeKind
from responsibility.reading.assembly import check, objects_beside, read_assembly
from responsibility.reading.files import Files
from responsibility.reading.nesting import nest
from responsibility.reading.template import RULES, BadSource, Template
from safe_io.terminal import one_line

_SUFFIXES = (".json", ".yaml", ".yml", ".template")
_NAMES = re.compile(r"(\.template)?(\.json|\.ya?ml|\.template)$")
"""What is cut off a file's name to get that of its stack."""
_OURS = re.compile(rb"AWS::|apiVersion")
"""What a file that a review is about has in it somewhere."""
_CHART = re.compile(rb"\{\{-?\s*(\.|include\b|if\b|range\b|with\b|define\b|end\b)")
"""A file of a Helm chart: no YAML before Helm has been over it."""


@dataclass
class ManifestFile:
    """A file of Kubernetes objects."""

    file: str
    cluster: str
    """Name of the cluster that it is for; empty = not known."""
    objects: list[dict[str, Any]]
    text: str = field(default="", repr=False)
    numbers: list[int] = field(default_factory=list)
    """Which document of the file each object is."""


@dataclass
class Sources:
    """What was read."""

    name: str
    templates: list[Template] = field(default_factory=list)
    manifests: list[ManifestFile] = field(default_factory=list)
    compute: tuple[ComputeKind, ...] = ()
    """Kinds of compute that somebody states for manifests without a template."""
    version: str = ""
    """Version of Kubernetes that somebody states for these."""
    passed_over: list[str] = field(default_factory=list)
    """Files beside manifests that hold none: charts' templates."""


def read(where: str, stdin: TextIO = sys.stdin) -> Sources:
    """Reads ``where``: a folder (assembly or not), a file, or ``-`` for standard input.

    Raises BadSource with the file and what is wrong with it.
    """
    sources = Sources(where)
    path = Path(where)
    try:
        if where in ("-", "/dev/stdin"):
            files = Files("standard input")
            text = _standard_input(stdin)
            _add(sources, "standard input", "template", files.parsed(text, "standard input"), text)
        elif os.path.isdir(where):
            _read_folder(sources, path)
        else:
            path.stat()  # says best why there is no such file
            text, documents = Files(where).documents(path)
            _add(sources, where, _NAMES.sub("", path.name), documents, text)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise BadSource(f"{one_line(where, 300)}: cannot be read: {reason}") from None
    if not sources.templates:
        what = (
            "no CloudFormation template in it"
            if path.is_dir()
            else "is not a CloudFormation template: it has no `Resources`"
        )
        advice = (
            f"For its Kubernetes objects alone: --manifests {one_line(where, 100)}"
            if sources.manifests
            else "Make an assembly with `make synth ENV=demo`, or name a template"
        )
        raise BadSource(f"{where}: {what}. {advice}")
    RESOURCES_READ.check(sum(len(template.body["Resources"]) for template in sources.templates), where)
    return sources


def add_manifests(sources: Sources, wheres: Sequence[str], stdin: TextIO = sys.stdin) -> None:
    """Adds files of Kubernetes objects: folders with those below them, files, or ``-`` for standard input.

    They belong to the cluster of the templates, if those have one. Raises BadSource.
    """
    for where in wheres:
        count_before = len(sources.manifests)
        path = Path(where)
        try:
            if where in ("-", "/dev/stdin"):
                text = _standard_input(stdin)
                _add_objects(
                    sources, "standard input", Files("standard input").parsed(text, "standard input.yaml"), text
                )
            elif path.is_dir():
                _add_manifest_folder(sources, path)
            else:
                path.stat()
                text, documents = Files(where).documents(path)
                _add_objects(sources, where, documents, text)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadSource(f"{one_line(where, 300)}: cannot be read: {reason}") from None
        if len(sources.manifests) == count_before:
            raise BadSource(
                f"{one_line(where, 300)}: no Kubernetes object in it: a YAML or JSON document with apiVersion and kind."
                " A chart is rendered first: helm template CHART | python -m responsibility review --manifests -"
            )
    RESOURCES_READ.check(sum(len(file.objects) for file in sources.manifests), ", ".join(wheres))


def _add_manifest_folder(sources: Sources, folder: Path) -> None:
    files = Files(str(folder), folder)
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json")):
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(folder).parts):
            continue
        try:
            files.inside(file.parent, file.name, str(file))
            text, documents = files.documents(file)
        except BadSource:
            if not _CHART.search(file.read_bytes()[: RULES.max_bytes]):
                raise
            sources.passed_over.append(str(file))
            continue
        _add_objects(sources, str(file), documents, text)


def _add_objects(sources: Sources, file: str, documents: list[Any], text: str) -> None:
    objects = {index: item for index, item in enumerate(documents) if _is_object(item)}
    if objects:
        sources.manifests.append(ManifestFile(file, "", list(objects.values()), text, list(objects)))


def _standard_input(stdin: TextIO) -> str:
    most = RULES.max_bytes + 1
    raw = getattr(stdin, "buffer", stdin).read(most)
    try:
        return raw if isinstance(raw, str) else str(raw, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSource(f"standard input: the byte 0x{raw[error.start]:02x} is not UTF-8 text") from None


def _read_folder(sources: Sources, folder: Path) -> None:
    files = Files(str(folder), folder)
    if os.path.lexists(folder / "manifest.json"):
        files.inside(folder, "manifest.json", str(folder / "manifest.json"))
        for template in read_assembly(files, folder):
            # One stack in two regions is two stacks.
            template.name = template.name if template.parent else _unused(template.name, sources.templates)
            sources.templates.append(template)
            STACKS.check(len(sources.templates), str(folder))
        for path, objects in objects_beside(files, folder):
            sources.manifests.append(ManifestFile(str(path), path.parent.name, objects, files.documents(path)[0]))
        return
    for file in sorted(folder.iterdir()):
        if file.suffix in _SUFFIXES and file.is_file():
            _add_one_of_many(sources, files, file)
    sources.templates = nest(sources.templates)


def _add_one_of_many(sources: Sources, files: Files, file: Path) -> None:
    """Adds a file of a folder; one that cannot be read is passed over if it has nothing to do with AWS or Kubernetes."""
    try:
        files.inside(file.parent, file.name, str(file))
        text, documents = files.documents(file)
    except BadSource:
        with suppress(OSError), file.open("rb") as stream:
            start = stream.read(RULES.max_bytes)
            if not _OURS.search(start) or _CHART.search(start):
                return
        raise
    _add(sources, str(file), _NAMES.sub("", file.name), documents, text, strict=False)


def _add(sources: Sources, file: str, name: str, documents: list[Any], text: str, *, strict: bool = True) -> None:
    _add_objects(sources, file, documents, text)
    for number, body in enumerate(documents):
        if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
            continue
        check(body, file)
        sources.templates.append(Template(_unused(name, sources.templates), file, body, text, number=number))
        STACKS.check(len(sources.templates), file)
    if strict and not documents:
        raise BadSource(f"{file}: is empty")


def _is_object(item: Any) -> bool:
    """Whether a document is a Kubernetes object; a kustomization is kustomize's own."""
    return (
        isinstance(item, dict)
        and "apiVersion" in item
        and "kind" in item
        and not str(item["apiVersion"]).startswith("kustomize.config.k8s.io/")
    )


def _unused(name: str, templates: list[Template]) -> str:
    """Returns a name that no other stack has: ``eks.json`` may be next to ``eks.yaml``."""
    taken = {template.name for template in templates}
    return next(text for text in chain([name], (f"{name}-{n}" for n in count(2))) if text not in taken)
