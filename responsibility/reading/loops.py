"""``Fn::ForEach`` among resources, written out (the transform AWS::LanguageExtensions), and what no reader can write out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from responsibility.bounds import RESOURCES, TURNS, Budget
from safe_io.where import Where

_LOOP = "Fn::ForEach::"


def write_out(body: dict[str, Any], file: str) -> None:
    """Replaces the loops among a template's resources by what they make.

    What depends on the account (a macro, a loop over a value that the template does not say) stays, as a resource of the
    type ``Fn::Transform`` or ``Fn::ForEach`` whose one property is unknown: so it is counted and told. Raises BadSource.
    """
    resources = Written()
    for name, resource, origin in _Writer(body, file).pairs(body["Resources"], body["Resources"], ("Resources",)):
        kind = name if name == "Fn::Transform" else _LOOP.rstrip(":") if name.startswith(_LOOP) else ""
        resources[name] = {"Type": kind, "Properties": {"Resources": {kind: resource}}} if kind else resource
        resources.origins[name] = origin
        RESOURCES.check(len(resources), f"{file}: Resources")
    body["Resources"] = resources


class Written(dict[str, Any]):
    """Resources, with where in the text each one is: that of a loop is in the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.origins: dict[str, Where] = {}


class _Writer:
    """Writes out the loops of one template."""

    def __init__(self, body: dict[str, Any], file: str) -> None:
        self._parameters: Any = body.get("Parameters")
        self._file = file
        self._budget = Budget(f"{file}: Resources")
        self._turns = 0
        self._lists: dict[str, list[str] | None] = {}
        """What parameters hold, by name."""

    def pairs(self, section: dict[Any, Any], written: dict[Any, Any], where: Where) -> Iterator[tuple[str, Any, Where]]:
        """Yields the name and the body of each resource, and where it is ``written``: there, variables are not replaced."""
        for (key, value), (name, raw) in zip(section.items(), written.items(), strict=False):
            # YAML reads an unquoted No or 1 as something else than text.
            items = self._items(value) if str(key).startswith(_LOOP) else None
            if items is None:
                yield str(key), value, (*where, str(name))
                continue
            for item in items:
                self._turns += 1
                TURNS.check(self._turns, f"{self._file}: Resources.{key}")
                yield from self.pairs(self._put(value[2], str(value[0]), item), raw[2], (*where, str(name), 2))

    def _items(self, loop: Any) -> list[str] | None:
        """Returns what a loop runs over; None: that is not in the template, or this is not a loop."""
        if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[2], dict):
            return None
        found: list[str] = []
        for item in loop[1] if isinstance(loop[1], list) else [loop[1]]:
            held = self._held(str(item.get("Ref"))) if isinstance(item, dict) else [str(item)]
            if held is None:
                return None
            self._budget.value(1 + len(held))
            found += held
        return found

    def _held(self, name: str) -> list[str] | None:
        """Returns what a parameter holds where nothing is given for it; None: the template does not say."""
        if name not in self._lists:
            parameter = self._parameters.get(name) if isinstance(self._parameters, dict) else None
            default = parameter.get("Default") if isinstance(parameter, dict) else None
            parts = (part.strip() for part in str(default).split(","))
            self._lists[name] = None if default is None else [part for part in parts if part]
        return self._lists[name]

    def _put(self, value: Any, name: str, item: str) -> Any:
        """Returns ``value`` with a loop's variable replaced."""
        self._budget.value()
        if isinstance(value, dict):
            if value == {"Ref": name}:
                return item
            return {self._put(str(key), name, item): self._put(inner, name, item) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._put(inner, name, item) for inner in value]
        if isinstance(value, str) and ("${" in value or "&{" in value):
            value = self._replaced(value, f"${{{name}}}", item)
            # In a logical id, which has only letters and digits, `&{Name}` leaves the others out.
            return self._replaced(value, f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", item))
        return value

    def _replaced(self, text: str, variable: str, item: str) -> str:
        if count := text.count(variable):
            self._budget.text(len(text) + count * (len(item) - len(variable)))
            return text.replace(variable, item)
        return text
