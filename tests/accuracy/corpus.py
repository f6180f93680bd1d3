"""The corpus: pairs of files that differ in one defect, each with a label.

Most pairs are an edit of a whole template or manifest in `bases/`, as people and tools write them. `cases/*.yaml` has the edits:

    base: classic.yaml              # the file; the clean twin of each case, unless the case says `good`
    also: {EKR007: [Cluster]}       # defects that the base has anyway, by code: the resources
    cases:
      - name: the API is open to half the internet, twice
        defect: EKR001              # what the bad file has, and its twin does not
        at: Cluster                 # where: a logical id, or KIND/NAMESPACE/NAME
        bad: {Cluster ResourcesVpcConfig.PublicAccessCidrs: [0.0.0.0/1, 128.0.0.0/1]}
        also: {EKR003: [Cluster]}   # what comes with it

`edits.py` says what an edit is. The other pairs are the fixtures of the
checks: each `bad*.yaml` with its `good*.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from responsibility.model import ComputeKind
from responsibility.reading.template import parse
from tests.accuracy.edits import edited
from tests.accuracy.omissions import omitted

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "responsibility/checks/fixtures"
Claims = frozenset[tuple[str, str]]
"""Codes of checks, each with the resource that has the defect."""


@dataclass(frozen=True)
class File:
    """A file of the corpus, and all that is wrong in it."""

    name: str
    documents: list[dict[str, Any]]
    true: Claims
    as_json: bool = False
    compute: tuple[ComputeKind, ...] = ()

    @property
    def templates(self) -> list[dict[str, Any]]:
        """The CloudFormation templates in it."""
        return [item for item in self.documents if "Resources" in item]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The Kubernetes objects in it."""
        return [item for item in self.documents if "kind" in item]

    def having(self, code: str, at: Set[str]) -> File:
        """Returns it, labelled with a defect."""
        return replace(self, true=self.true | {(code, one) for one in at})

    def without(self, code: str, at: Set[str]) -> File:
        """Returns it, labelled as clean of a defect."""
        return replace(self, true=self.true - {(code, one) for one in at})

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yields a name and a text for each file that a scanner is to read."""
        for number, body in enumerate(self.templates):
            name = f"{self.name}--{number}" if number else self.name
            if self.as_json:
                yield f"{name}.template.json", json.dumps(body, indent=1)
            else:
                yield f"{name}.template.yaml", _dump([body])
        if self.objects:
            yield f"{self.name}.objects.yaml", _dump(self.objects)


@dataclass(frozen=True)
class Pair:
    """A file with a defect, and its clean twin."""

    name: str
    code: str
    at: frozenset[str]
    bad: File
    good: File
    fixture: bool = field(default=False, kw_only=True)


def _dump(documents: list[dict[str, Any]]) -> str:
    return yaml.dump_all(json.loads(json.dumps(documents)), Dumper=yaml.CSafeDumper, sort_keys=False, width=1000)


@cache
def pairs() -> tuple[Pair, ...]:
    """Every pair, by name."""
    written = [pair for path in sorted((HERE / "cases").glob("*.yaml")) for pair in _cases(path)]
    return (*written, *_fixtures())


def _cases(path: Path) -> Iterator[Pair]:
    (table,) = parse(path.read_text(), str(path))
    more = {"as_json": table["base"].endswith(".json"), "compute": tuple(table.get("compute", ()))}
    for number, case in enumerate(table["cases"], 1):
        name, code = f"{path.stem}-{number:02}", case["defect"]
        at = frozenset([case["at"]] if isinstance(case["at"], str) else case["at"])
        labels = {"good": _claims(table.get("also", {})) - _claims(case.get("not", {}))}
        labels["good"] |= _claims(case.get("good_also", {}))
        labels["bad"] = (labels["good"] | _claims(case.get("also", {}))) - _claims(case.get("not_bad", {}))
        bad, good = (
            _file(f"{name}-{side}", edited(HERE / "bases" / table["base"], case.get(side, {})), labels[side], **more)
            for side in ("bad", "good")
        )
        yield Pair(f"{name}: {case['name']}", code, at, bad.having(code, at), good.without(code, at))


def _claims(labels: Mapping[str, list[str]]) -> Claims:
    return frozenset((code, one) for code, where in labels.items() for one in where)


def _fixtures() -> Iterator[Pair]:
    also = _judged()
    for path in sorted(FIXTURES.glob("*/bad*.yaml")):
        text = path.read_text()
        if any(line.startswith("account:") for line in text.splitlines()):
            continue  # of a running account: no template
        code = path.parent.name
        at = frozenset(line.split()[2] for line in text.splitlines() if line.startswith("# open: "))
        twin = path.with_name(path.name.replace("bad", "good"))
        if not twin.exists():
            twin = path.with_name("good.yaml")
        files = [
            _file(f"{code}-{one.stem}", parse(one.read_text(), str(one)), also.get(f"{code}-{one.stem}", set()))
            for one in (path, twin)
        ]
        name = f"{code}-{path.stem}: the check's own fixture"
        yield Pair(name, code, at, files[0].having(code, at), files[1].without(code, at), fixture=True)


def _judged() -> Mapping[str, set[tuple[str, str]]]:
    """What else is true of the fixtures, by the name of the file: judged by hand, sentence by sentence."""
    (table,) = parse((HERE / "fixtures.yaml").read_text(), "fixtures.yaml")
    found: dict[str, set[tuple[str, str]]] = {}
    for code, where in table.items():
        for resource, names in where.items():
            for name in names.split():
                found.setdefault(name, set()).add((code, resource))
    return found


def _file(name: str, documents: list[dict[str, Any]], labels: Set[tuple[str, str]], **more: Any) -> File:
    return File(name, documents, frozenset(labels) | omitted(documents), **more)
