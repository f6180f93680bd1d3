"""``Fn::ForEach`` among resources, written out (the transform AWS::LanguageExtensions), and what no reader can write out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from responsibility.facts.template import BadSource

_LOOP = "Fn::ForEach::"
MAX_RESOURCES = 5000
"""CloudFormation takes 500 in a stack."""


def write_out(body: dict[str, Any], file: str) -> None:
    """Replaces the loops among a template's resources by what they make.

    What depends on the account (a macro, a loop over a value that the template does not say) stays, as a resource of the
    type ``Fn::Transform`` or ``Fn::ForEach`` whose one property is unknown: so it is counted and told. Raises BadSource.
    """
    resources: dict[str, Any] = {}
    for name, resource in _pairs(body["Resources"], body):
        if len(resources) >= MAX_RESOURCES:
            raise BadSource(f"{file}: Resources: its loops make more than {MAX_RESOURCES:,}; CloudFormation takes 500")
        kind = name if name == "Fn::Transform" else _LOOP.rstrip(":") if name.startswith(_LOOP) else ""
        resources[name] = {"Type": kind, "Properties": {"Resources": {kind: resource}}} if kind else resource
    body["Resources"] = resources


def _pairs(section: dict[Any, Any], body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        # YAML reads an unquoted No or 1 as something else than text.
        items = _items(value, body) if str(key).startswith(_LOOP) else None
        if items is None:
            yield str(key), value
            continue
        for item in items:
            yield from _pairs(_put(value[2], str(value[0]), item), body)


def _items(loop: Any, body: dict[str, Any]) -> list[str] | None:
    """Returns what a loop runs over; None: that is not in the template, or this is no loop."""
    if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[2], dict):
        return None
    found: list[str] = []
    for item in loop[1] if isinstance(loop[1], list) else [loop[1]]:
        if isinstance(item, dict):
            parameter = (body.get("Parameters") or {}).get(str(item.get("Ref")))
            default = parameter.get("Default") if isinstance(parameter, dict) else None
            if default is None:
                return None
            found += [part.strip() for part in str(default).split(",") if part.strip()]
        else:
            found.append(str(item))
    return found


def _put(value: Any, name: str, item: str) -> Any:
    """Returns ``value`` with a loop's variable replaced."""
    if isinstance(value, dict):
        if value == {"Ref": name}:
            return item
        return {_put(str(key), name, item): _put(inner, name, item) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put(inner, name, item) for inner in value]
    if isinstance(value, str):
        value = value.replace(f"${{{name}}}", item)
        # In a logical id, where only letters and digits may stand, `&{Name}` leaves the others out.
        return value.replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", item))
    return value
