"""JSON within bounds."""

import json
from typing import Any

import pytest

from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.yaml_file import Rules


@pytest.mark.parametrize("value", [{}, [], "x", 5, -1.5, True, None, {"a": [1, {"b": "\u263a"}], "c": 10**99}])
def test_json_is_read(value: Any) -> None:
    assert load_json(json.dumps(value), "mine.json") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.json:1: is not JSON: Expecting value (column 1)"),
        ('{"a": 1,\n "b": }', "mine.json:2: is not JSON: Expecting value (column 7)"),
        ('{"a": 1} x', "is not JSON: Extra data"),
        ('{"a": {\n"b": 1,\n"b": 2}}', "mine.json:3: a.b: duplicate key, first in line 2"),
        ('{"\\/": 1, "\\/": 2}', "duplicate key"),
        ('{"\\ud83d\\ude00": 1, "\\ud83d\\ude00": 2}', "twice in one object"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        (f"[{'9' * 5000}]", "a number with 5,000 digits; at most 100 (bound: digits)"),
        ("[" * 100_000, "(bound: depth)"),
        ("[" * 60 + "]" * 60, "nested more than 50 levels deep (bound: depth)"),
        (json.dumps({f"k{index}": 0 for index in range(60_000)}), "more than 100,000 values (bound: values)"),
        ('["\\ud800"]', "half of a character"),
        ('{"\\udfff": 1}', "half of a character"),
        ("[1, \x00]", "is not JSON"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what(text: str, said: str) -> None:
    with pytest.raises(BadInput) as found:
        load_json(text, "mine.json")
    assert str(found.value).startswith("mine.json:")
    assert said in str(found.value)
    assert str(found.value).isprintable()


def test_bounds_and_numbers() -> None:
    assert load_json("[1e999, 1e3]", "x") == ["1e999", 1000.0]
    assert load_json("[" * 60 + "]" * 60, "x", Rules(max_depth=60))
    with pytest.raises(BadInput, match="bound: bytes"):
        load_json('"' + "x" * 100 + '"', "x", Rules(max_bytes=100))
