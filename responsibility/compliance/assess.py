"""Judges the controls of a framework by a findings document. It asks nothing anew, and claims no more than the findings do."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Literal, get_args

from pydantic import Field

from responsibility.checks import all_checks
from responsibility.compliance.frameworks import Control, Framework
from responsibility.document import Review
from responsibility.findings import Evidence, Finding, Origin, Part
from responsibility.model import KIND_NAMES, components

SCHEMA_VERSION = "1.0"
State = Literal["open", "unknown", "met", "aws", "not_applicable", "not_checkable"]
"""``not_checkable``: by no check of ours; a person must look."""
STATES: tuple[State, ...] = get_args(State)
STATE_NAMES: dict[State, str] = {
    "open": "Open",
    "unknown": "Unknown",
    "met": "Met",
    "aws": "AWS's",
    "not_applicable": "Not applicable",
    "not_checkable": "Not checkable",
}


class Verdict(Part):
    """What was found of one control."""

    id: str
    title: str
    state: State
    why: str = Field(description="The reason, in a sentence or two")
    checks: list[str] = Field(description="Codes of the checks that were asked")
    evidence: list[Evidence] = []


class Chapter(Part):
    """A section of the framework."""

    id: str
    title: str
    controls: list[Verdict]


class Assessment(Part):
    """A findings document, seen through a framework."""

    schema_version: str = SCHEMA_VERSION
    framework: str
    version: str
    framework_source: str
    framework_checked: date = Field(description="The day our copy of its controls was read")
    note: str
    source: str = Field(description="What was read, as it was given")
    origin: Origin
    as_of: date
    not_read: list[str] = Field(description="What the input brings that was not read")
    chapters: list[Chapter]

    @property
    def controls(self) -> list[Verdict]:
        """Every control, in order."""
        return [control for chapter in self.chapters for control in chapter.controls]

    @property
    def counts(self) -> dict[State, int]:
        """How many controls have each state, from worst to best."""
        found = Counter(control.state for control in self.controls)
        return {state: found[state] for state in STATES}


def assess(review: Review, framework: Framework) -> Assessment:
    """Returns the state of each control.

    A control is open if one of its checks is, accepted or not: the framework knows nothing of our acceptances. It is met if each
    of its checks was asked, none is open or unknown, and nothing is left for a person to look at.
    """
    return Assessment(
        framework=framework.name,
        version=framework.version,
        framework_source=framework.source,
        framework_checked=framework.checked,
        note=" ".join(framework.note.split()),
        source=review.source,
        origin=review.origin,
        as_of=review.as_of,
        not_read=review.not_read,
        chapters=[
            Chapter(
                id=section.id,
                title=section.title,
                controls=[_verdict(control, review) for control in section.controls],
            )
            for section in framework.sections
        ],
    )


def _verdict(control: Control, review: Review) -> Verdict:
    state, why, evidence = _judge(control, review)
    if control.rest and state in ("met", "aws", "not_applicable"):
        state, why = "unknown", f"A person must look at this: {_lower(control.rest)}. Checked: {why}"
        evidence = []
    return Verdict(
        id=control.id, title=control.title, state=state, why=f"{why}.", checks=control.checks, evidence=evidence
    )


def _judge(control: Control, review: Review) -> tuple[State, str, list[Evidence]]:
    if control.component:
        owned = _owned_by_aws(control, review)
        if owned or not (control.checks or control.way):
            return owned or ("not_checkable", control.manual or "It is yours, and no check asks for it", [])
    if control.manual:
        return "not_checkable", control.manual, []
    if control.way:
        return _closed(control, review)
    return _checked(control, review)


def _owned_by_aws(control: Control, review: Review) -> tuple[State, str, list[Evidence]] | None:
    """The answer if AWS owns the component wherever pods run here; None if it does not."""
    cells = components()[control.component].cells
    if all(cell.owner == "aws" for cell in cells.values()):
        return "aws", "AWS does it on every kind of compute", []
    if not review.kinds or review.not_read:
        return "unknown", "What compute the cluster has was not read in full", []
    if all(cells[kind].owner == "aws" for kind in review.kinds):
        return "aws", f"AWS does it on {' and '.join(KIND_NAMES[kind] for kind in review.kinds)}", []
    return None


def _closed(control: Control, review: Review) -> tuple[State, str, list[Evidence]]:
    ways = [way for way in review.exposure if way.way == control.way]
    unsure = [way for way in ways if way.level == "unknown"]
    through = [way for way in ways if way.level in ("open", "limited")]
    if through:
        return "open", _few([way.words for way in through]), [at for way in through for at in way.evidence]
    if unsure:
        return "unknown", _few([way.words for way in unsure]), [at for way in unsure for at in way.evidence]
    if not ways:
        return "unknown", f"No {control.way} was read", []
    return "met", _few([way.words for way in ways]), [at for way in ways for at in way.evidence]


def _checked(control: Control, review: Review) -> tuple[State, str, list[Evidence]]:
    found = [finding for finding in review.findings if finding.code in control.checks]
    having = {state: [one for one in found if one.status == state] for state in ("open", "unknown", "met")}
    if having["open"]:
        return "open", _said(having["open"]), _places(having["open"])
    if having["unknown"]:
        return "unknown", _said(having["unknown"]), _places(having["unknown"])
    if silent := [code for code in control.checks if code not in {finding.code for finding in found}]:
        return "unknown", _not_asked(silent, review), []
    if having["met"]:
        return "met", _said(having["met"]), _places(having["met"])
    if control.objects:
        return "unknown", "No Kubernetes object that it is about was read; the cluster may have some", []
    return "not_applicable", _said(found), []


def _not_asked(codes: list[str], review: Review) -> str:
    only = {check.info.code: check.info.only for check in all_checks()}
    if review.origin == "templates" and any(only[code] == "account" for code in codes):
        return f"{', '.join(codes)}: only an audit of the account answers it"
    if review.origin == "account" and any(only[code] == "templates" for code in codes):
        return f"{', '.join(codes)}: only a review of templates or manifests answers it"
    return f"{', '.join(codes)}: not asked"


def _said(findings: list[Finding]) -> str:
    return _few(
        [
            f"{finding.code} {finding.subject}: {finding.detail}{_accepted(finding)}".replace(" : ", ": ")
            for finding in findings
        ]
    )


def _accepted(finding: Finding) -> str:
    if not finding.accepted:
        return ""
    return f" (accepted until {finding.accepted.until}: {finding.accepted.reason})"


def _places(findings: list[Finding]) -> list[Evidence]:
    return [at for finding in findings for at in finding.evidence]


def _few(words: list[str]) -> str:
    more = len(words) - 3
    said = "; ".join(text.rstrip(".") for text in words[:3])
    return f"{said}; and {more} more" if more > 0 else said


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
