"""The review as a GitHub pull request comment: the verdict, what changed, the rest folded, and always small enough to be posted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.document import Baseline, ResourceChange, Review
from responsibility.model import KIND_NAMES, OWNER_NAMES
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
from responsibility.render.markup import code, link, prose, row, table, text
from responsibility.render.words import counted, few, money, named, open_words, place, said, support_words

MARKER = "<!-- eks-responsibility-review -->"
"""The first line, by which a workflow finds the comment that it updates."""
LIMIT = 60_000
"""Bytes. GitHub refuses a comment over 65,536 characters."""
_SHOWN = 3
_SHOUTED = 10
_FEWEST = 5  # rows that each section gets before an important one takes the rest


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    head: str
    rows: list[str]
    weight: int
    """Its rows are kept longer than those of a section with a higher one."""
    folded: bool = True

    def written(self, number: int) -> str:
        """The section with the first ``number`` of its rows."""
        left = len(self.rows) - number
        body = [self.head, *self.rows[:number]] if number or not self.rows else []
        note = [f"\n{left:,} of {len(self.rows):,} rows are left out here."] if left else []
        lines = "\n".join(part for part in [*body, *note] if part)
        if self.folded:
            return f"<details><summary>{self.title}</summary>\n\n{lines}\n\n</details>\n"
        return f"### {self.title}\n\n{lines}\n"


def markdown(review: Review) -> str:
    """Returns the comment. What does not fit is left out, from the least important rows on, and the end says so."""
    top = "\n".join(_top(review))
    sections = [section for section in _sections(review) if section.head or section.rows]
    taken = _fit(sections, LIMIT - _size(top) - 500)
    parts = [top, *(section.written(number) for section, number in zip(sections, taken, strict=True))]
    cut = [
        section.title.split(":")[0]
        for section, number in zip(sections, taken, strict=True)
        if number < len(section.rows)
    ]
    if cut:
        parts.append(f"Left out to fit into a comment: rows of {len(cut)} sections ({few(cut, 4)}).\n")
    parts.append(
        f"The whole {named(review)}: `python -m responsibility {named(review)}` with `--format html` or `--format json`.\n"
    )
    return "\n".join(parts)


def _size(words: str) -> int:
    return len(words.encode()) + 1


def _fit(sections: list[_Section], room: int) -> list[int]:
    """Returns how many rows of each section fit: a few of each, then all of the most important ones."""
    room -= sum(_size(section.written(0)) + _size(section.head) + 60 for section in sections)
    taken = [0] * len(sections)
    order = sorted(range(len(sections)), key=lambda at: sections[at].weight)
    for most in (_FEWEST, None):
        for at in order:
            for line in sections[at].rows[taken[at] : most]:
                room -= _size(line)
                if room < 0:
                    return taken
                taken[at] += 1
    return taken


def _top(review: Review) -> Iterator[str]:
    numbers = review.summary
    verdict = f"{open_words(numbers.open)} open" if any(numbers.open.values()) else "nothing open"
    yield MARKER
    yield f"## EKS responsibility {named(review)}: {verdict}"
    yield ""
    yield (
        f"{code(review.source, 80)}, as of {review.as_of}: {scope(review)}. {numbers.accepted:,} accepted, {numbers.met:,} met, "
        f"{numbers.unknown:,} unknown. Cost floor {money(review.cost.total, text(review.cost.currency, 10))} a month."
    )
    if not review.clusters and not only_manifests(review):
        yield "\nNo EKS cluster was found in it."
    lost = losses(review.baseline) if review.baseline else []
    if lost:
        yield ""
        yield "> [!CAUTION]"
        yield f"> **{counted(len(lost), 'change destroys', 'changes destroy')} what a resource holds:**"
        for change in lost[:_SHOUTED]:
            because = f", because of {code(', '.join(change.because), 200)}" if change.because else ""
            yield f"> - **{change.change.upper()}** {_where(change)}{because}"
        if len(lost) > _SHOUTED:
            yield f"> - and {len(lost) - _SHOUTED:,} more"
    yield ""


def _where(change: ResourceChange) -> str:
    return f"{code(change.evidence.type, 80)} {code(place(change.evidence.model_copy(update={'path': ''})))}"


def _sections(review: Review) -> Iterator[_Section]:
    if review.baseline:
        yield _changes(review, review.baseline)
    duties = open_duties(review)
    yield _Section(f"Your open duties: {open_words(review.summary.open)}", "", [_duty(one) for one in duties], 1)
    accepted = [line for group in accepted_duties(review) for line in _accepted(group)]
    yield _Section(f"Accepted for now: {review.summary.accepted:,}", "", accepted, 5)
    yield _matrix(review)
    ways = [
        row(level, text(way), prose(few(whose, _SHOWN)), prose(words)) for level, way, words, whose in ways_in(review)
    ]
    yield _Section("Ways in", table("Level", "Way", "Where", "What was read") if ways else "", ways, 2)
    people = [
        row(breadth, text(few(names, _SHOWN)), prose(who), prose(may))
        for breadth, who, may, names in identities(review)
    ]
    head = table("Breadth", "Name", "Who may become it", "What it may do") if people else ""
    yield _Section("Identities", head, people, 7)
    yield _cost(review)
    yield _clusters(review)
    yield _counts(review)
    unknown = [f"- {prose(check)}: {prose(what)}" for check, what in without_answer(review)]
    unknown += [f"- {code(place(one.evidence))}: {prose(one.reason)}" for one in review.unknowns]
    yield _Section("What this review knows", ".\n".join(known(review)) + ".\n", unknown, 8)


def _changes(review: Review, baseline: Baseline) -> _Section:
    lines = [
        f"- **{change.change}** {_where(change)}"
        + (f": {', '.join(code(path, 120) for path in change.paths[:_SHOWN])}" if any(change.paths) else "")
        for change in sorted(baseline.changes, key=lambda one: (not loses(one), one.change != "replaced"))
    ]
    titles = {check.code: check.title for check in review.checks}
    owners = [f"- {prose(words)}" for words in kinds_moved(baseline)]
    duties = [
        f"- **{word}** `{one.code}` {prose(titles.get(one.code, ''))} ({prose(said([one]), 800)})"
        for word, found in (("newly open", baseline.opened), ("no longer open", baseline.closed))
        for one in found
    ]
    difference = baseline.cost_after - baseline.cost_before
    numbers = Counter(change.change for change in baseline.changes)
    counts = ", ".join(f"{number:,} {what}" for what, number in sorted(numbers.items())) or "no resource changed"
    head = (
        f"{counts}; {counted(len(baseline.opened), 'duty', 'duties')} newly open, {len(baseline.closed):,} closed; "
        f"cost floor {difference:+,.2f} {text(review.cost.currency, 10)} a month.\n"
    )
    # What the author of a change must act on comes before what he knows that he did.
    first = [line for line in lines if line.startswith("- **replaced")]
    rest = [line for line in lines if not line.startswith("- **replaced")]
    title = f"What changed since {text(baseline.source, 60)}"
    return _Section(title, head, [*first, *duties, *owners, *rest], 0, folded=False)


def _duty(group: Group) -> str:
    check = group.check
    number = f" ({len(group.findings):,} findings)" if len(group.findings) > 1 else ""
    lines = [f"- **{check.severity.upper()}** `{check.code}` {prose(check.title)}{number}"]
    if check.severity == "low" and not accepted_until(group.findings):
        return f"{lines[0]}: {prose(few([finding.subject for finding in group.findings], _SHOWN))}"
    for findings in group.alike[:_SHOWN]:
        where = [code(place(at)) for finding in findings[:_SHOWN] for at in finding.evidence[:1]]
        lines.append(f"  - {prose(said(findings, _SHOWN), 800)}: {', '.join(dict.fromkeys(where))}")
    more = sum(len(findings) for findings in group.alike[_SHOWN:])
    if more:
        lines.append(f"  - and {counted(more, 'more finding')}")
    for until, reason, whose in accepted_until(group.findings)[:_SHOWN]:
        lines.append(f"  - Acceptance ran out on {until} for {prose(few(whose, _SHOWN))}: {prose(reason)}")
    lines.append(f"  - Why: {prose(check.why)} Fix: {prose(check.fix)} {link('AWS', check.source)}")
    return "\n".join(lines)


def _accepted(group: Group) -> Iterator[str]:
    name = f"{group.check.severity} `{group.check.code}` {prose(group.check.title)}"
    for until, reason, subjects in accepted_until(group.findings):
        yield f"- {name}: {prose(few(subjects, _SHOWN))}, until {until}: {prose(reason)}"


def _matrix(review: Review) -> _Section:
    standing: Counter[tuple[str, str]] = Counter()
    for cluster in review.clusters:
        for state in cluster.cells:
            standing[state.component, state.kind] += state.open
    lines = []
    for component in review.components:
        cells = {cell.kind: OWNER_NAMES[cell.owner] for cell in component.cells}
        for kind in cells:
            if number := standing[component.id, kind]:
                cells[kind] += f" ({number:,} open)"
        lines.append(row(text(component.name), *(cells.get(kind, "") for kind in review.kinds)))
    head = table("Component", *(KIND_NAMES[kind] for kind in review.kinds))
    return _Section("Who is responsible", head if lines and review.kinds else "", lines if review.kinds else [], 6)


def _cost(review: Review) -> _Section:
    cost = review.cost
    currency = text(cost.currency, 10)
    lines = [row(text(what), money(monthly, currency)) for what, monthly in bill(review)]
    left_out = "".join(f"- {prose(words, 120)}\n" for words in cost.not_priced[:_SHOWN])
    note = f"Not in the sum:\n\n{left_out}" if left_out else ""
    shares = "".join(f"{text(line)}\n" for line in cost_shares(review))
    costs = "\n" + table("What", "A month") if lines else ""
    head = f"{text(cost.region, 40)}, prices of {cost.checked}.\n{shares}{note}{costs}"
    return _Section(f"Cost floor: {money(cost.total, currency)} a month", head, lines, 3)


def _clusters(review: Review) -> _Section:
    lines = [
        row(
            text(one.name, 100),
            text(one.version, 20),
            text(support_words(one.support)),
            ", ".join(KIND_NAMES[use.kind] for use in one.compute),
            standing,
        )
        for one, standing in clusters_by_need(review)
    ]
    head = table("Cluster", "Version", "Support", "Compute", "Open duties")
    return _Section("Clusters and version support", head if lines else "", lines, 4)


def _counts(review: Review) -> _Section:
    shares = "\n".join(
        row(KIND_NAMES[one.kind], one.aws, one.shared, one.customer, one.not_available, one.resources)
        for one in review.owned
    )
    head = table("Components on", "AWS", "Shared", "You", "Not available", "Resources for it alone")
    lines = [
        row(
            code(one.type, 120),
            text(one.component) or "-",
            OWNER_NAMES[one.owner],
            KIND_NAMES[one.kind] if one.kind else "any",
            one.count,
        )
        for one in sorted(review.counts, key=lambda one: -one.count)
    ]
    types = table("Resource type", "Component", "Owner", "Compute", "Number") if lines else ""
    return _Section("Whose share", f"{head}\n{shares}\n\n{types}" if shares else types, lines, 9)
