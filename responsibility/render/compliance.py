"""An assessment as text, Markdown, HTML, JSON or OSCAL assessment results. Renderers add no facts."""

from __future__ import annotations

import json as _json
import textwrap
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from responsibility.compliance.assess import STATE_NAMES, STATES, Assessment, Verdict
from responsibility.reading.template import BadSource
from responsibility.render.markup import code, link, prose, row, table
from responsibility.render.words import clean, place

_WIDTH = 100
_PLACES = 3
OSCAL_VERSION = "1.1.3"


def headline(assessment: Assessment) -> str:
    """Returns how many controls have each state."""
    counts = assessment.counts
    words = ", ".join(f"{counts[state]} {STATE_NAMES[state].lower().replace('aws', 'AWS')}" for state in STATES)
    return f"{len(assessment.controls)} controls: {words}"


def notes(assessment: Assessment) -> list[str]:
    """Returns what a reader must know of the whole."""
    lines = ["The states are those of what was read, on the day that it speaks of; a cluster may have more."]
    if assessment.note:
        lines.append(assessment.note)
    if assessment.not_read:
        lines.append(f"Not read: {'; '.join(assessment.not_read)}.")
    return lines


def text(assessment: Assessment) -> str:
    """Returns the assessment for a terminal."""
    title = f"{assessment.framework} {assessment.version}: {clean(assessment.source, 80)}, as of {assessment.as_of}"
    lines = [title, headline(assessment)]
    for chapter in assessment.chapters:
        lines += ["", f"{chapter.id}  {chapter.title}" if chapter.id != chapter.title else chapter.title]
        for control in chapter.controls:
            lines += _text_control(control)
    lines += ["", *(part for words in notes(assessment) for part in textwrap.wrap(clean(words, 2000), _WIDTH))]
    return "\n".join(lines) + "\n"


def _text_control(control: Verdict) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{STATE_NAMES[control.state]:<14} {control.id}  {control.title}", _WIDTH, subsequent_indent=" " * 15
    )
    if control.state != "met":
        words = textwrap.wrap(clean(control.why, 600), _WIDTH - 15, break_long_words=False, break_on_hyphens=False)
        yield from (f"{' ' * 15}{line}" for line in words)
        if control.state in ("open", "unknown"):
            yield from (f"{' ' * 15}at {place(at)}" for at in control.evidence[:_PLACES])


def markdown(assessment: Assessment) -> str:
    """Returns the assessment as GitHub Markdown."""
    lines = [
        f"# {assessment.framework} {assessment.version}",
        "",
        f"Of {code(assessment.source)}, as of {assessment.as_of}. {headline(assessment)}.",
        "",
        *(f"{prose(words, 2000)}" for words in notes(assessment)),
    ]
    for chapter in assessment.chapters:
        lines += ["", f"## {chapter.id} {chapter.title}", "", table("Control", "State", "Why", "Evidence")]
        for control in chapter.controls:
            places = "<br>".join(code(place(at)) for at in control.evidence[:_PLACES])
            lines.append(
                row(
                    f"**{control.id}** {prose(control.title)}",
                    STATE_NAMES[control.state],
                    prose(control.why, 600),
                    places,
                )
            )
    lines += [
        "",
        f"Controls: {link(assessment.framework, assessment.framework_source)}, {assessment.framework_checked}.",
    ]
    return "\n".join(lines) + "\n"


def html(assessment: Assessment) -> str:
    """Returns the assessment as one page that needs nothing else."""
    from responsibility.render.html.jinja import page  # Jinja is slow to load

    return page(
        "compliance",
        assessment=assessment,
        STATE_NAMES=STATE_NAMES,
        headline=headline,
        notes=notes,
        place=place,
    )


def json(assessment: Assessment) -> str:
    """Returns the document itself."""
    return assessment.model_dump_json(indent=2) + "\n"


def oscal(assessment: Assessment) -> str:
    """Returns OSCAL assessment results: https://pages.nist.gov/OSCAL/resources/concepts/layer/assessment/assessment-results/.

    A control that is met or AWS's is satisfied; each other is not, with the reason. The ids are made from the contents: the same
    input gives the same file.
    """
    start = f"{assessment.as_of}T00:00:00+00:00"
    observations = [_observation(assessment, control, start) for control in assessment.controls]
    result = {
        "uuid": _id(assessment, "result"),
        "title": f"{assessment.framework} {assessment.version}",
        "description": " ".join([f"{headline(assessment)}.", *notes(assessment)]),
        "start": start,
        "reviewed-controls": {
            "control-selections": [
                {"include-controls": [{"control-id": _token(control.id)} for control in assessment.controls]}
            ]
        },
        "observations": observations,
        "findings": [
            _finding(assessment, control, observation["uuid"])
            for control, observation in zip(assessment.controls, observations, strict=True)
        ],
    }
    document = {
        "assessment-results": {
            "uuid": _id(assessment, "document"),
            "metadata": {
                "title": f"{assessment.framework} {assessment.version}: {clean(assessment.source, 200)}",
                "last-modified": start,
                "version": str(assessment.as_of),
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {
                "href": assessment.framework_source,
                "remarks": "No assessment plan was written: each control of the framework was assessed.",
            },
            "results": [result],
        }
    }
    return _json.dumps(document, indent=2) + "\n"


def _observation(assessment: Assessment, control: Verdict, collected: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uuid": _id(assessment, "observation", control.id),
        "description": clean(control.why, 2000),
        "methods": ["EXAMINE"],
        "collected": collected,
    }
    if control.evidence:
        found["relevant-evidence"] = [{"description": place(at)} for at in control.evidence[:20]]
    return found


def _finding(assessment: Assessment, control: Verdict, observation: str) -> dict[str, Any]:
    satisfied = control.state in ("met", "aws")
    reasons = {"open": "fail", "met": "pass", "aws": "pass"}
    return {
        "uuid": _id(assessment, "finding", control.id),
        "title": f"{control.id} {control.title}",
        "description": f"{STATE_NAMES[control.state]}: {clean(control.why, 2000)}",
        "target": {
            "type": "objective-id",
            "target-id": _token(control.id),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": reasons.get(control.state, "other"),
                "remarks": STATE_NAMES[control.state],
            },
        },
        "related-observations": [{"observation-uuid": observation}],
    }


def _id(assessment: Assessment, *parts: str) -> str:
    words = "/".join([assessment.framework, assessment.version, assessment.source, str(assessment.as_of), *parts])
    return str(uuid.uuid5(uuid.NAMESPACE_URL, words))


def _token(control: str) -> str:
    """OSCAL's tokens begin with a letter."""
    return control if control[0].isalpha() else f"_{control}"


FORMATS: dict[str, Callable[[Assessment], str]] = {
    "text": text,
    "md": markdown,
    "html": html,
    "json": json,
    "oscal": oscal,
}
"""What writes each format."""


def render(assessment: Assessment, format_: str) -> str:
    """Returns the assessment in one of ``FORMATS``. Raises BadSource for another format."""
    if format_ not in FORMATS:
        raise BadSource(f"--format {format_}: this command writes {', '.join(FORMATS)}")
    return FORMATS[format_](assessment)
