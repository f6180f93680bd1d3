"""Where one bad item of a list is a defect, an item beside it that nobody knows does not hide it.

A check says of itself that one item more never helps (``more_never_helps`` in its file); others look at each list themselves.
"""

import copy
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from responsibility.findings import Finding
from responsibility.reading.template import parse
from tests.responsibility.checks.test_every_check import CHECKS, FIXTURES
from tests.responsibility.checks.test_hidden_values import BAD, documents
from tests.support import hiding

LISTS = {
    "EKR001/bad-halves.yaml": ("Resources", "Cluster", "Properties", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR003/bad.yaml": ("Resources", "Cluster", "Properties", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR047/bad.yaml": ("Resources", "Template", "Properties", "LaunchTemplateData", "BlockDeviceMappings"),
}
"""Lists of checks that look at each item themselves."""
FLAGGED = [case for case in BAD if CHECKS[case.split("/")[0]].more_never_helps]
MOST = 6
"""So many other items are put into a list."""


def _lists(value: Any, at: hiding.Path = ()) -> Iterator[hiding.Path]:
    if isinstance(value, list) and value:
        yield at
    if not hiding.is_function(value):
        for key, item in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            yield from _lists(item, (*at, str(key)))


def lists(document: dict[str, Any]) -> list[hiding.Path]:
    """Returns the path of each list of the properties of a template, or of an object."""
    if "Resources" not in document:
        return list(_lists(document))
    return [
        path
        for name, made in document["Resources"].items()
        for path in _lists(made.get("Properties") or {}, ("Resources", name, "Properties"))
    ]


def at(document: Any, path: hiding.Path) -> Any:
    for step in path:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _kind(document: dict[str, Any], path: hiding.Path) -> tuple[str, ...]:
    """Returns what a list is, whichever resource has it."""
    made = document["Resources"][path[1]].get("Type") if "Resources" in document else document.get("kind")
    return (str(made), *("#" if step.isdecimal() else step for step in path[2 if "Resources" in document else 0 :]))


@cache
def _items() -> dict[tuple[str, ...], dict[str, Any]]:
    """What fixtures have in each kind of list."""
    found: dict[tuple[str, ...], dict[str, Any]] = defaultdict(dict)
    for file in sorted(FIXTURES.glob("*/*.yaml")):
        for body in parse(file.read_text(), str(file)):
            if isinstance(body.get("Resources"), dict) or "kind" in body:
                for path in lists(body):
                    found[_kind(body, path)].update({json.dumps(one, sort_keys=True): one for one in at(body, path)})
    return found


def _found(case: str, originals: list[Any]) -> list[Finding]:
    return hiding.findings([CHECKS[case.split("/")[0]]], originals)


def _with(originals: list[Any], number: int, path: hiding.Path, where: int, item: Any) -> list[Any]:
    changed = copy.deepcopy(originals)
    at(changed[number], path).insert(where, item)
    if "Resources" in changed[number]:
        changed[number].setdefault("Parameters", {})["HiddenValue"] = {"Type": "String"}
    return changed


def _unknown(document: dict[str, Any]) -> Any:
    return {"Ref": "HiddenValue"} if "Resources" in document else "${HIDDEN}"


@pytest.mark.parametrize("case", LISTS)
def test_a_check_that_looks_at_each_item_finds_the_bad_one(case: str) -> None:
    originals, path = documents(case), LISTS[case]
    after = hiding.answers(_found(case, _with(originals, 0, path, 0, _unknown(originals[0]))), "open")
    assert after
    assert after <= hiding.answers(_found(case, originals), "open")


@pytest.mark.parametrize("case", FLAGGED)
def test_it_stays_open_where_it_was(case: str) -> None:
    originals = documents(case)
    before = _found(case, originals)
    for number, body in enumerate(originals):
        for path in lists(body):
            after = _found(case, _with(originals, number, path, 0, _unknown(body)))
            assert hiding.answers(before, "open") <= hiding.answers(after, "open"), path
            if "Resources" in body:
                moved = [one for found in after if found.status == "open" for one in found.evidence]
                unknown = f"{'.'.join(path[3:])}.0."
                assert not any(one.resource == path[1] and f"{one.path}.".startswith(unknown) for one in moved), path


@pytest.mark.parametrize("case", FLAGGED)
def test_no_further_item_mends_it(case: str) -> None:
    """The promise that ``more_never_helps`` makes, tried with what other fixtures have in such a list."""
    originals = documents(case)
    before = hiding.answers(_found(case, originals), "open")
    for number, body in enumerate(originals):
        for path in lists(body):
            for item in list(_items()[_kind(body, path)].values())[:MOST]:
                found = _found(case, _with(originals, number, path, len(at(body, path)), item))
                assert not before & hiding.answers(found, "met"), (path, item)
