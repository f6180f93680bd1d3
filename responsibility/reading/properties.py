"""Properties of facts: read from the template when they are asked for, as the type that CloudFormation gives them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, overload

from responsibility.findings import Evidence
from responsibility.reading.resource import OddShape, Resource, UnknownValue
from responsibility.reading.values import Reference, Unknown, gap_of

T = TypeVar("T")
At = Callable[[str], Evidence]
"""Returns where the property at a path is."""


class Read(Protocol):
    """What a property needs of its fact."""

    resource: Resource

    def get(self, path: str, default: Any = None) -> Any:
        """Returns the value at a path."""

    def texts(self, path: str) -> list[str]:
        """Returns the items of a list of texts."""

    def at(self, path: str = "") -> Evidence:
        """Returns where a property is."""


class Prop(Generic[T]):
    """A property of a fact, read from its path; with CloudFormation's own default."""

    def __init__(self, path: str, default: T) -> None:
        self.path = path
        self.default = default

    @overload
    def __get__(self, fact: None, owner: type[Read]) -> Prop[T]: ...
    @overload
    def __get__(self, fact: Read, owner: type[Read]) -> T: ...
    def __get__(self, fact: Read | None, owner: type[Read]) -> T | Prop[T]:
        """Returns the value. Raises UnknownValue."""
        if fact is None:
            return self
        value = fact.resource.get(self.path, self.default)
        return typed(type(self.default), value, fact.at, self.path)  # type: ignore[no-any-return]


class Texts:
    """A list of texts, read from its path."""

    def __init__(self, path: str, default: tuple[str, ...] = ()) -> None:
        self.path = path
        self.default = default

    def __get__(self, fact: Read, owner: type[Read]) -> list[str]:
        """Returns the texts. Raises UnknownValue, OddShape."""
        return fact.texts(self.path) if fact.get(self.path) is not None else list(self.default)


_KIND_WORDS = {bool: "true or false", int: "a whole number", str: "text", list: "a list", dict: "a mapping"}


def typed(kind: type[Any], value: Any, at: At, path: str) -> Any:
    """Returns a value as a bool, int, str, list or dict; a reference stays one where text is wanted.

    Templates write numbers and booleans as text, too; CloudFormation takes both. Raises UnknownValue, and OddShape for what
    is of another kind.
    """
    if isinstance(value, str) and (why := gap_of(value)):
        raise UnknownValue(at(path), f"a part of it is not known: {why}")
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return _known_items(value, at, path)
    if isinstance(value, Reference):
        if kind is str:
            return value
        raise UnknownValue(at(path), f"is given by {value.words}")
    if kind is str and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind is int and isinstance(value, str | float) and re.fullmatch(r"-?\d{1,18}(\.0)?", str(value)):
        return int(str(value).removesuffix(".0"))
    if kind is list and isinstance(value, str | int | float | dict):
        return [value]
    raise OddShape(at(path), f"should be {_KIND_WORDS[kind]}")


def _known_items(value: Any, at: At, path: str) -> Any:
    """Returns a value. Raises UnknownValue for an item of a list that is not known."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Unknown):
            raise UnknownValue(at(f"{path}.{index}"), item.reason)
    return value
