"""The review in a terminal: what a person reads in five minutes, the worst first. Colour repeats what the words say."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Lines
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from responsibility.document import Baseline, ClusterReview, Review
from responsibility.findings import SEVERITIES, Finding
from responsibility.model import KIND_NAMES
from responsibility.render.digest import (
    Group,
    accepted_duties,
    accepted_until,
    bill,
    clusters_by_need,
    cost_shares,
    identities,
    kinds_moved,
    known,
    loses,
    losses,
    only_manifests,
    open_duties,
    scope,
    ways_in,
    without_answer,
)
from responsibility.render.words import (
    clean,
    counted,
    few,
    kubernetes,
    money,
    named,
    open_words,
    place,
    said,
    support_words,
)

_WIDEST = 120  # a longer line is hard to read
_SHOWN = 3  # subjects, places and sentences of one check
_IN_FULL = 5  # so many clusters get a paragraph each; more of them get a line
_ROWS = 20
_LINES = 8  # of the bill
_COLOUR = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
_CHANGES: tuple[Literal["replaced", "removed", "added", "modified"], ...] = ("replaced", "removed", "added", "modified")


def text(review: Review, console: Console) -> None:
    """Prints the review."""
    width = min(console.width, _WIDEST)
    for title, body in _sections(review):
        lines = list(body)
        if lines:
            console.print()
            console.print(Rule(Text(title, style="bold"), align="left", style="dim"), width=width)
            console.print(Lines(*lines), width=width)


def _sections(review: Review) -> Iterator[tuple[str, Iterable[RenderableType]]]:
    duties = open_duties(review)
    yield named(review).capitalize(), _summary(review)
    if review.baseline:
        yield f"What changed since {clean(review.baseline.source, 60)}", _changes(review, review.baseline)
    yield counted(len(review.clusters), "cluster").capitalize(), _clusters(review)
    yield f"Your open duties: {open_words(review.summary.open)}", _duties(duties)
    yield f"Accepted for now: {review.summary.accepted:,}", _accepted(accepted_duties(review))
    yield "Ways in", _exposure(review)
    yield "Identities that may do much", _identities(review)
    if not only_manifests(review):
        yield f"Cost floor: {money(review.cost.total, review.cost.currency)} a month", _cost(review)
    yield "Whose share", _share(review)
    yield f"What this {named(review)} knows", _coverage(review)


class _Item:
    """A paragraph with a hanging indent. It takes plain text, never Rich's markup: what a template says is text."""

    def __init__(self, words: str | Text, indent: int = 0, mark: str = "-", style: str = "") -> None:
        self.words = words if isinstance(words, Text) else Text(words, style=style)
        self.mark = " " * indent + (f"{mark} " if mark else "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self.words.wrap(console, max(options.max_width - len(self.mark), 20), overflow="fold")
        for at, line in enumerate(lines):
            line.rstrip()
            yield Text(self.mark if at == 0 else " " * len(self.mark)) + line


def _line(words: str, indent: int = 0, style: str = "") -> _Item:
    return _Item(words, indent, "", style)


def _more(number: int, noun: str, plural: str = "") -> Iterator[RenderableType]:
    if number > 0:
        yield _line(f"... and {counted(number, f'more {noun}', plural and f'more {plural}')}", 2, "dim")


def _summary(review: Review) -> Iterator[RenderableType]:
    numbers = review.summary
    yield _line(f"{clean(review.source, 80)}, as of {review.as_of}: {scope(review)}")
    worst = next((severity for severity in SEVERITIES if numbers.open.get(severity)), None)
    yield _line(f"Open duties: {open_words(numbers.open)}", style=_COLOUR[worst] if worst else "green")
    yield _line(
        f"Accepted: {numbers.accepted:,}   Met: {numbers.met:,}   Unknown: {numbers.unknown:,}   "
        f"Not applicable: {numbers.not_applicable:,}"
    )
    if not review.clusters and not only_manifests(review):
        yield _line("No EKS cluster was found in it.", style="yellow")
    if review.baseline and losses(review.baseline):
        lost = counted(len(losses(review.baseline)), "change destroys", "changes destroy")
        yield _line(f"!!! {lost} what a resource holds: see below", style="bold red")


def _changes(review: Review, baseline: Baseline) -> Iterator[RenderableType]:
    lost = losses(baseline)
    for change in lost[:_ROWS]:
        because = f", because of {clean(', '.join(change.because))}" if change.because else ""
        where = f"{clean(change.evidence.type, 80)} {place(change.evidence)}"
        yield _Item(
            Text(f"{change.change.upper()}, WHAT IT HOLDS IS LOST: {where}{because}", style="bold red"), mark="!!!"
        )
    yield from _more(len(lost) - _ROWS, "such change")
    numbers = Counter(change.change for change in baseline.changes)
    yield _line(f"Resources: {', '.join(f'{numbers[what]:,} {what}' for what in _CHANGES)}")
    rest = sorted((change for change in baseline.changes if not loses(change)), key=lambda c: _CHANGES.index(c.change))
    for change in rest[:_ROWS]:
        paths = f": {clean(few(change.paths, _SHOWN))}" if change.paths else ""
        where = f"{clean(change.evidence.type, 80)} {place(change.evidence.model_copy(update={'path': ''}))}"
        yield _Item(f"{change.change} {where}{paths}")
    yield from _more(len(rest) - _ROWS, "change")
    for words in kinds_moved(baseline):
        yield _Item(words)
    titles = {check.code: check.title for check in review.checks}
    for word, found in (("newly open", baseline.opened), ("no longer open", baseline.closed)):
        for finding in found[:_ROWS]:
            yield _Item(f"{word}: {finding.code} {clean(titles.get(finding.code, ''))} ({said([finding])})")
        yield from _more(len(found) - _ROWS, f"{word} duty", f"{word} duties")
    difference = baseline.cost_after - baseline.cost_before
    currency = review.cost.currency
    before_after = f"{money(baseline.cost_before, currency)} -> {money(baseline.cost_after, currency)}"
    yield _line(f"Cost floor a month: {before_after} ({difference:+,.2f})")


def _clusters(review: Review) -> Iterator[RenderableType]:
    clusters = clusters_by_need(review)
    if len(clusters) <= _IN_FULL:
        for cluster, standing in clusters:
            yield from _cluster(cluster, standing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Cluster", "Version", "Support", "Compute", "Open duties"):
        table.add_column(heading, overflow="fold")
    for cluster, standing in clusters[:_ROWS]:
        kinds = ", ".join(KIND_NAMES[use.kind] for use in cluster.compute)
        words = (cluster.name, cluster.version, support_words(cluster.support), kinds, standing)
        table.add_row(*(Text(clean(cell, 80)) for cell in words))
    yield table
    yield from _more(len(clusters) - _ROWS, "cluster")


def _cluster(cluster: ClusterReview, standing: str) -> Iterator[RenderableType]:
    yield _line(f"{clean(cluster.name, 100)}: {kubernetes(clean(cluster.version, 20))}", style="bold")
    yield _Item(support_words(cluster.support), 2)
    for use in cluster.compute:
        yield _Item(f"{KIND_NAMES[use.kind]}: {clean(use.words)}", 2)
    picture = cluster.picture
    reach = f", from {clean(few(picture.api_from, _SHOWN))}" if picture.api_from else ""
    yield _Item(f"API endpoint: {picture.api}{reach}", 2)
    yield _Item(f"Control plane logs: {clean(', '.join(picture.logs)) or 'none'}", 2)
    yield _Item(f"Open duties: {standing}", 2)


def _duties(duties: list[Group]) -> Iterator[RenderableType]:
    if not duties:
        yield _line("None.", style="green")
    for group in duties:
        check, low = group.check, group.check.severity == "low"
        title = Text(check.severity.upper(), style=_COLOUR[check.severity])
        title.append(f" {check.code} {clean(check.title)}", style="bold")
        if len(group.findings) > 1:
            title.append(f" ({len(group.findings):,} findings)", style="not bold")
        if low and not accepted_until(group.findings):
            title.append(f": {few([finding.subject for finding in group.findings], _SHOWN)}", style="not bold")
            yield _Item(title, mark="")
            continue
        yield title
        for findings in group.alike[:_SHOWN]:
            yield _Item(said(findings, _SHOWN), 2)
            yield from _places(findings, 1 if check.severity in ("medium", "low") and len(findings) > 1 else _SHOWN)
        yield from _more(sum(len(findings) for findings in group.alike[_SHOWN:]), "finding")
        for until, reason, whose in accepted_until(group.findings)[:_SHOWN]:
            yield _Item(f"acceptance ran out on {until} for {few(whose, _SHOWN)}: {reason}", 2)
        yield _Item(f"fix: {clean(check.fix)}", 2, mark=">")
    if any(group.check.severity == "low" for group in duties):
        yield _line("What was found in those of low severity, and where: --format html, json or sarif.", style="dim")


def _places(findings: list[Finding], most: int) -> Iterator[RenderableType]:
    # One finding: everywhere that shows it. Several: one place each.
    found = findings[0].evidence if len(findings) == 1 else [at for finding in findings for at in finding.evidence[:1]]
    for where in list(dict.fromkeys(place(at) for at in found[:most])):
        yield _Item(Text(where, style="dim"), 4, mark="at")


def _accepted(duties: list[Group]) -> Iterator[RenderableType]:
    for group in duties:
        yield _line(f"{group.check.severity.upper()} {group.check.code} {clean(group.check.title)}")
        decisions = accepted_until(group.findings)
        for until, reason, subjects in decisions[:_SHOWN]:
            yield _Item(f"{few(subjects, _SHOWN)}: until {until}: {reason}", 2)
        yield from _more(len(decisions) - _SHOWN, "decision")


def _exposure(review: Review) -> Iterator[RenderableType]:
    ways = ways_in(review)
    for level, way, words, subjects in ways[:_ROWS]:
        whose = f"{few(subjects, _SHOWN)}: " if subjects else ""
        style = {"open": "red", "unknown": "yellow"}.get(level, "")
        yield _Item(Text.assemble((level.upper() if level == "open" else level, style), f" {way}: {whose}{words}"))
    yield from _more(len(ways) - _ROWS, "way in", "ways in")


def _identities(review: Review) -> Iterator[RenderableType]:
    wide = [one for one in identities(review) if one[0] in ("admin", "broad")]
    for breadth, who, may, names in wide[: 2 * _SHOWN]:
        yield _Item(f"{breadth}: {few(names, _SHOWN)}, assumed by {who}: {may}")
    yield from _more(sum(len(names) for *_, names in wide[2 * _SHOWN :]), "such identity", "such identities")


def _cost(review: Review) -> Iterator[RenderableType]:
    cost, lines = review.cost, bill(review)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for what, monthly in lines[:_LINES]:
        table.add_row(Text(what), money(monthly, cost.currency))
    if len(lines) > _LINES:
        rest = sum(monthly for _, monthly in lines[_LINES:])
        table.add_row(f"... and {len(lines) - _LINES:,} more", money(rest, cost.currency))
    if lines:
        yield table
    yield from map(_line, cost_shares(review))
    yield _line(f"What runs even if nobody uses it, in {clean(cost.region, 40)}, by prices of {cost.checked}.")
    unverified = sum(not line.verified for line in cost.lines)
    if unverified:
        yield _line(f"{counted(unverified, 'line')} by a price that was not verified.")
    if cost.not_priced:
        yield _line("Not in the sum:")
        yield from (_Item(clean(words, 120), 2) for words in cost.not_priced[:_SHOWN])
        yield from _more(len(cost.not_priced) - _SHOWN, "thing")


def _share(review: Review) -> Iterator[RenderableType]:
    if not review.owned:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Components of the model")
    for heading in ("AWS", "Shared", "You", "Not available", "Resources for it alone"):
        table.add_column(heading, justify="right")
    for one in review.owned:
        numbers = (one.aws, one.shared, one.customer, one.not_available, one.resources)
        used = " (in use)" if one.kind in review.kinds else ""
        table.add_row(KIND_NAMES[one.kind] + used, *(f"{number:,}" for number in numbers))
    yield table


def _coverage(review: Review) -> Iterator[RenderableType]:
    yield from map(_line, known(review))
    questions = without_answer(review)
    for check, what in questions[:_SHOWN]:
        yield _Item(f"{check}: {what}", 2)
    yield from _more(len(questions) - _SHOWN, "question without an answer", "questions without an answer")
    for unknown in review.unknowns[:_SHOWN]:
        yield _Item(f"{place(unknown.evidence)}: {clean(unknown.reason)}", 2)
    yield from _more(review.resolved.unknown - min(_SHOWN, len(review.unknowns)), "unknown value")
