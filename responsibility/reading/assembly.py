"""A cloud assembly (``cdk.out``): its stacks, those nested in them, its stages, and Kubernetes objects beside them.

Whoever made it may be a stranger: a manifest may be of any shape, name any path, and hold itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from responsibility.bounds import STACK_DEPTH
from responsibility.reading.files import Files
from responsibility.reading.loops import write_out
from responsibility.reading.template import BadSource, Template
from safe_io.terminal import one_line


def read_assembly(files: Files, folder: Path, depth: int = 1) -> Iterator[Template]:
    """Yields the templates of an assembly. Raises BadSource."""
    file = folder / "manifest.json"
    STACK_DEPTH.check(depth, str(file))
    manifest = _only(files, file)
    artifacts = manifest.get("artifacts") if isinstance(manifest, dict) else None
    if not isinstance(artifacts, dict):
        raise BadSource(f"{file}: has no `artifacts`: this is not a cloud assembly")
    for name, artifact in artifacts.items():
        where = one_line(f"{file}: artifacts.{name}", 300)
        kind = _mapping(artifact, where).get("type")
        properties = artifact.get("properties")
        if kind == "aws:cloudformation:stack":
            properties = _mapping(properties, f"{where}.properties")
            # aws://123456789012/eu-central-1, or aws://unknown-account/unknown-region
            account, _, region = str(artifact.get("environment", "")).removeprefix("aws://").partition("/")
            yield from _read_stack(
                files,
                files.inside(folder, properties.get("templateFile"), f"{where}.properties.templateFile"),
                str(properties.get("stackName") or name),
                account="" if account.startswith("unknown") else account,
                region="" if region.startswith("unknown") else region,
            )
        elif kind == "cdk:cloud-assembly":
            directory = _mapping(properties, f"{where}.properties").get("directoryName")
            yield from read_assembly(
                files, files.inside(folder, directory, f"{where}.properties.directoryName"), depth + 1
            )


def objects_beside(files: Files, folder: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Yields the files of Kubernetes objects and charts that go with an assembly, each with what it holds. Raises BadSource."""
    beside = folder / "manifests"
    for path in sorted([*beside.glob("*/*.yaml"), *beside.glob("*/*.helm.json")]):
        files.inside(path.parent, path.name, str(path))
        yield path, [item for item in files.documents(path)[1] if isinstance(item, dict)]


def check(body: dict[str, Any], file: str) -> None:
    """Raises BadSource for what is not a template; writes its loops out."""
    if not isinstance(body.setdefault("Resources", {}), dict):
        raise BadSource(f"{file}: Resources: is not a mapping")
    for section in ("Parameters", "Conditions", "Mappings", "Outputs"):
        if not isinstance(body.get(section) or {}, dict):
            raise BadSource(f"{file}: {section}: is not a mapping")
    write_out(body, file)
    for name, resource in body["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise BadSource(one_line(f"{file}: Resources.{name}: has no `Type`, or one that is not text"))
        if not isinstance(resource.get("Properties") or {}, dict):
            raise BadSource(one_line(f"{file}: Resources.{name}.Properties: is not a mapping"))


def _only(files: Files, path: Path) -> Any:
    documents = files.documents(path)[1]
    if not documents:
        raise BadSource(f"{path}: is empty")
    return documents[0]


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSource(f"{where}: is not a mapping")
    return value


def _read_stack(
    files: Files, path: Path, name: str, *, account: str, region: str, parent: tuple[str, str] | None = None
) -> Iterator[Template]:
    STACK_DEPTH.check(name.count("/"), str(path))
    if path not in files.templates:
        body = _only(files, path)
        if not isinstance(body, dict):
            raise BadSource(f"{path}: is not a CloudFormation template")
        check(body, str(path))
        files.templates[path] = body
    body = files.templates[path]
    yield Template(name, str(path), body, files.documents(path)[0], account, region, parent)
    for logical_id, nested in _nested(body):
        where = one_line(f"{path}: Resources.{logical_id}.Metadata.aws:asset:path", 300)
        yield from _read_stack(
            files,
            files.inside(path.parent, nested, where),
            f"{name}/{logical_id}",
            account=account,
            region=region,
            parent=(name, logical_id),
        )


def _nested(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for logical_id, resource in body["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            metadata = resource.get("Metadata")
            file = metadata.get("aws:asset:path") if isinstance(metadata, dict) else None
            if isinstance(file, str):
                yield logical_id, file
