"""What a template's value can be besides plain data: a reference to a resource, or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from responsibility.reading.partly_known import PartlyKnown, known_to_start, part


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
        return part(f"{self.stack}/{self.resource}{'.' if self.attribute else ''}{self.attribute}")


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
        return part(f"?{self.reason}")


class Unread(dict[str, Any]):
    """Properties of something that is there, and of which only a few were told: every other one is unknown.

    Where a list is not known, one such thing represents everything that may be in it.
    """

    def __init__(self, unknown: Unknown, known: dict[str, Any] | None = None) -> None:
        super().__init__({"": unknown, **(known or {})})

    def get(self, key: str, _default: Any = None) -> Any:
        """Returns a property, or that it is unknown: there is no default for what is not known."""
        return super().get(key, self[""])


def has_gap(text: str) -> bool:
    """Whether a part of the text is unknown."""
    return isinstance(text, PartlyKnown) and bool(text.gaps)


def unsaid(value: object) -> bool:
    """Whether a value, or a part of its text, is not known."""
    return isinstance(value, Unknown) or (isinstance(value, str) and has_gap(value))


def is_gap(text: str) -> bool:
    """Whether nothing of the text is known."""
    return isinstance(text, PartlyKnown) and len(text.parts) == len(text.gaps) == 1


def all_known(value: Any) -> TypeGuard[str]:
    """Whether a value is text, and the template says all of it."""
    return isinstance(value, str) and not isinstance(value, PartlyKnown)


def gap_of(text: str) -> str:
    """Returns why the first unknown part of a text is unknown; empty = it has none."""
    return text.gaps[0].unknown if has_gap(text) and isinstance(text, PartlyKnown) else ""


def only_reference(text: str) -> tuple[str, str, str] | None:
    """Returns stack, logical id and attribute, if a text is one reference and nothing else."""
    parts = text.parts if isinstance(text, PartlyKnown) else []
    return parts[0].reference if len(parts) == 1 and not isinstance(parts[0], str) else None


def ends_in(text: str) -> str:
    """Returns the key of the resource whose ``Ref`` ends an ARN, like ``...:role/${Role}``; empty = it ends otherwise."""
    parts = text.parts if isinstance(text, PartlyKnown) and known_to_start(text, "arn:") else []
    *_, before, last = ["", *parts] if parts else ["", ""]
    found = last.reference if isinstance(before, str) and before.endswith("/") and not isinstance(last, str) else None
    return f"{found[0]}/{found[1]}" if found and not found[2] else ""


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
        elif isinstance(item, PartlyKnown):
            for one in item.parts:
                if not isinstance(one, str) and (found := one.reference):
                    yield f"{found[0]}/{found[1]}", found[2]


def leaves(value: Any) -> tuple[int, int]:
    """Returns how many values are in ``value``, at any depth, and how many of them are unknown."""
    total = unknown = 0
    for item in walk(value):
        total += 1
        unknown += unsaid(item)
    return total, unknown
