"""Construct ids from names: ``vpc-cni`` becomes ``VpcCni``, and with it part of a logical id."""

import re
from collections.abc import Iterable, Sequence

from eks_constructs.spec import Misplaced, repeated


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


def check_names(names: Sequence[str], *, what: str, made: Sequence[str], taken: Sequence[str]) -> None:
    """Raises Misplaced, from the list of named things, if two names are the same or make the same construct id.

    Args:
        names: the names, in the order of the list.
        what: what they name, in the plural.
        made: ids of the constructs that each makes, with ``{id}`` for its own.
        taken: ids of other constructs beside them.
    """
    if (index := repeated(names)) is not None:
        raise Misplaced(f"{names[index]} is the name of two {what}; choose another", index, "name")
    if clash := clashing([[one.format(id=pascal_case(name)) for one in made] for name in names], taken=taken):
        index, clashing_id = clash
        raise Misplaced(
            f"{names[index]} would be {clashing_id} in the template, as another resource is; choose another name",
            index,
            "name",
        )
