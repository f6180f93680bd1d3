"""What the review says of the files of the corpus, held against their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from responsibility.checks import all_checks
from responsibility.checks.check import Check
from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.reading import reader
from responsibility.reading.assembly import check as checked
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template
from tests.accuracy.corpus import Claims, File, Pair

AS_OF = date(2026, 11, 24)
"""Support dates are judged as on this day."""
_WORST_FIRST = ("open", "unknown", "met", "not_applicable")


@cache
def _checks() -> list[Check]:
    return all_checks("templates")


def findings(file: File) -> list[Finding]:
    """Returns the answers of every check about a file. A check that crashes fails it."""
    for body in file.templates:
        checked(body, file.name)
    templates = [Template(f"t{number}", file.name, body, "") for number, body in enumerate(file.templates)]
    manifests = [ManifestFile(f"{file.name}.objects.yaml", "", file.objects)] if file.objects else []
    found = run(_checks(), reader.read(Sources(file.name, templates, manifests, file.compute), AS_OF))
    assert [one.defect for one in found if one.defect] == []
    return found


def claims(found: Iterable[Finding]) -> Claims:
    """Returns what is said to be open: codes and resources."""
    return frozenset((one.code, where) for one in found if one.status == "open" for where in _where(one))


def _where(finding: Finding) -> set[str]:
    return {evidence.resource for evidence in finding.evidence}


@dataclass(frozen=True)
class Verdict:
    """What the review said of a pair."""

    pair: Pair
    found: bool
    """Whether it found the defect, at each place of the label."""
    false_met: bool
    """Whether it said *met* where the defect is: the worst answer."""
    claims: tuple[str, ...]
    """The codes of its claims about both files."""
    wrong: tuple[tuple[str, str], ...]
    """The claims that no label has: code, and where."""
    twin: str
    """Its answer about the clean twin."""


def verdicts(pairs: Sequence[Pair]) -> list[Verdict]:
    """Judges each file once; claims about a twin that pairs share count once."""
    known: dict[str, list[Finding]] = {}
    counted: set[str] = set()
    judged = []
    for pair in pairs:
        claimed: list[str] = []
        wrong: list[tuple[str, str]] = []
        for file in (pair.bad, pair.good):
            if file.name not in known:
                known[file.name] = findings(file)
            if file.name not in counted:
                counted.add(file.name)
                said = claims(known[file.name])
                claimed += sorted(code for code, _ in said)
                wrong += [(code, f"{file.name}: {where}") for code, where in sorted(said - file.true)]
        own = [one for one in known[pair.bad.name] if one.code == pair.code]
        places = {where for _, where in claims(own)}
        met = {where for one in own if one.status == "met" for where in _where(one)}
        twin = {one.status for one in known[pair.good.name] if one.code == pair.code}
        missed = pair.at - places
        judged.append(
            Verdict(
                pair,
                not missed,
                bool(missed & met) or {one.status for one in own} == {"met"},
                tuple(claimed),
                tuple(wrong),
                next(status for status in _WORST_FIRST if status in twin | {"not_applicable"}),
            )
        )
    return judged
