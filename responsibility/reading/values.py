"""What a template's value can be beside plain data: a reference to a resource, or unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_REFERENCE = re.compile(r"([^?]+)/([A-Za-z0-9]+)(?:\.(.*))?", re.DOTALL)


def holes(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields start, end and inside of each ``${...}`` in a text, the innermost where one is left open.

    One pass over the text: an expression would look for the end anew from every ``${``.
    """
    end = 0
    while (start := text.find("${", end)) >= 0 and (close := text.find("}", start)) >= 0:
        start = text.rfind("${", start, close)
        end = close + 1
        yield start, end, text[start + 2 : close]


def split(text: str, at: str) -> list[str]:
    """Returns the parts of a text between separators; a reference or a gap in it stays whole."""
    parts: list[str] = []
    open_: list[str] = []
    end = 0
    for start, stop, _ in holes(text):
        first, *more = text[end:start].split(at)
        open_.append(first)
        if more:
            parts += ["".join(open_), *more[:-1]]
            open_ = more[-1:]
        open_.append(text[start:stop])
        end = stop
    first, *more = text[end:].split(at)
    return [*parts, "".join([*open_, first]), *more]


def filled(text: str, fill: Callable[[str], str | None]) -> str:
    """Returns a text with each ``${...}`` replaced by what ``fill`` gives for its inside; None = it stays."""
    parts: list[str] = []
    at = 0
    for start, end, inside in holes(text):
        put = fill(inside)
        if put is not None:
            parts += (text[at:start], put)
            at = end
    return "".join([*parts, text[at:]]) if parts else text


def reference(inside: str) -> tuple[str, str, str] | None:
    """Returns stack, logical id and attribute, if what is inside of ``${...}`` is a reference to a resource."""
    match = _REFERENCE.fullmatch(inside)
    return (match[1], match[2], match[3] or "") if match else None


def only_reference(text: str) -> tuple[str, str, str] | None:
    """Returns stack, logical id and attribute, if a text is one reference and nothing else."""
    found = next(holes(text), None)
    return reference(found[2]) if found and found[:2] == (0, len(text)) else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that CloudFormation takes from a resource: its ``Ref`` or one of its attributes."""

    stack: str
    resource: str
    """Logical id."""
    attribute: str = ""
    """Empty: the ``Ref``."""

    @property
    def words(self) -> str:
        """What a message calls it."""
        return f"{self.resource}{'.' if self.attribute else ''}{self.attribute} of {self.stack}"

    def __str__(self) -> str:
        """The reference inside a longer text, such as an ARN."""
        return f"${{{self.stack}/{self.resource}{'.' if self.attribute else ''}{self.attribute}}}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the template does not say, and why."""

    reason: str
    ssm: str = ""
    """The SSM parameter that holds it, where it is one: the name may say what kind of image it is."""

    def __str__(self) -> str:
        """The gap inside a longer text."""
        return f"${{?{self.reason.translate(_BRACES)}}}"


class Unread(dict[str, Any]):
    """Properties of something that is there, and of which only a few were told: every other one is unknown.

    Where a list was not told, one such thing stands for all that may be in it.
    """

    def __init__(self, unknown: Unknown, known: dict[str, Any] | None = None) -> None:
        super().__init__({"": unknown, **(known or {})})

    def get(self, key: str, _default: Any = None) -> Any:
        """Returns a property, or that it is unknown: there is no default for what was not told."""
        return super().get(key, self[""])


_BRACES = str.maketrans("{}", "()")


def has_gap(text: str) -> bool:
    """Whether a part of the text is unknown."""
    return "${?" in text


def walk(value: Any) -> Iterator[Any]:
    """Yields what stands in ``value`` at any depth and is neither a mapping nor a list."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        else:
            yield item


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Yields key and attribute of every resource that ``value`` mentions, at any depth, inside texts too."""
    for item in walk(value):
        if isinstance(item, Reference):
            yield f"{item.stack}/{item.resource}", item.attribute
        elif isinstance(item, str) and "${" in item:
            for _, _, inside in holes(item):
                if found := reference(inside):
                    yield f"{found[0]}/{found[1]}", found[2]


def leaves(value: Any) -> tuple[int, int]:
    """Returns how many values stand in ``value``, at any depth, and how many of them are unknown."""
    total = unknown = 0
    for item in walk(value):
        total += 1
        unknown += isinstance(item, Unknown) or (isinstance(item, str) and has_gap(item))
    return total, unknown


def without_gaps(text: str) -> str:
    """Returns the text for people: with ``...`` in the place of what is unknown, and of a reference, the resource's id."""

    def fill(inside: str) -> str | None:
        if inside.startswith("?"):
            return "..."
        found = reference(inside)
        return found[1] if found else None

    return filled(text, fill)
