"""JSON inside of a text: a policy document, the settings of an add-on, the values of a chart."""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 100


class NoJson(Exception):
    """A text that is no JSON: or nested without end, or with a key twice, or a number that nothing can hold."""


def json_in(text: str) -> Any:
    """Returns what a text holds. Raises NoJson."""
    try:
        value = json.loads(text, object_pairs_hook=_mapping, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError):  # ValueError: a number of thousands of digits, too
        raise NoJson from None
    return value


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise NoJson
    return made


def _number(digits: str) -> float:
    number = float(digits)
    if abs(number) == float("inf"):
        raise NoJson
    return number


def _constant(_word: str) -> None:
    raise NoJson
