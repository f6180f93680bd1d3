"""Writes docs/reference.md, every key of an environment file, from the specs: `make schema`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safe_io.errors import OK, BadInput, run
from safe_io.output import write
from stacks.environment.schema import described

_HEAD = """\
# Every key of an environment file

Made from the specs by `make schema`; do not edit. Each section is a mapping of the file, beginning with its top. A key
without a default must be there. [environments.md](environments.md) says how files extend each other, and what there is beyond keys.
"""


def reference() -> str:
    """Returns the page."""
    body = described()
    definitions = body["$defs"]
    names = list(_reached(body, definitions))
    sections = [_section(body["title"], body), *(_section(name, definitions[name]) for name in names)]
    return "\n".join([_HEAD, *sections])


def _reached(part: Any, definitions: dict[str, Any], seen: dict[str, None] | None = None) -> dict[str, None]:
    """Returns the names of the definitions with keys of their own, in the order in which the file comes to them."""
    seen = {} if seen is None else seen
    if isinstance(part, dict) and "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[-1]
        if name not in seen and "properties" in definitions[name]:
            seen[name] = None
            _reached(definitions[name], definitions, seen)
    for key, one in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key != "$defs":
            _reached(one, definitions, seen)
    return seen


def _section(name: str, spec: dict[str, Any]) -> str:
    rows = [f"## {name}", "", *_text(spec), "| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    required = spec.get("required", [])
    for key, value in spec["properties"].items():
        if key in required:
            default = ""
        else:
            own = "$ref" in value or "default" not in value
            default = "its own" if own else f"`{json.dumps(value['default'], ensure_ascii=False)}`"
        meaning = _cell(str(value.get("description", "")))
        rows.append(f"| `{key}` | {_type(value)} | {_cell(default)} | {meaning} |")
    return "\n".join([*rows, ""])


def _text(spec: dict[str, Any]) -> Iterator[str]:
    if text := spec.get("description"):
        yield from (text, "")


def _type(value: dict[str, Any]) -> str:
    """Returns what a value must be, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        if name == "JsonValue":  # pydantic's own
            return "any value"
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        shown = [f"`{one}`" for one in value["enum"]]
        return ", ".join(shown) if len(shown) <= 12 else f"one of {len(shown)}: {', '.join(shown[:6])}, ..."
    if "const" in value:
        return f"`{value['const']}`"
    for word in ("anyOf", "oneOf"):
        if word in value:
            kinds = [_type(one) for one in value[word] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    return _plain_type(value)


def _plain_type(value: dict[str, Any]) -> str:
    match value.get("type"):
        case "array":
            return f"list of {_type(value.get('items', {}))}"
        case "object":
            inner: Any = value.get("additionalProperties") or next(
                iter(value.get("patternProperties", {}).values()), {}
            )
            return f"mapping of text to {_type(inner)}" if isinstance(inner, dict) and inner else "mapping"
        case "integer" | "number":
            bounds = [str(value[bound]) for bound in ("minimum", "maximum") if bound in value]
            return f"number{f', {bounds[0]} to {bounds[-1]}' if len(bounds) == 2 else ''}"
        case "boolean":
            return "`true` or `false`"
        case "string":
            return "text"
    return "any value"


def _cell(text: str) -> str:
    """Returns text for a cell of a table: on one line, and nothing in it that is HTML or ends the cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main(arguments: list[str]) -> int:
    """Writes it; returns the exit code. Raises BadInput."""
    if len(arguments) != 1:
        raise BadInput("usage: python -m stacks.environment.reference FILE")
    write(Path(arguments[0]), reference())
    return OK


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m stacks.environment.reference"))
