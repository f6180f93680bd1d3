"""Writes the JSON schema of environment files, which editors complete and check by: `make schema`."""

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safe_io.errors import OK, BadInput, run
from safe_io.layers import EXTENDS, PATCH, PATCHES
from safe_io.output import write
from stacks.environment.model import Environment

_REF = "#/$defs/"
_PART = "Part"
"""Ends the name of a definition for files that extend others: they have but the keys that differ."""


def schema() -> str:
    """Returns the schema as text."""
    return json.dumps(_with_extends(described()), indent=1) + "\n"


def described() -> dict[str, Any]:
    """Returns the schema of a file that extends no other, in which every key has a description."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Environment.model_json_schema()}
    for part in _parts(body):
        if "patternProperties" in part:
            part["additionalProperties"] = False  # a key that no pattern fits
    _describe(body)
    return body


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every mapping of a schema."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(one)


def _describe(body: dict[str, Any]) -> None:
    """Gives each key that has no description that of the spec it takes."""
    for spec in [body, *body["$defs"].values()]:
        for key in spec.get("properties", {}).values():
            refs = (part["$ref"] for part in _parts(key) if "$ref" in part)
            found = (body["$defs"][ref.removeprefix(_REF)].get("description") for ref in refs)
            if "description" not in key and (text := next((one for one in found if one), None)):
                key["description"] = text


def _with_extends(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema that asks a file with `extends` for no key that its bases may have."""
    definitions = body.pop("$defs")
    parts = {f"{name}{_PART}": _partial(spec) for name, spec in definitions.items()}
    own = _partial({key: value for key, value in body.items() if key != "$schema"})
    return {
        "$schema": body["$schema"],
        "title": body["title"],
        "description": body["description"],
        "type": "object",
        "if": {"required": [EXTENDS]},
        "then": {"$ref": f"{_REF}{body['title']}{_PART}"},
        "else": {"$ref": f"{_REF}{body['title']}"},
        "$defs": {
            body["title"]: {key: value for key, value in body.items() if key != "$schema"},
            f"{body['title']}{_PART}": own,
            **definitions,
            **parts,
        },
    }


def _partial(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns a definition without keys that must be there, where `null` and `$patch` take away what a base says."""
    spec = copy.deepcopy(spec)
    for part in _parts(spec):
        if "$ref" in part:
            part["$ref"] += _PART
        part.pop("required", None) if isinstance(part.get("required"), list) else None
        part.pop("minItems", None)
    for key, value in spec.get("properties", {}).items():
        about = {word: value[word] for word in ("description", "default", "title") if word in value}
        spec["properties"][key] = {**about, "anyOf": [value, {"type": "null"}]}
    if "properties" in spec:
        spec["properties"][PATCH] = {
            "enum": list(PATCHES),
            "description": "Takes away what a base says here, or takes its place.",
        }
    return spec


def main(arguments: list[str]) -> int:
    """Writes it; returns the exit code. Raises BadInput."""
    if len(arguments) != 1:
        raise BadInput("usage: python -m stacks.environment.schema FILE")
    write(Path(arguments[0]), schema())
    return OK


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m stacks.environment.schema"))
