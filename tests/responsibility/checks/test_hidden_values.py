"""No check says that a duty is met because a value was hidden from it.

Each bad fixture is open at a property. Whoever hides that property (or what holds it) in a parameter, a dynamic reference, an
import, or a condition must get *open* or *unknown*, never *met*.
"""

import copy
import pickle
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.reading import reader
from responsibility.reading.assembly import check as checked
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template, parse
from tests.responsibility.checks.test_every_check import AS_OF, CHECKS, FIXTURES, cases

HIDDEN: dict[str, Any] = {
    "parameter": {"Ref": "HiddenValue"},
    "text": {"Fn::Sub": "${HiddenValue}-x"},
    "dynamic reference": {"Fn::Sub": "{{resolve:ssm:/hidden/${AWS::Region}}}"},
    "import": {"Fn::ImportValue": "hidden"},
    "condition": {"Fn::If": ["HiddenCondition", {"Ref": "AWS::NoValue"}, {"Ref": "HiddenValue"}]},
    "placeholder": "~~/hidden~~",
}
STATED = {"EKR013", "EKR102", "EKR017"}
"""Checks that ask whether a value is stated at all: a parameter without default is."""


@cache
def _parsed(case: str) -> bytes:
    return pickle.dumps(parse((FIXTURES / case).read_text(), case))


def documents(case: str) -> list[Any]:
    """The documents of a fixture, which the caller may change."""
    return pickle.loads(_parsed(case))  # noqa: S301 - written above


def findings(code: str, documents: list[Any]) -> list[Finding]:
    objects = [item for item in documents if "kind" in item]
    templates = [item for item in documents if "Resources" in item]
    for body in templates:
        checked(body, "t.yaml")
    named = [Template(f"t{number}", "t.yaml", body, "") for number, body in enumerate(templates)]
    sources = Sources("t", named, [ManifestFile("o.yaml", "", objects)] if objects else [])
    return run([CHECKS[code]], reader.read(sources, AS_OF))


def places(body: dict[str, Any], wanted: set[tuple[str, ...]]) -> Iterator[tuple[str, list[str]]]:
    """Yields resource and path of each property that a fixture is open at, and of what holds it."""
    for resource, *path in wanted:
        if resource in body["Resources"] and path:
            steps = path[0].split(".")
            for end in range(len(steps), 0, -1):
                yield resource, steps[:end]


def hide(body: dict[str, Any], resource: str, path: list[str], value: Any) -> bool:
    """Puts a value at a path of a resource; False: there is a function in the way."""
    body.setdefault("Parameters", {})["HiddenValue"] = {"Type": "String"}
    body.setdefault("Conditions", {})["HiddenCondition"] = {"Fn::Equals": [{"Ref": "HiddenValue"}, "x"]}
    at: Any = body["Resources"][resource].setdefault("Properties", {})
    for step in path[:-1]:
        if isinstance(at, list):
            if not step.isdecimal() or int(step) >= len(at):
                return False
            at = at[int(step)]
        elif isinstance(at, dict) and not any(key == "Ref" or str(key).startswith("Fn::") for key in at):
            at = at.setdefault(step, {})
        else:
            return False
    if isinstance(at, list):
        if not path[-1].isdecimal() or int(path[-1]) >= len(at):
            return False
        at[int(path[-1])] = value
        return True
    if isinstance(at, dict) and not any(key == "Ref" or str(key).startswith("Fn::") for key in at):
        at[path[-1]] = value
        return True
    return False


def every_place(value: Any, at: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yields the path of each value in properties that no function gives."""
    if at:
        yield list(at)
    if isinstance(value, dict) and any(key == "Ref" or str(key).startswith("Fn::") for key in value):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from every_place(item, (*at, str(key)))


CERTAIN = {
    # EKS offers no version any more whose default is another image.
    ("EKR040", "Cluster Version"),
    # A parameter cannot be a role of its own template.
    ("EKR036", "Entry PrincipalArn"),
}
"""What is met whatever the hidden value is."""
SAMPLE = 6
"""Places of a fixture that a test run hides: about 2,000 changed templates in all."""


def hidden_somewhere(case: str, rng: random.Random, most: int) -> list[str]:
    """Hides properties of a bad fixture, one at a time; returns where a check says met that said open before."""
    code, bodies = case.split("/")[0], documents(case)
    before = {finding.subject for finding in findings(code, documents(case)) if finding.status == "open"}
    places = [
        (number, resource, path)
        for number, body in enumerate(bodies)
        for resource, made in body.get("Resources", {}).items()
        for path in every_place(made.get("Properties") or {})
        if (code, f"{resource} {'.'.join(path)}") not in CERTAIN
    ]
    wrong = []
    for number, resource, path in rng.sample(places, min(most, len(places))):
        changed, how = documents(case), rng.choice(("parameter", "condition"))
        if hide(changed[number], resource, path, copy.deepcopy(HIDDEN[how])):
            found = findings(code, changed)
            bad = {one.subject for one in found if one.defect or (one.status == "met" and one.subject in before)}
            wrong += [f"{subject} by a {how} at {resource} {'.'.join(path)}" for subject in bad]
    return wrong


BAD = [
    case
    for case in cases("bad")
    if case.split("/")[0] not in STATED and "account:" not in (FIXTURES / case).read_text()
]


@pytest.mark.parametrize("case", BAD)
def test_what_is_hidden_anywhere_is_not_met(case: str) -> None:
    assert hidden_somewhere(case, random.Random(case), SAMPLE) == []  # noqa: S311 - the same every time


@pytest.mark.parametrize("case", BAD)
def test_what_is_hidden_is_not_met(case: str) -> None:
    text = (FIXTURES / case).read_text()
    code = case.split("/")[0]
    wanted = {tuple(line.split()[2:]) for line in text.splitlines() if line.startswith("# open: ")}
    before = {finding.subject for finding in findings(code, documents(case)) if finding.status == "open"}
    wrong = []
    for number, body in enumerate(documents(case)):
        for resource, path in places(body, wanted) if "Resources" in body else ():
            for how, value in HIDDEN.items():
                changed = documents(case)
                if not hide(changed[number], resource, path, copy.deepcopy(value)):
                    continue
                met = {finding.subject for finding in findings(code, changed) if finding.status == "met"} & before
                # Who has several faults of the kind stays open by the others.
                wrong += [f"{subject} by a {how} at {resource} {'.'.join(path)}" for subject in met]
    assert wrong == []
