"""CloudFormation's resource schemas: properties of a type, create-only and read-only ones.

They are the files that cfn-lint ships. Only their JSON is read, since cfn-lint itself is not in the engine's environment.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import regex
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

Properties = Mapping[str, Any]


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Yields an error for text that ``pattern`` does not match; it may have classes like ``\\p{L}``, which `re` lacks."""
    if isinstance(value, str) and not regex.search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = extend(Draft7Validator, {"pattern": _pattern})


class ResourceSchema:
    """The schema of one resource type."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Wraps the JSON document of a resource type."""
        self._document = document
        self.properties: Mapping[str, Any] = document["properties"]

    @property
    def create_only(self) -> list[tuple[str, ...]]:
        """Paths of properties that cannot change: another value makes another resource."""
        return self._paths("createOnlyProperties")

    @property
    def read_only(self) -> list[tuple[str, ...]]:
        """Paths of properties that only the service sets; Fn::GetAtt reads them."""
        return self._paths("readOnlyProperties")

    @property
    def tag_property(self) -> str | None:
        """Name of the property with the tags that CloudFormation adds its own to; None where it adds none."""
        tagging = self._document.get("tagging", {})
        if not tagging.get("taggable", False) or not tagging.get("cloudFormationSystemTags", True):
            return None
        return str(tagging.get("tagProperty", "/properties/Tags")).removeprefix("/properties/")

    @property
    def custom_name(self) -> str | None:
        """Name of the property that is the resource's whole identity and that a template may set."""
        paths = self._paths("primaryIdentifier")
        if len(paths) == 1 and paths[0] in self.create_only and paths[0] not in self.read_only:
            return paths[0][0]
        return None

    def changed_create_only(self, old: Properties, new: Properties) -> list[str]:
        """Returns the create-only properties, such as ``AccessConfig/Mode``, that differ between two sets of properties."""
        return ["/".join(path) for path in self.create_only if _value(old, path) != _value(new, path)]

    def problems(self, properties: Properties) -> list[str]:
        """Returns CloudFormation's errors for ``properties``, which are resolved and coerced."""
        problems = [
            f"#/{'/'.join(path)}: read-only: [{path[-1]}] is set by the service and cannot be specified"
            for path in self.read_only
            if _value(properties, path) is not None and path not in self.create_only
        ]
        for error in self._validator.iter_errors(properties):
            problems += _messages(error)
        return sorted(set(problems))

    def coerced(self, properties: Properties) -> dict[str, Any]:
        """Returns ``properties`` with text in place of numbers and the other way round, as CloudFormation takes both."""
        return {name: self._coerce(value, self.properties.get(name, {})) for name, value in properties.items()}

    def _coerce(self, value: Any, schema: Mapping[str, Any]) -> Any:
        schema = self._resolved(schema)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if isinstance(value, dict):
            patterns = list(schema.get("patternProperties", {}).values())
            default = patterns[0] if patterns else {}
            members = self._members(schema)
            return {key: self._coerce(item, members.get(key, default)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._coerce(item, schema.get("items", {})) for item in value]
        if isinstance(value, str):
            if "boolean" in kinds and "string" not in kinds and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if "string" not in kinds and {"integer", "number"} & set(kinds):
                return _number(value)
        elif "string" in kinds and "boolean" not in kinds and isinstance(value, bool):
            return str(value).lower()
        elif "string" in kinds and not {"integer", "number"} & set(kinds) and isinstance(value, int | float):
            return str(value)
        return value

    def _members(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        members = dict(schema.get("properties", {}))
        for key in ("oneOf", "anyOf", "allOf"):
            for branch in schema.get(key, []):
                members.update(self._resolved(branch).get("properties", {}))
        return members

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for part in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _paths(self, key: str) -> list[tuple[str, ...]]:
        return [tuple(path.removeprefix("/properties/").split("/")) for path in self._document.get(key, [])]

    @cached_property
    def _validator(self) -> Any:
        kept = (
            "properties", "definitions", "required", "additionalProperties", "patternProperties",
            "oneOf", "anyOf", "allOf", "dependencies",
        )  # fmt: skip
        return _Validator({key: _readable(self._document[key]) for key in kept if key in self._document})


class Schemas:
    """The schemas of one region, read when they are asked for."""

    def __init__(self, folder: Path, region: str) -> None:
        """Reads the index of ``region`` in cfn-lint's folder ``data/schemas``. Raises OSError."""
        self._folder = folder
        self._index: dict[str, str] = json.loads((folder / "providers" / f"{region}.json").read_text())
        self._read: dict[str, ResourceSchema] = {}

    def get(self, resource_type: str) -> ResourceSchema | None:
        """Returns the schema of a type such as ``AWS::EKS::Cluster``, or None where CloudFormation has no such type."""
        if resource_type not in self._read:
            if resource_type not in self._index:
                return None
            path = self._folder / "resources" / f"{self._index[resource_type]}.json"
            self._read[resource_type] = ResourceSchema(json.loads(path.read_text()))
        return self._read[resource_type]


def _readable(part: Any) -> Any:
    """Returns a part of a schema with the patterns of property names that `re` cannot read widened to any name."""
    if isinstance(part, dict):
        result = {key: _readable(value) for key, value in part.items()}
        if isinstance(patterns := result.get("patternProperties"), dict):
            result["patternProperties"] = {"" if "\\p{" in key else key: value for key, value in patterns.items()}
        return result
    return [_readable(item) for item in part] if isinstance(part, list) else part


def _value(properties: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(properties, Mapping) or key not in properties:
            return None
        properties = properties[key]
    return properties


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _messages(error: ValidationError) -> Iterator[str]:
    """Yields an error, and those of the branches of a union, in the words that CloudFormation uses."""
    where = "#" + "".join(f"/{part}" for part in error.absolute_path)
    value, wanted = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (f"{where}: extraneous key [{key}] is not permitted" for key in value if key not in known)
    elif error.validator == "required":
        yield from (f"{where}: required key [{key}] not found" for key in wanted if key not in value)
    elif error.validator in _WORDS:
        yield f"{where}: {_WORDS[error.validator](value, wanted)}"
    elif error.context:
        for inner in error.context:
            yield from _messages(inner)
    else:
        yield f"{where}: {error.message}"


_WORDS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda value, wanted: f"expected type: {wanted}, found: {_kind(value)}",
    "enum": lambda value, _: f"{value} is not a valid enum value",
    "pattern": lambda value, wanted: f"string [{value}] does not match pattern {wanted}",
}


def _kind(value: Any) -> str:
    kinds = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "JSONArray", dict: "JSONObject"}
    return kinds.get(type(value), type(value).__name__)
