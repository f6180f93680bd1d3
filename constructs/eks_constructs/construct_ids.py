"""Construct ids from names: ``vpc-cni`` becomes ``VpcCni``, and with it part of a logical id."""

import re
from collections.abc import Iterable


def pascal_case(name: str) -> str:
    """Returns the letters and digits of a name, with the first letter of each part in upper case."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def clashing(ids: Iterable[Iterable[str]], taken: Iterable[str] = ()) -> tuple[int, str] | None:
    """Returns the index of the first thing that would have an id of another (or one of ``taken``), and that id, or None.

    Names become ids of constructs without their hyphens, so that two different names can make the same id.
    """
    seen = set(taken)
    for index, mine in enumerate(ids):
        for one in mine:
            if one in seen:
                return index, one
            seen.add(one)
    return None
