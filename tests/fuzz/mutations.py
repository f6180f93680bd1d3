"""What chance does to good inputs: to plain data, and to text."""

import copy
import random
import string
from typing import Any

Place = tuple[Any, ...]

TEXTS = (
    *("", " ", "\t", "\n", "x", "-", ".", "/", "*", "**", "role/*", "0", "00", "1e5", "true", "null", "~", "=", "<<", "!!int", "&a"),
    *("\x00", "\x1b[2J", "\u0085", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufffe", "\U000e0041", "\u00e4", "\u4e2d", "\U0001f600"),
    *("${Token[TOKEN.5]}", "#{Token[TOKEN.3]}", "-1.8881545897087626e+289", "{{resolve:ssm:/x}}", "${AWS::AccountId}", "${x"),
    *("x" * 300, "x" * 70_000, "a." * 200, "-" * 64, "1" * 400, "../../etc/passwd", "/dev/zero", "a\\b", "'", '"', "`id`", "$(id)", "%s%n"),
    *("127.0.0.0/16", "224.0.0.0/8", "0.0.0.0/0", "169.254.0.0/16", "10.0.0.0/33", "10.0.0.1/16", "::/0", "256.0.0.0/16"),
    *("arn:aws:iam::123456789012:role/x", "arn:aws-cn:kms:cn-north-1:123456789012:key/x", "arn:aws:::", "2026-13-45", "1.36", "99.99"),
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**30, 10**99, -0.0, 0.5, 1e308, -1.8881545897087626e289, 5e-324)
VALUES = (*TEXTS, *NUMBERS, True, False, None, [], {}, [[]], [None], {"": ""}, {"a": {"b": []}}, ["x", "x"], [0, "0"])


def places(value: Any, at: Place = ()) -> list[Place]:
    """Returns the way to each value in ``value``, but for itself."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*at, key))
    return found


def held(value: Any, at: Place) -> Any:
    """Returns what is at a place."""
    for key in at:
        value = value[key]
    return value


def changed_data(data: Any, rng: random.Random, values: tuple[Any, ...] = VALUES) -> Any:
    """Returns a copy of plain data (lists and mappings in any depth) with one to six things changed."""
    whole = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if everywhere := places(whole):
            at = rng.choice(everywhere)
            other = copy.deepcopy(held(whole, rng.choice(everywhere)))
            _change(held(whole, at[:-1]), at[-1], other, rng, values)
    return whole


def _change(holder: Any, key: Any, other: Any, rng: random.Random, values: tuple[Any, ...]) -> None:
    how = rng.choices(("odd", "moved", "removed", "renamed", "doubled", "many"), (60, 12, 9, 8, 8, 3))[0]
    if how == "odd":
        holder[key] = copy.deepcopy(rng.choice(values))
    elif how == "moved":
        holder[key] = other
    elif how == "removed":
        del holder[key]
    elif how == "many":
        holder[key] = [copy.deepcopy(holder[key]) for _ in range(rng.choice((10, 100, 1000)))]
    elif how == "doubled" or isinstance(holder, list):
        holder[key] = [holder[key], copy.deepcopy(holder[key])]
    else:
        holder[rng.choice((f"{key}x", str(key).upper(), *TEXTS[:30]))] = holder.pop(key)


def changed_text(text: str, rng: random.Random) -> str:
    """Returns text with one to six things changed: characters, words, lines."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((0, 1, 1, 5, 40)))
        how = rng.choice(("insert", "insert", "remove", "repeat", "swap", "letter", "line"))
        if how == "insert":
            text = text[:start] + rng.choice(TEXTS) + text[start:]
        elif how == "remove":
            text = text[:start] + text[end:]
        elif how == "repeat":
            text = text[:end] + text[start:end] * rng.choice((1, 3, 100)) + text[end:]
        elif how == "letter":
            text = text[:start] + rng.choice(string.printable) + text[end:]
        else:
            lines = text.split("\n")
            one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one] = lines[other] if how == "line" else lines[one][::-1] if one == other else lines[one]
            lines[one], lines[other] = lines[other], lines[one]
            text = "\n".join(lines)
    return text
