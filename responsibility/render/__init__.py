"""Renderers: each turns the findings document into one format, and adds no facts. What several of them need stands here."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from responsibility.document import (
    SEVERITIES,
    Baseline,
    CheckInfo,
    ClusterReview,
    Evidence,
    Finding,
    ResourceChange,
    Review,
    Severity,
    VersionSupport,
)
from responsibility.model import KIND_NAMES, OWNER_NAMES, OWNERS, ComputeKind, Owner
from safe_io.terminal import one_line


def clean(text: str, limit: int = 400) -> str:
    """Returns what a template says as one line that is safe to show, cut to ``limit`` characters."""
    return one_line(text, limit)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Returns ``1 stack``, ``2 stacks``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def few(words: Sequence[str], limit: int) -> str:
    """Returns ``a, b and 7 more``."""
    more = len(words) - limit
    return ", ".join(words[:limit]) + (f" and {more:,} more" if more > 0 else "")


def kind_words(kinds: Iterable[ComputeKind]) -> str:
    """Returns the names of kinds of compute, or says that there are none."""
    return ", ".join(KIND_NAMES[kind] for kind in kinds) or "no compute"


def money(amount: float, currency: str) -> str:
    """Returns ``1,234.50 USD``."""
    return f"{amount:,.2f} {currency}"


def place(evidence: Evidence) -> str:
    """Returns where to look, safe to show: stack, resource, property, and the line if it is known."""
    line = f" ({clean(evidence.file, 120)}:{evidence.line})" if evidence.file and evidence.line else ""
    words = "".join(f" {clean(part, 120)}" for part in (evidence.api, evidence.path) if part)
    return f"{clean(evidence.stack, 80)}/{clean(evidence.resource, 120)}{words}{line}"


def origin(review: Review) -> str:
    """Returns what was read, in a word."""
    return "account" if review.origin == "account" else "templates" if len(review.stacks) > 1 else "template"


def named(review: Review) -> str:
    """Returns what people call the document: a review of templates, an audit of an account."""
    return "audit" if review.origin == "account" else "review"


def said(findings: Sequence[Finding], limit: int = 3) -> str:
    """Returns what was found of whom: ``cluster demo: is open``."""
    subjects = few([clean(finding.subject, 80) for finding in findings], limit)
    return f"{subjects}{': ' if subjects else ''}{clean(findings[0].detail)}"


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one check: what sixty clusters have in common is read once."""

    check: CheckInfo
    findings: list[Finding]

    @property
    def alike(self) -> list[list[Finding]]:
        """The findings that say the same sentence, the most frequent first."""
        by_detail: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_detail.setdefault(finding.detail, []).append(finding)
        return sorted(by_detail.values(), key=lambda same: -len(same))


def groups(findings: Iterable[Finding], checks: Iterable[CheckInfo]) -> list[Group]:
    """Returns findings by check: the worst severity first, then what most subjects have."""
    by_code = {check.code: check for check in checks}
    ordered = sorted(findings, key=lambda finding: finding.code)
    found = [Group(by_code[code], list(same)) for code, same in groupby(ordered, key=lambda finding: finding.code)]
    return sorted(found, key=lambda group: (SEVERITIES.index(group.check.severity), -len(group.findings)))


def open_duties(review: Review) -> list[Group]:
    """Returns what is open and not accepted."""
    return groups((finding for finding in review.findings if finding.counts_as_open), review.checks)


def accepted_duties(review: Review) -> list[Group]:
    """Returns what is open and accepted, for now."""
    found = (finding for finding in review.findings if finding.status == "open" and not finding.counts_as_open)
    return groups(found, review.checks)


def accepted_until(findings: Iterable[Finding]) -> list[tuple[str, str, list[str]]]:
    """Returns the decisions to live with findings: the last day, the reason, the subjects."""
    same: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        if one.accepted:
            key = (str(one.accepted.until), clean(one.accepted.reason))
            same.setdefault(key, []).append(clean(one.subject, 80))
    return [(until, reason, subjects) for (until, reason), subjects in same.items()]


def clusters_by_need(review: Review) -> list[tuple[ClusterReview, str]]:
    """Returns each cluster with how many of its duties are open, the worst first."""
    severity = {check.code: check.severity for check in review.checks}
    found = {cluster.id: dict.fromkeys(SEVERITIES, 0) for cluster in review.clusters}
    for finding in review.findings:
        if finding.counts_as_open and finding.cluster in found:
            found[finding.cluster][severity[finding.code]] += 1
    worst = sorted(review.clusters, key=lambda one: [-number for number in found[one.id].values()])
    return [(one, open_words(found[one.id])) for one in worst]


def known(review: Review) -> list[str]:
    """Returns how much of what was asked could be said."""
    return [
        f"{what}: computed over {one.computed:,} of {one.total:,}; {one.unknown:,} unknown"
        for what, one in (("Property values", review.resolved), ("Questions", review.answered))
    ]


def open_words(numbers: Mapping[Severity, int]) -> str:
    """Returns ``1 critical, 3 low``, or ``none``."""
    return ", ".join(f"{numbers[severity]:,} {severity}" for severity in SEVERITIES if numbers.get(severity)) or "none"


def holder(review: Review) -> str:
    """Returns what the resources that were read stand in: in an account, its region."""
    return "region" if review.origin == "account" else "stack"


def scope(review: Review) -> str:
    """Returns what was read, in a phrase."""
    read = (
        f"{counted(len(review.clusters), 'cluster')} on {kind_words(review.kinds)}" if review.clusters else "no cluster"
    )
    resources = sum(stack.resources for stack in review.stacks)
    return f"{read}, {counted(len(review.stacks), holder(review))}, {counted(resources, 'resource')}"


def loses(change: ResourceChange) -> bool:
    """Whether a change destroys what a resource holds."""
    return change.change in ("replaced", "removed") and not change.keeps_data


def losses(baseline: Baseline) -> list[ResourceChange]:
    """Returns the changes that must not be overlooked: those that lose what a resource holds."""
    return [change for change in baseline.changes if loses(change)]


_LEVELS = ("open", "unknown", "limited", "closed")
_BREADTHS = ("admin", "broad", "unknown", "narrow")


def kinds_moved(baseline: Baseline) -> list[str]:
    """Returns a line for each kind of compute that a cluster got or lost: what that makes whose."""
    moved: dict[tuple[str, ComputeKind, bool], Counter[Owner]] = {}
    for one in baseline.owners:
        owner = one.after or one.before
        if owner:
            moved.setdefault((one.cluster, one.kind, one.after is not None), Counter())[owner] += 1
    return [
        f"{KIND_NAMES[kind]} is {'new' if came else 'gone'} in {clean(cluster, 80)}: components "
        + ", ".join(f"{OWNER_NAMES[owner]} {owners[owner]}" for owner in OWNERS if owners[owner])
        for (cluster, kind, came), owners in moved.items()
    ]


def ways_in(review: Review) -> list[tuple[str, str, str, list[str]]]:
    """Returns level, way, words and subjects of the ways in that differ, the most open first."""
    same: dict[tuple[int, str, str], list[str]] = {}
    for one in review.exposure:
        # Words start with whom they are about: `cluster demo: anyone may try`.
        subject, colon, words = clean(one.words).partition(": ")
        if not colon:
            subject, words = "", subject
        same.setdefault((_LEVELS.index(one.level), clean(one.way, 60), words), []).append(subject)
    found = sorted(same.items())
    return [(_LEVELS[level], way, words, [one for one in whose if one]) for (level, way, words), whose in found]


def identities(review: Review) -> list[tuple[str, str, str, list[str]]]:
    """Returns breadth, who may become it, what it may do and the names of identities that differ, the broadest first."""
    same: dict[tuple[int, str, str], list[str]] = {}
    for one in review.identities:
        who, may = (clean(few([clean(words, 120) for words in many], 3)) for many in (one.assumed_by, one.may))
        same.setdefault((_BREADTHS.index(one.breadth), who or "nobody", may or "nothing"), []).append(
            clean(one.name, 80)
        )
    return [
        (_BREADTHS[key[0]], key[1], key[2], names) for key, names in sorted(same.items(), key=lambda item: item[0][0])
    ]


def bill(review: Review) -> list[tuple[str, float]]:
    """Returns what costs how much a month, the dearest first."""
    return _sums((clean(line.what, 80), line.monthly) for line in review.cost.lines)


def cost_shares(review: Review) -> list[str]:
    """Returns what each kind of compute costs a month, and each cluster if there are several, as sentences."""
    kinds = _sums(
        (KIND_NAMES[line.kind] if line.kind else "the cluster itself", line.monthly) for line in review.cost.lines
    )
    names = {cluster.id: clean(cluster.name, 80) for cluster in review.clusters}
    clusters = _sums((names.get(line.cluster, "no single cluster"), line.monthly) for line in review.cost.lines)
    shares = [("By compute", kinds)] + ([("By cluster", clusters)] if len(names) > 1 else [])
    return [f"{title}: {few([f'{name} {sum_:,.2f}' for name, sum_ in sums], 5)}" for title, sums in shares if sums]


def _sums(lines: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    sums: dict[str, float] = {}
    for name, amount in lines:
        sums[name] = sums.get(name, 0) + amount
    return sorted(sums.items(), key=lambda item: -item[1])


def support_words(support: VersionSupport) -> str:
    """Returns until when EKS supports a version."""
    if support.state == "unknown":
        return "support unknown"
    if support.state == "ended":
        return f"support ended {support.extended_until or ''}".strip()
    day = support.standard_until if support.state == "standard" else support.extended_until
    left = f" ({counted(support.days_left, 'day')} left)" if support.days_left is not None else ""
    return f"{support.state} support until {day or 'an unknown day'}{left}"


class Format(NamedTuple):
    """A format of the review: the suffixes of its files, and what writes it."""

    suffixes: tuple[str, ...]
    render: Callable[[Review], str]


# Each imports its renderer when it is asked: Rich and Jinja are slow to load, and JSON needs neither.
def _text(review: Review) -> str:
    from io import StringIO

    from rich.console import Console

    from responsibility.render.text import text

    file = StringIO()
    text(review, Console(file=file, width=100, color_system=None))
    return file.getvalue()


def _markdown(review: Review) -> str:
    from responsibility.render.markdown import markdown

    return markdown(review)


def _html(review: Review) -> str:
    from responsibility.render.html import html

    return html(review)


def _json(review: Review) -> str:
    try:
        return review.model_dump_json(indent=2) + "\n"
    except ValueError:
        # Half a character, as "\ud800" in a template's JSON gives: no UTF-8 can hold it.
        text = json.dumps(review.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return text.encode(errors="replace").decode() + "\n"


def _sarif(review: Review) -> str:
    from responsibility.render.sarif import sarif

    return sarif(review)


FORMATS: dict[str, Format] = {
    "text": Format((".txt",), _text),
    "md": Format((".md", ".markdown"), _markdown),
    "html": Format((".html", ".htm"), _html),
    "json": Format((".json",), _json),
    "sarif": Format((".sarif", ".sarif.json"), _sarif),
}


def render(review: Review, format: str) -> str:  # noqa: A002 - what the command line calls it
    """Returns the review in one of ``FORMATS``."""
    return FORMATS[format].render(review)
