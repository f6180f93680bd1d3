"""Which properties differ between two versions of a resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from operator import eq
from typing import Any

from responsibility.reading.partly_known import surely
from responsibility.reading.values import unsaid

Path = tuple[str, ...]


def same(before: Any, after: Any, *, ordered: bool = True) -> bool:
    """Whether two values mean the same to CloudFormation, which takes numbers and booleans as text, too."""
    if surely(partial(eq, before, after)) and isinstance(before, bool) == isinstance(after, bool):
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            return False
        return all(map(same, before, after)) or (not ordered and _counted(before) == _counted(after))
    plain = (str, int, float)
    return isinstance(before, plain) and isinstance(after, plain) and str.__eq__(_text(before), _text(after))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _counted(values: list[Any]) -> Counter[str]:
    return Counter(repr(value) for value in values)


def differences(before: Any, after: Any, unordered: frozenset[str] = frozenset(), path: Path = ()) -> Iterator[Path]:
    """Yields the paths at which two values differ, as deep as they can be told apart.

    Lists of ``Key``/``Value`` pairs (tags) are compared by key, lists of equal length item by item, others as a whole.
    """
    if same(before, after, ordered=not (len(path) == 1 and path[0] in unordered)):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key), after.get(key), unordered, (*path, str(key)))
    elif isinstance(before, list) and isinstance(after, list):
        old, new = _by_key(before), _by_key(after)
        if old is not None and new is not None:
            yield from differences(old, new, unordered, path)
        elif len(before) == len(after) and any(isinstance(item, dict) for item in after):
            for index, (first, second) in enumerate(zip(before, after, strict=True)):
                yield from differences(first, second, unordered, (*path, str(index)))
        else:
            yield path
    else:
        yield path


def _by_key(items: list[Any]) -> dict[str, Any] | None:
    """A list of tags by their keys; None = it is no such list."""
    found: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("Key"), str) or item["Key"] in found:
            return None
        found[item["Key"]] = item if item.keys() - {"Key", "Value"} else item.get("Value")
    return found


def is_unknown(value: Any) -> bool:
    """Whether a value, or a part of it, is not known before the deploy."""
    todo = [value]
    while todo:
        item = todo.pop()
        if unsaid(item):
            return True
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return False
