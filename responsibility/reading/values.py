"""What a template's value can be besides plain data: a reference to a resource, or unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

OPEN, CLOSE = "\ue000", "\ue001"
"""What begins and ends a part of a text that the template does not say as text: a reference, a pseudo parameter, a gap.

Private characters: what people write has none (``Scope.value`` sees to that), so no ``${...}`` of theirs is taken for a part.
"""
PART = f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}"
"""A regular expression for one such part."""
ACCOUNT = f"{OPEN}AWS::AccountId{CLOSE}"
_GAP = f"{OPEN}?"
_REFERENCE = re.compile(r"([^?]+)/([A-Za-z0-9]+)(?:\.(.*))?", re.DOTALL)


def holes(text: str, begin: str = OPEN, end: str = CLOSE) -> Iterator[tuple[int, int, str]]:
    """Yields start, end and inside of each part between two marks, the innermost where one is left open.

    One pass over the text: an expression would look for the end anew from every beginning.
    """
    at = 0
    while (start := text.find(begin, at)) >= 0 and (close := text.find(end, start)) >= 0:
        start = text.rfind(begin, start, close)
        at = close + len(end)
        yield start, at, text[start + len(begin) : close]


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


def filled(text: str, fill: Callable[[str], str | None], begin: str = OPEN, end: str = CLOSE) -> str:
    """Returns a text with each marked part replaced by what ``fill`` gives for its inside; None = it stays."""
    parts: list[str] = []
    at = 0
    for start, stop, inside in holes(text, begin, end):
        put = fill(inside)
        if put is not None:
            parts += (text[at:start], put)
            at = stop
    return "".join([*parts, text[at:]]) if parts else text


def reference(inside: str) -> tuple[str, str, str] | None:
    """Returns stack, logical id and attribute, if what is inside of a marked part is a reference to a resource."""
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
        return f"{OPEN}{self.stack}/{self.resource}{'.' if self.attribute else ''}{self.attribute}{CLOSE}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not in the template, and why."""

    reason: str
    ssm: str = ""
    """The SSM parameter that holds it, where it is one: the name may say what kind of image it is."""
    given: bool = False
    """There is a value at the deploy: a parameter that has no default must be given, a dynamic reference has a value."""
    shape: Literal["", "one", "list"] = ""
    """What its parameter's type says of it."""

    def __str__(self) -> str:
        """The gap inside a longer text."""
        return f"{_GAP}{self.reason.translate(_MARKS)}{CLOSE}"


class Unread(dict[str, Any]):
    """Properties of something that is there, and of which only a few were told: every other one is unknown.

    Where a list is not known, one such thing represents everything that may be in it.
    """

    def __init__(self, unknown: Unknown, known: dict[str, Any] | None = None) -> None:
        super().__init__({"": unknown, **(known or {})})

    def get(self, key: str, _default: Any = None) -> Any:
        """Returns a property, or that it is unknown: there is no default for what is not known."""
        return super().get(key, self[""])


_MARKS = str.maketrans("", "", OPEN + CLOSE)


def has_gap(text: str) -> bool:
    """Whether a part of the text is unknown."""
    return _GAP in text


def is_gap(text: str) -> bool:
    """Whether nothing of the text is known."""
    return text.startswith(_GAP) and text.find(CLOSE) == len(text) - 1


def walk(value: Any) -> Iterator[Any]:
    """Yields everything in ``value``, at any depth, that is neither a mapping nor a list."""
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
        elif isinstance(item, str) and OPEN in item:
            for _, _, inside in holes(item):
                if found := reference(inside):
                    yield f"{found[0]}/{found[1]}", found[2]


def leaves(value: Any) -> tuple[int, int]:
    """Returns how many values are in ``value``, at any depth, and how many of them are unknown."""
    total = unknown = 0
    for item in walk(value):
        total += 1
        unknown += isinstance(item, Unknown) or (isinstance(item, str) and has_gap(item))
    return total, unknown


def may_be(text: str, other: str) -> bool:
    """Whether two texts may be the same: what is known of them agrees at the beginning and at the end, or all along."""
    if has_gap(text) and has_gap(other):
        (head, tail), (begin, end) = ((one.split(OPEN, 1)[0], one.rsplit(CLOSE, 1)[-1]) for one in (text, other))
        heads = head.startswith(begin) or begin.startswith(head)
        return heads and (tail.endswith(end) or end.endswith(tail))
    text, other = (text, other) if has_gap(text) else (other, text)
    known = [re.escape(one) for one in re.split(f"{_GAP}[^{OPEN}{CLOSE}]*{CLOSE}", text)]
    return bool(re.fullmatch(".*".join(known), other, re.DOTALL))


def gap_of(text: str) -> str:
    """Returns why the first unknown part of a text is unknown; empty = it has none."""
    return next((inside[1:] for _, _, inside in holes(text) if inside.startswith("?")), "")


def written(text: str) -> str:
    """Returns a text of the input without the two markers."""
    return text.translate(_MARKS) if OPEN in text or CLOSE in text else text


def without_gaps(text: str) -> str:
    """Returns the text for people: with ``...`` in the place of what is unknown, and of a reference, the resource's id."""
    if OPEN not in text:
        return text

    def fill(inside: str) -> str:
        if inside.startswith("?"):
            return "..."
        found = reference(inside)
        return found[1] if found else f"${{{inside}}}"

    return filled(text, fill)
