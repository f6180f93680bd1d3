"""Untrusted JSON as plain data, within the bounds of YAML: no duplicate keys, no endless numbers, no NaN."""

import json
import re
from pathlib import Path
from typing import Any

from safe_io.errors import BadInput
from safe_io.terminal import one_line
from safe_io.where import Where, shown
from safe_io.yaml_file import YamlFile
from safe_io.yaml_scalars import PEOPLE, Rules

_HALF = re.compile(r"[\ud800-\udfff]")
"""A lone surrogate: valid in JSON, but no file, terminal or API accepts it."""


def load_json(text: str, name: Path | str, rules: Rules = PEOPLE) -> Any:
    """Returns the content of a JSON text: dict, list, text, numbers, true and false, None.

    Args:
        text: the text.
        name: of the file or whatever else it comes from, for messages.
        rules: its bounds on bytes, values, depth and digits; the rest is YAML's.

    Raises:
        BadInput: it is not JSON, has a duplicate key, or exceeds a bound.
    """
    if len(text) > rules.max_bytes:
        raise BadInput(one_line(f"{name}:1: the text has more than {rules.max_bytes:,} characters (bound: bytes)"))
    reader = _Reader(text, name, rules)
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.mapping,
            parse_int=reader.integer,
            parse_float=reader.number,
            parse_constant=reader.constant,
        )
    except json.JSONDecodeError as error:
        words = f"{name}:{error.lineno}: is not JSON: {error.msg} (column {error.colno})"
        raise BadInput(one_line(words)) from None
    except RecursionError:
        raise reader.too_deep() from None
    reader.check(value)
    return value


_WORD = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],\n]|[^\s"{}\[\],:]+')


def json_lines(text: str) -> dict[Where, int]:
    """Returns the line of every key and item of a JSON text. Raises ValueError: it is no JSON."""
    json.loads(text)
    lines: dict[Where, int] = {(): 1}
    frames: list[list[Any]] = []  # [where it is, number of the next item or -1 for a mapping, its key]
    line = 1
    for match in _WORD.finditer(text):
        word = match[0]
        if word == "\n":
            line += 1
        elif word == ",":
            frames[-1][1:] = [frames[-1][1] + 1 if frames[-1][1] >= 0 else -1, None]
        elif word in "]}":
            frames.pop()
        else:
            where: Where = ()
            if frames:
                around, number, key = frames[-1]
                if number < 0 and key is None:
                    key = frames[-1][2] = json.loads(word) if "\\" in word else word[1:-1]
                    lines[(*around, key)] = line
                    continue
                if number >= 0:
                    lines[(*around, number)] = line
                elif word not in "[{":
                    continue
                where = (*around, key if number < 0 else number)
            if word in "[{":
                frames.append([where, 0 if word == "[" else -1, None])
    return lines


class _Reader:
    """Hooks of json.loads."""

    def __init__(self, text: str, name: Path | str, rules: Rules) -> None:
        self.text = text
        self.name = name
        self.rules = rules

    def refusal(self, words: str) -> BadInput:
        return BadInput(one_line(f"{self.name}: {words}"))

    def too_deep(self) -> BadInput:
        return self.refusal(f"nested more than {self.rules.max_depth} levels deep (bound: depth)")

    def mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            self._say_where()
            keys = [key for key, _ in pairs]
            twice = next(key for key in made if keys.count(key) > 1)
            raise self.refusal(f"the key {shown(twice)} is twice in one object; JSON would silently keep one")
        return made

    def _say_where(self) -> None:
        """Raises BadInput with the line of a duplicate key, where YAML's parser, slower, can read the text."""
        try:
            YamlFile.parse(self.text, self.name, self.rules)
        except BadInput as problem:
            if "duplicate key" in str(problem):
                raise

    def integer(self, digits: str) -> int:
        if len(digits) > self.rules.max_digits:
            raise self.refusal(f"a number with {len(digits):,} digits; at most {self.rules.max_digits} (bound: digits)")
        return int(digits)

    def number(self, digits: str) -> float | str:
        value = float(digits)
        return digits if value in (float("inf"), float("-inf")) else value

    def constant(self, word: str) -> None:
        raise self.refusal(f"is not JSON: {word} is none of its numbers")

    def check(self, value: Any) -> None:
        """Raises BadInput for what is too deep or too much, and for half of a character."""
        # Level by level: large templates pass here, and most of their values are scalars.
        halves = "\\u" in self.text or _HALF.search(self.text)
        if isinstance(value, str) and _HALF.search(value):
            raise self.refusal(f"{shown(value)} contains half of a character (a lone surrogate)")
        count, depth, containers = 1, 0, [value]
        while containers := [one for one in containers if isinstance(one, dict | list)]:
            if depth >= self.rules.max_depth:
                raise self.too_deep()
            inner: list[Any] = []
            for one in containers:
                inner += [*one, *one.values()] if isinstance(one, dict) else one
                if count + len(inner) > self.rules.max_values:
                    raise self.refusal(f"more than {self.rules.max_values:,} values (bound: values)")
            for one in inner if halves else ():
                if isinstance(one, str) and _HALF.search(one):
                    raise self.refusal(f"{shown(one)} contains half of a character (a lone surrogate)")
            count, depth, containers = count + len(inner), depth + 1, inner
