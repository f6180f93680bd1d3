"""The findings document, summed up for readers: what many subjects have in common is said once, the worst first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from responsibility.document import MANIFESTS, Baseline, ClusterReview, ResourceChange, Review
from responsibility.findings import SEVERITIES, CheckInfo, Finding
from responsibility.model import KIND_NAMES, OWNER_NAMES, OWNERS, ComputeKind, Owner
from responsibility.render.words import clean, counted, few, holder, kind_words, open_words

_SHOWN = 5
"""So many things of a kind are named."""

_LEVELS = ("open", "unknown", "limited", "closed")
_BREADTHS = ("admin", "broad", "unknown", "narrow")


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


def without_answer(review: Review) -> list[tuple[str, str]]:
    """Returns the questions that have no answer: the check with its title, and what is not known of whom.

    Checks that found nothing to ask about come first, together.
    """
    unknown = [finding for finding in review.findings if finding.status == "unknown"]
    found = groups((finding for finding in unknown if finding.subject), review.checks)
    of_nothing = Counter(clean(finding.detail) for finding in unknown if not finding.subject)
    return [
        *((f"{count} checks", detail) for detail, count in of_nothing.items()),
        *(
            (f"{group.check.code} {clean(group.check.title)}", f"{clean(one.subject, 80)}: {clean(one.detail)}")
            for group in found
            for one in group.findings
        ),
    ]


def accepted_until(findings: Iterable[Finding]) -> list[tuple[str, str, list[str]]]:
    """Returns the acceptances of findings: the last day, the reason, the subjects."""
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
    """Returns how much could be computed and answered, and what that rests on."""
    lines = [
        f"{what}: computed over {one.computed:,} of {one.total:,}; {one.unknown:,} unknown"
        for what, one in (("Property values", review.resolved), ("Questions", review.answered))
    ]
    if review.not_read:
        lines.append(f"Not read, so what it brings is not judged: {few(review.not_read, _SHOWN)}")
    if review.defaults:
        lines.append(
            f"Parameters judged by their defaults (--parameter NAME=VALUE gives others): {few(review.defaults, _SHOWN)}"
        )
    return lines


def _compute(review: Review) -> str:
    if review.kinds or not review.not_read:
        return kind_words(review.kinds)
    return "compute that was not read"


def only_manifests(review: Review) -> bool:
    """Whether Kubernetes objects alone were read, without a template that has their cluster."""
    return not review.clusters and bool(review.stacks) and all(stack.name == MANIFESTS for stack in review.stacks)


def scope(review: Review) -> str:
    """Returns what was read, in a phrase."""
    if only_manifests(review):
        objects = sum(stack.resources for stack in review.stacks)
        return f"{counted(objects, 'Kubernetes object')} in {counted(len(review.stacks), 'file')}"
    read = f"{counted(len(review.clusters), 'cluster')} on {_compute(review)}" if review.clusters else "no cluster"
    resources = sum(stack.resources for stack in review.stacks)
    return f"{read}, {counted(len(review.stacks), holder(review))}, {counted(resources, 'resource')}"


def loses(change: ResourceChange) -> bool:
    """Whether a change destroys what a resource holds."""
    return change.change in ("replaced", "removed") and not change.keeps_data


def losses(baseline: Baseline) -> list[ResourceChange]:
    """Returns the changes that must not be overlooked: those that lose what a resource holds."""
    return [change for change in baseline.changes if loses(change)]


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
    """Returns what costs how much a month, the most expensive first."""
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
