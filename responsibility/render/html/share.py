"""The findings on the page, grouped by check, so that each check's reason and fix are shown once."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from responsibility.document import Review
from responsibility.findings import SEVERITIES, CheckInfo, Finding, Severity
from responsibility.render.digest import Group, groups
from responsibility.render.html.parts import Clusters, subjects

_FOLD = 8
"""A check with more subjects than this starts folded."""


@dataclass(frozen=True)
class Duty:
    """A check and those of its answers that belong to one part of the page."""

    check: CheckInfo
    component: str
    items: Markup
    count: int
    open: bool
    """Starts unfolded."""
    full: bool
    """The check's reason and fix are shown here, not in an earlier part."""


@dataclass(frozen=True)
class Share:
    """The findings by what is to be done with them."""

    by_severity: list[tuple[Severity, int, list[Duty]]]
    accepted: list[Duty]
    unknown: list[Duty]
    met: list[Duty]
    not_applicable: list[Duty]


def share(review: Review, clusters: Clusters) -> Share:
    """Groups the findings of ``review``."""
    names = {component.id: component.name for component in review.components}
    told: set[str] = set()

    def duties(wanted: Callable[[Finding], bool], *, unfold: bool = False) -> list[Duty]:
        found = groups((finding for finding in review.findings if wanted(finding)), review.checks)
        duties = [_duty(group, names, clusters, unfold=unfold, full=group.check.code not in told) for group in found]
        told.update(group.check.code for group in found)
        return duties

    open_ = duties(lambda finding: finding.counts_as_open, unfold=True)
    return Share(
        by_severity=[(severity, *_of(severity, open_)) for severity in SEVERITIES],
        accepted=duties(lambda finding: finding.status == "open" and not finding.counts_as_open, unfold=True),
        unknown=duties(lambda finding: finding.status == "unknown"),
        met=duties(lambda finding: finding.status == "met"),
        not_applicable=duties(lambda finding: finding.status == "not_applicable"),
    )


def _of(severity: Severity, duties: Iterable[Duty]) -> tuple[int, list[Duty]]:
    mine = [duty for duty in duties if duty.check.severity == severity]
    return sum(duty.count for duty in mine), mine


def _duty(group: Group, names: dict[str, str], clusters: Clusters, *, unfold: bool, full: bool) -> Duty:
    check = group.check
    return Duty(
        check=check,
        component=names.get(check.component, check.component),
        items=subjects(group.findings, clusters),
        count=len(group.findings),
        open=unfold and check.severity in ("critical", "high") and len(group.findings) <= _FOLD,
        full=full,
    )


def open_by_cluster(review: Review) -> dict[str, Counter[Severity]]:
    """Returns, by a cluster's id, how many of its duties are open of each severity."""
    severity = {check.code: check.severity for check in review.checks}
    found: dict[str, Counter[Severity]] = {cluster.id: Counter() for cluster in review.clusters}
    for finding in review.findings:
        if finding.counts_as_open and finding.cluster in found:
            found[finding.cluster][severity[finding.code]] += 1
    return found
