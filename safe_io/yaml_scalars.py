"""YAML scalars: text, number, boolean or null; and the rules for reading a file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Rules:
    """What a file may contain, and how much of it."""

    max_bytes: int = 1_000_000
    max_values: int = 100_000
    """Keys, values, lists and mappings, once the aliases are followed."""
    max_depth: int = 50
    max_digits: int = 100
    """Of a whole number. A float has at most 308, and Python refuses to read more than 4,300."""
    yaml_1_1: bool = False
    """Read yes, no, on, off, 0755 (octal) and 1_000 as YAML 1.1 does: so do CloudFormation and kubectl."""
    dates: bool = False
    """2027-05-01 is a date."""
    empty_values: bool = False
    """A key without a value is null. If False it is refused: most often somebody forgot something."""
    merge_keys: bool = False
    """``<<`` adds the keys of another mapping."""
    tags: Callable[[str, Any], Any] | None = None
    """What a tag such as ``!Sub`` makes of a value: gets the tag without ``!`` and the plain value, raises ValueError with
    what is wrong. None: there are no such tags."""
    lines_to: int = 1_000
    """Keys so many levels deep get a line. Fewer make a large file quicker."""


PEOPLE = Rules()
"""For a file that a person writes for this project."""
OURS = Rules(dates=True, empty_values=True, lines_to=0)
"""For data that this project ships."""

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_BOOL_1_1 = (
    _BOOL
    | dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON"), True)
    | dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF"), False)
)
_NUMERIC = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0o([0-7]+)|0x([0-9a-fA-F]+)|([0-9]+))")
_INTEGER_1_1 = re.compile(r"[-+]?(?:0o?([0-7][0-7_]*)|0x([0-9a-fA-F][0-9a-fA-F_]*)|(0|[1-9][0-9_]*)|0b([01][01_]*))")
_BASES = (0, 8, 16, 10, 2)
"""By group of the two patterns."""
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def plain(text: str, rules: Rules) -> Any:
    """Returns what a word without quotes and tag is. Raises ValueError: too many digits, a day that no month has."""
    if text in _NULL:
        return None
    if text[0] in _NUMERIC:
        return _number(text, rules)
    return (_BOOL_1_1 if rules.yaml_1_1 else _BOOL).get(text, text)


def tagged(text: str, kind: str, rules: Rules) -> Any:
    """Returns what a scalar with the tag ``!!kind`` is. Raises ValueError."""
    if kind == "str":
        return text
    value = plain(text, rules)
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value).__name__.replace("NoneType", "null") != kind:
        raise ValueError(f"YAML cannot read that as {kind}")
    return value


def _number(text: str, rules: Rules) -> int | float | date | str:
    """Returns a number or a date, or the text where it is neither."""
    if found := (_INTEGER_1_1 if rules.yaml_1_1 else _INTEGER).fullmatch(text):
        group = found.lastindex or 0
        digits = found[group].replace("_", "")
        if len(digits) > rules.max_digits:
            raise ValueError(f"a number with {len(digits):,} digits; at most {rules.max_digits} (bound: digits)")
        value = int(digits, _BASES[group])
        return -value if text[0] == "-" else value
    if _FLOAT.fullmatch(text):
        number = float(text)
        return text if number in (float("inf"), float("-inf")) else number
    if rules.dates and _DATE.fullmatch(text):
        return date.fromisoformat(text)
    return text  # .inf and .nan too: nothing here is meant to be infinite
