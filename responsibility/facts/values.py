"""What a template's value can be beside plain data: a reference to a resource, or unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{\?[^}]*\}")
_REFERENCE = re.compile(r"\$\{[^}?]+/([A-Za-z0-9]+)(?:\.[^}]*)?\}")


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


_BRACES = str.maketrans("{}", "()")


def has_gap(text: str) -> bool:
    """Whether a part of the text is unknown."""
    return "${?" in text


def gaps(value: Any) -> int:
    """Returns how many unknown values stand in ``value``, at any depth."""
    return leaves(value)[1]


def leaves(value: Any) -> tuple[int, int]:
    """Returns how many values stand in ``value``, at any depth, and how many of them are unknown."""
    total = unknown = 0
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        else:
            total += 1
            unknown += isinstance(item, Unknown) or (isinstance(item, str) and has_gap(item))
    return total, unknown


def without_gaps(text: str) -> str:
    """Returns the text for people: with ``...`` in the place of what is unknown, and of a reference, the resource's id."""
    return _REFERENCE.sub(r"\1", _PLACEHOLDER.sub("...", text))
