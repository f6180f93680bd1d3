"""Hides values of templates and Kubernetes objects, as parameters, macros and charts do, and finds who is fooled by it.

The original is one of the things that the changed input may mean. So whatever was open in it cannot be met in the changed one.
"""

import copy
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from responsibility.checks.check import Check
from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.reading import reader
from responsibility.reading.assembly import check as checked
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template

AS_OF = date(2026, 11, 24)
Path = tuple[str, ...]
"""Keys of mappings and positions in lists, from the document down."""


@dataclass(frozen=True)
class Way:
    """One way to hide a value.

    Attributes:
        name: what a message calls it.
        put: takes what holds the value, and its key there; changes it in place.
        may_be_absent: the changed input may mean that there is no such value.
        in_lists: whether it works for an item of a list.
    """

    name: str
    put: Callable[[Any, Any], None]
    may_be_absent: bool = False
    in_lists: bool = True


def _value(hidden: Any) -> Callable[[Any, Any], None]:
    def put(holder: Any, key: Any) -> None:
        holder[key] = copy.deepcopy(hidden)

    return put


def _beside(name: str, hidden: Any) -> Callable[[Any, Any], None]:
    def put(holder: Any, key: Any) -> None:
        holder.pop(key, None)
        holder[name] = copy.deepcopy(hidden)

    return put


def _key(name: str) -> Callable[[Any, Any], None]:
    def put(holder: Any, key: Any) -> None:
        holder[name] = holder.pop(key, None)

    return put


def _either(holder: Any, key: Any) -> None:
    holder[key] = {"Fn::If": ["HiddenCondition", holder[key], {"Ref": "HiddenValue"}]}


def _in_text(begin: str, end: str) -> Callable[[Any, Any], None]:
    """A half of a text is a parameter's: of a name or an ARN, its beginning or its end."""

    def put(holder: Any, key: Any) -> None:
        value = holder[key] if isinstance(holder[key], str) else ""
        half = len(value) // 2
        hidden = (value[half:] if begin else value[:half]).replace("${", "${!")
        holder[key] = {"Fn::Sub": begin + hidden + end}

    return put


IN_TEMPLATES = (
    Way("parameter", _value({"Ref": "HiddenValue"})),
    Way("text", _value({"Fn::Sub": "${HiddenValue}"})),
    Way("beginning of a text", _in_text("${HiddenValue}", "")),
    Way("end of a text", _in_text("", "${HiddenValue}")),
    Way("dynamic reference", _value({"Fn::Sub": "{{resolve:ssm:/hidden/${AWS::Region}}}"})),
    Way("import", _value({"Fn::ImportValue": "hidden"})),
    Way("custom resource", _value({"Fn::GetAtt": ["HiddenCustom", "Value"]})),
    Way("nested stack", _value({"Fn::GetAtt": ["HiddenStack", "Outputs.Value"]})),
    Way("mapping", _value({"Fn::FindInMap": ["HiddenMap", {"Ref": "HiddenValue"}, "value"]})),
    Way("either", _either),
    Way("condition", _value({"Fn::If": ["HiddenCondition", {"Ref": "AWS::NoValue"}, {"Ref": "HiddenValue"}]}), True),
    Way("placeholder", _value("~~/hidden~~")),
    Way("snippet", _value({"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}})),
    Way("macro beside", _beside("Fn::Transform", {"Name": "Hidden", "Parameters": {}}), True, in_lists=False),
)
IN_OBJECTS = (
    Way("variable", _value("${HIDDEN}")),
    Way("chart's value", _value("{{ .Values.hidden }}")),
    Way("placeholder", _value("@@hidden@@")),
    Way("variable in a list", _value(["${HIDDEN}"])),
    Way("variable as key", _key("${HIDDEN}"), True, in_lists=False),
    Way("chart's block", _beside("{{- toYaml .Values.hidden | nindent 4 }}", None), True, in_lists=False),
)


def _as_snippet(resources: dict[str, Any], name: str) -> None:
    del resources[name]
    resources["Fn::Transform"] = {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}


def _as_module(resources: dict[str, Any], name: str) -> None:
    resources[name] = {"Type": "Own::Team::Thing::MODULE", "Properties": {}}


def _as_loop(resources: dict[str, Any], name: str) -> None:
    body = resources.pop(name)
    resources["Fn::ForEach::Hidden"] = ["Turn", {"Ref": "HiddenList"}, {f"{name}${{Turn}}": body}]


def _as_nested_stack(resources: dict[str, Any], name: str) -> None:
    body = resources.pop(name)
    named = {found: {"Ref": found} for found in resources if f"'{found}'" in str(body)}
    for other, made in resources.items():
        resources[other] = _of_outputs(made, name)
    resources[name] = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x", "Parameters": named}}


def _of_outputs(value: Any, name: str) -> Any:
    """Returns a value that takes what it took of a resource from a nested stack's output."""
    if isinstance(value, dict):
        if value.get("Ref") == name or value.get("Fn::GetAtt", [""])[0] == name:
            return {"Fn::GetAtt": [name, "Outputs.Hidden"]}
        return {key: _of_outputs(item, name) for key, item in value.items()}
    return [_of_outputs(item, name) for item in value] if isinstance(value, list) else value


WHOLE = {"snippet": _as_snippet, "module": _as_module, "loop": _as_loop, "nested stack": _as_nested_stack}
"""Ways to hide a whole resource: something brings it that cannot be read."""


def fooled_by_absence(checks: Iterable[Check], documents: list[Any]) -> list[str]:
    """Hides one resource after the other; returns the checks that say met of another one where they said open."""
    checks, wrong = list(checks), []
    before = answers(findings(checks, documents), "open")
    for number, body in enumerate(documents):
        for name in body.get("Resources") or {}:
            for way, put in WHOLE.items():
                changed = copy.deepcopy(documents)
                put(changed[number]["Resources"], name)
                changed[number].setdefault("Parameters", {})["HiddenList"] = {"Type": "CommaDelimitedList"}
                met = answers(findings(checks, changed), "met") & before
                wrong += [f"{code} {words}, by a {way} for {name}" for code, words in met]
    return sorted(wrong)


Place = tuple[int, Path, Way]
"""Which document, what in it, and how it is hidden."""


def is_function(value: Any) -> bool:
    """Whether CloudFormation works a value out."""
    return isinstance(value, dict) and any(key == "Ref" or str(key).startswith("Fn::") for key in value)


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Yields the path of each value that no function gives."""
    if at:
        yield at
    if not is_function(value):
        for key, item in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            yield from places(item, (*at, str(key)))


def hidable(document: dict[str, Any]) -> list[Path]:
    """Returns the path of each value of a template or Kubernetes object that something may fill in."""
    if "Resources" in document:
        return [
            ("Resources", name, "Properties", *path)
            for name, made in document["Resources"].items()
            for path in places(made.get("Properties") or {})
        ]
    identity = (("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"))
    return [path for path in places(document) if path not in identity]


def hide(document: dict[str, Any], path: Path, way: Way) -> bool:
    """Hides what is at a path, in place; returns False where that cannot be, or where it would not hide but add a value."""
    at: Any = document
    for step in path[:-1]:
        if isinstance(at, list):
            at = at[int(step)] if step.isdecimal() and int(step) < len(at) else None
        elif isinstance(at, dict) and not is_function(at):
            at = at.setdefault(step, {}) if way.may_be_absent else at.get(step)
    key = path[-1]
    if isinstance(at, list):
        if not key.isdecimal() or int(key) >= len(at) or not way.in_lists:
            return False
        way.put(at, int(key))
    elif isinstance(at, dict) and not is_function(at) and (key in at or way.may_be_absent):
        way.put(at, key)
    else:
        return False
    if "Resources" in document:
        document.setdefault("Parameters", {})["HiddenValue"] = {"Type": "String"}
        document.setdefault("Mappings", {})["HiddenMap"] = {"a": {"value": "x"}, "b": {"value": "y"}}
        for name, kind in (("HiddenCustom", "Custom::Hidden"), ("HiddenStack", "AWS::CloudFormation::Stack")):
            if f"{name}" in json.dumps(document, default=str):
                document["Resources"][name] = {"Type": kind, "Properties": {}}
        document.setdefault("Conditions", {})["HiddenCondition"] = {"Fn::Equals": [{"Ref": "HiddenValue"}, "x"]}
    return True


def ways_of(document: dict[str, Any]) -> tuple[Way, ...]:
    """Returns the ways to hide something in a document."""
    return IN_TEMPLATES if "Resources" in document else IN_OBJECTS


def findings(checks: Iterable[Check], documents: list[Any]) -> list[Finding]:
    """Returns what checks say of templates and Kubernetes objects. Raises BadSource."""
    documents = copy.deepcopy(documents)
    objects = [item for item in documents if "kind" in item]
    templates = [item for item in documents if "Resources" in item]
    for body in templates:
        checked(body, "t.yaml")
    named = [Template(f"t{number}", "t.yaml", body, "") for number, body in enumerate(templates)]
    sources = Sources("t", named, [ManifestFile("o.yaml", "", objects)] if objects else [])
    if not templates:
        sources.version = "1.36"
    return run(checks, reader.read(sources, AS_OF))


def answers(found: Iterable[Finding], status: str) -> set[tuple[str, str]]:
    """Returns code and subject of each finding with a status."""
    return {(one.code, one.subject) for one in found if one.status == status}


def fooled(checks: Iterable[Check], documents: list[Any], places: Iterable[Place]) -> list[str]:
    """Hides one value after the other; returns the checks that say met where they said open, and those that crash."""
    checks, wrong = list(checks), []
    before = answers(findings(checks, documents), "open")
    for number, path, way in places:
        changed = copy.deepcopy(documents)
        if hide(changed[number], path, way):
            found = findings(checks, changed)
            crashed = {(one.code, one.defect) for one in found if one.defect}
            where = f"{way.name} at {number}: {'.'.join(path)}"
            wrong += [f"{code} {words}, by a {where}" for code, words in (answers(found, "met") & before) | crashed]
    return sorted(wrong)


def anywhere(documents: list[Any], rng: random.Random) -> Place | None:
    """Draws a place and a way to hide it."""
    everywhere = [(number, path) for number, body in enumerate(documents) for path in hidable(body)]
    if not everywhere:
        return None
    number, path = rng.choice(everywhere)
    return number, path, rng.choice(ways_of(documents[number]))
