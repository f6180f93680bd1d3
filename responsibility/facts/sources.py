"""What can be read: a cloud assembly, a template, a folder of templates and manifests, standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any, TextIO

from responsibility.facts.loops import write_out
from responsibility.facts.nesting import nest
from responsibility.facts.template import MAX_BYTES, BadSource, Template, parse

_SUFFIXES = (".json", ".yaml", ".yml", ".template")
_DEEPEST = 20
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


@dataclass
class Sources:
    """What was read."""

    name: str
    templates: list[Template] = field(default_factory=list)
    manifests: list[ManifestFile] = field(default_factory=list)


def read(where: str, stdin: TextIO = sys.stdin) -> Sources:
    """Reads ``where``: a folder (assembly or not), a file, or ``-`` for standard input.

    Raises BadSource with the file and what is wrong with it.
    """
    sources = Sources(where)
    path = Path(where)
    if where == "-":
        text = stdin.read(MAX_BYTES + 1)
        _add(sources, "standard input", "template", parse(text, "standard input"), text)
    elif (path / "manifest.json").is_file():
        _read_assembly(sources, path)
    elif path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix in _SUFFIXES and file.is_file():
                _add_one_of_many(sources, file)
        sources.templates = nest(sources.templates)
    else:
        text = _text(path)
        _add(sources, where, _NAMES.sub("", path.name), parse(text, where), text)
    if not sources.templates:
        what = (
            "no CloudFormation template in it"
            if path.is_dir()
            else "is not a CloudFormation template: it has no `Resources`"
        )
        raise BadSource(f"{where}: {what}. Make an assembly with `make synth ENV=demo`, or name a template")
    return sources


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadSource(f"{path}: has {size:,} bytes; a CloudFormation template has at most 1,000,000")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSource(f"{path}: the byte at {error.start} is not UTF-8 text; is this a template?") from None
    except OSError as error:
        raise BadSource(f"{path}: cannot be read: {error.strerror}") from None


def _add_one_of_many(sources: Sources, file: Path) -> None:
    """Adds a file of a folder; one that cannot be read is passed over if it has nothing to do with AWS or Kubernetes."""
    try:
        text = _text(file)
        documents = parse(text, str(file))
    except BadSource:
        with suppress(OSError), file.open("rb") as stream:
            start = stream.read(MAX_BYTES)
            if not _OURS.search(start) or _CHART.search(start):
                return
        raise
    _add(sources, str(file), _NAMES.sub("", file.name), documents, text, strict=False)


def _add(sources: Sources, file: str, name: str, documents: list[Any], text: str, *, strict: bool = True) -> None:
    objects = [item for item in documents if isinstance(item, dict) and "apiVersion" in item and "kind" in item]
    if objects:
        sources.manifests.append(ManifestFile(file, "", objects))
    for body in documents:
        if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
            continue
        _check(body, file)
        sources.templates.append(Template(_unused(name, sources.templates), file, body, text))
    if strict and not documents:
        raise BadSource(f"{file}: is empty")


def _unused(name: str, templates: list[Template]) -> str:
    """Returns a name that no other stack has: ``eks.json`` may stand beside ``eks.yaml``."""
    taken = {template.name for template in templates}
    return next(text for text in chain([name], (f"{name}-{n}" for n in count(2))) if text not in taken)


def _check(body: dict[str, Any], file: str) -> None:
    write_out(body, file)
    for name, resource in body["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise BadSource(f"{file}: Resources.{name}: has no `Type`, or one that is no text")
        if not isinstance(resource.get("Properties") or {}, dict):
            raise BadSource(f"{file}: Resources.{name}.Properties: is no mapping")
    for section in ("Parameters", "Conditions", "Mappings", "Outputs"):
        if not isinstance(body.get(section) or {}, dict):
            raise BadSource(f"{file}: {section}: is no mapping")


def _read_assembly(sources: Sources, folder: Path) -> None:
    manifest = parse(_text(folder / "manifest.json"), str(folder / "manifest.json"))[0]
    artifacts = manifest.get("artifacts") if isinstance(manifest, dict) else None
    if not isinstance(artifacts, dict):
        raise BadSource(f"{folder / 'manifest.json'}: has no `artifacts`: this is no cloud assembly")
    for name, artifact in artifacts.items():
        properties = artifact.get("properties") or {}
        if artifact.get("type") == "aws:cloudformation:stack":
            # aws://123456789012/eu-central-1, or aws://unknown-account/unknown-region
            account, _, region = str(artifact.get("environment", "")).removeprefix("aws://").partition("/")
            _read_stack(
                sources,
                folder / str(properties.get("templateFile")),
                str(properties.get("stackName") or name),
                account="" if account.startswith("unknown") else account,
                region="" if region.startswith("unknown") else region,
            )
        elif artifact.get("type") == "cdk:cloud-assembly":
            _read_assembly(sources, folder / str(properties.get("directoryName")))
    for path in sorted((folder / "manifests").glob("*/*.yaml")):
        objects = [item for item in parse(_text(path), str(path)) if isinstance(item, dict)]
        sources.manifests.append(ManifestFile(str(path), path.parent.name, objects))


def _read_stack(
    sources: Sources, path: Path, name: str, *, account: str, region: str, parent: tuple[str, str] | None = None
) -> None:
    if name.count("/") > _DEEPEST:
        raise BadSource(f"{path}: stacks are nested more than {_DEEPEST} deep")
    text = _text(path)
    body = parse(text, str(path))[0]
    if not isinstance(body, dict):
        raise BadSource(f"{path}: is not a CloudFormation template")
    body.setdefault("Resources", {})
    _check(body, str(path))
    sources.templates.append(Template(name, str(path), body, text, account, region, parent))
    for logical_id, nested in _nested(body):
        _read_stack(
            sources,
            path.parent / nested,
            f"{name}/{logical_id}",
            account=account,
            region=region,
            parent=(name, logical_id),
        )


def _nested(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for logical_id, resource in body["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            file = (resource.get("Metadata") or {}).get("aws:asset:path")
            if isinstance(file, str):
                yield logical_id, file
