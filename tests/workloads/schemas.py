"""Each object by itself: the Kubernetes schemas of the cluster's version, strict, and those of other kinds. Unknown kinds fail."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from kubernetes_validate import utils as kubernetes_validate

from tests.workloads.objects import KubernetesObject, Problems, at, name_of, of_kind

kubernetes_validate.schema_contents = cache(kubernetes_validate.schema_contents)  # it reads megabytes for each object
_AWS_KINDS = Path(__file__).with_name("aws_kinds.yaml")


def problems(objects: Sequence[KubernetesObject], version: str) -> Problems:
    """What an API server of ``version`` would refuse of each object, as far as schemas say."""
    custom = {
        key: schema
        for definition in of_kind(objects, "CustomResourceDefinition")
        for key, schema in _defined(definition)
    }
    for item in objects:
        key = f"{item['apiVersion']}/{item['kind']}"
        if schema := custom.get(key) or _known_elsewhere(key):
            yield from _errors(item, schema)
            continue
        if found := _refused(json.dumps(item), version):
            yield f"{name_of(item)}: {found}"
        else:
            yield from _names(item)


@cache  # many objects come again
def _refused(text: str, version: str) -> str | None:
    item = json.loads(text)
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return (
            f"Kubernetes {version} has no {item['apiVersion']} {item['kind']}, and no CustomResourceDefinition adds it"
        )
    except kubernetes_validate.ValidationError as error:
        return f"{_where(error)}{error.message}"
    return None


@cache
def _known_elsewhere(key: str) -> Mapping[str, Any] | None:
    data = yaml.safe_load(_AWS_KINDS.read_text())
    if key not in data["kinds"]:
        return None
    properties = {
        "apiVersion": {},
        "kind": {},
        "metadata": {"$ref": "#/definitions/metadata"},
        "spec": data["kinds"][key],
    }
    return {
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": properties,
        "additionalProperties": False,
        "definitions": data["definitions"],
    }


def _defined(definition: KubernetesObject) -> list[tuple[str, Mapping[str, Any]]]:
    """The schemas of a CustomResourceDefinition. A field that one does not name would be dropped: here it fails."""
    spec = definition["spec"]
    found = []
    for version in spec["versions"]:
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"] = {
            "apiVersion": {},
            "kind": {},
            "metadata": {"type": "object"},
            **schema.get("properties", {}),
        }
        found.append((f"{spec['group']}/{version['name']}/{spec['names']['kind']}", schema))
    return found


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(schema)
    if "properties" in result:
        result["properties"] = {key: _closed(part) for key, part in result["properties"].items()}
        if not result.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    if "items" in result:
        result["items"] = _closed(result["items"])
    if isinstance(result.get("additionalProperties"), Mapping):
        result["additionalProperties"] = _closed(result["additionalProperties"])
    return result


def _errors(item: KubernetesObject, schema: Mapping[str, Any]) -> Problems:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(item):
        yield f"{name_of(item)}: {_where(error)}{error.message}"


def _where(error: jsonschema.ValidationError) -> str:
    return f"{'.'.join(map(str, error.path))}: " if error.path else ""


_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_ONE_LABEL = ("Namespace", "Service")
_FREE = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def _names(item: KubernetesObject) -> Problems:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and .../labels/: not in the schemas."""
    name = at(item, "metadata", "name", default="")
    kind = item["kind"]
    if kind not in _FREE and (not _SUBDOMAIN.fullmatch(name) or len(name) > (63 if kind in _ONE_LABEL else 253)):
        yield f"{name_of(item)}: metadata.name: {name!r} is no name for a {kind}"
    if kind == "CronJob" and len(name) > 52:
        yield f"{name_of(item)}: metadata.name: a CronJob's name has 52 characters at most: its Jobs' names are longer"
    for way in (
        ("metadata", "labels"),
        ("spec", "selector", "matchLabels"),
        ("spec", "template", "metadata", "labels"),
    ):
        for key, value in at(item, *way, default={}).items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(str(value)):
                yield f"{name_of(item)}: {'.'.join(way)}: {key}: {value!r} is no label"
