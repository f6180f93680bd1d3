"""What changed between two reviews: resources, owners, duties, cost."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from responsibility.document import Baseline, ClusterReview, OwnerChange, Review
from responsibility.findings import Finding
from responsibility.model import ComputeKind, Owner
from responsibility.reading.facts import Facts
from responsibility.review.baseline_changes import changes

_HASH = re.compile(r"\b([A-Za-z]\w*?)[0-9A-F]{8}\b")
"""A logical id of the CDK: a readable part and a hash of its place in the tree, which changes when it moves."""

_Subject = tuple[str, str, str]


def compare(before: Review, after: Review, facts_before: Facts, facts_after: Facts, source: str) -> Baseline:
    """Returns what changed from ``before`` to ``after``.

    Resources are matched by stack and logical id (Kubernetes objects by stack, kind, namespace and name), so a stack
    with another name is another stack. Clusters are matched by their id, else by their name.
    """
    opened, closed = _duties(before, after)
    return Baseline(
        source=source,
        changes=changes(facts_before, facts_after),
        owners=list(_owners(before, after)),
        opened=opened,
        closed=closed,
        cost_before=before.cost.total,
        cost_after=after.cost.total,
    )


def _owners(before: Review, after: Review) -> Iterator[OwnerChange]:
    """Who acts for the components on the kinds of compute that a cluster got or lost."""
    old, new = _cells(before), _cells(after)
    clusters = {cluster.id: cluster for cluster in before.clusters}
    named = {cluster.name: cluster for cluster in before.clusters}
    for cluster in after.clusters:
        was = clusters.get(cluster.id) or named.get(cluster.name)
        if was is None:
            continue
        had, has = _kinds(was), _kinds(cluster)
        for kind in [*(kind for kind in has if kind not in had), *(kind for kind in had if kind not in has)]:
            came = kind in has
            for component, owner in (new if came else old)[kind]:
                if owner != "not_available":
                    yield OwnerChange(
                        cluster=cluster.id,
                        component=component,
                        kind=kind,
                        before=None if came else owner,
                        after=owner if came else None,
                    )


def _cells(review: Review) -> dict[ComputeKind, list[tuple[str, Owner]]]:
    found: dict[ComputeKind, list[tuple[str, Owner]]] = defaultdict(list)
    for component in review.components:
        for cell in component.cells:
            found[cell.kind].append((component.id, cell.owner))
    return found


def _kinds(cluster: ClusterReview) -> list[ComputeKind]:
    return [use.kind for use in cluster.compute]


def _duties(before: Review, after: Review) -> tuple[list[Finding], list[Finding]]:
    """The findings that are open now and were not, and those that were open and are not."""
    exact_before, exact_after = _exact(before), _exact(after)
    opened = [finding for finding in after.findings if finding.counts_as_open]
    closed = [finding for finding in before.findings if finding.counts_as_open]
    opened, closed = _unmatched(opened, exact_after, closed, exact_before)
    # What is left may be the same duty of a thing that got another logical id. Something that is on both sides
    # under its own name is no such thing.
    known_before = {exact_before(finding) for finding in before.findings}
    known_after = {exact_after(finding) for finding in after.findings}
    new = [finding for finding in opened if exact_after(finding) not in known_before]
    gone = [finding for finding in closed if exact_before(finding) not in known_after]
    still_new, still_gone = _unmatched(new, _loose(after), gone, _loose(before))
    matched = {id(finding) for finding in [*new, *gone]} - {id(finding) for finding in [*still_new, *still_gone]}
    answers = {exact_after(finding): finding for finding in after.findings}
    return (
        [finding for finding in opened if id(finding) not in matched],
        [_closed(finding, answers.get(exact_before(finding))) for finding in closed if id(finding) not in matched],
    )


def _closed(finding: Finding, now: Finding | None) -> Finding:
    """What happened to a duty that was open: today's answer, or that its subject is gone."""
    if now:
        return now
    detail = f"is gone (it was open: {finding.detail})"
    return finding.model_copy(update={"status": "not_applicable", "detail": detail, "accepted": None})


def _exact(review: Review) -> Callable[[Finding], _Subject]:
    """A duty's key: check, cluster, subject. A cluster is known by its name."""
    names = {cluster.id: cluster.name for cluster in review.clusters}
    several = _twice(names.values())

    def key(finding: Finding) -> _Subject:
        name = names.get(finding.cluster, finding.cluster)
        return finding.code, finding.cluster if name in several else name, finding.subject

    return key


def _loose(review: Review) -> Callable[[Finding], _Subject]:
    """The same without the hashes of logical ids."""
    exact = _exact(review)

    def key(finding: Finding) -> _Subject:
        code, cluster, subject = exact(finding)
        return code, _HASH.sub(r"\1", cluster), _HASH.sub(r"\1", subject)

    return key


def _twice(names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def _unmatched(
    first: list[Finding],
    key_of_first: Callable[[Finding], _Subject],
    second: list[Finding],
    key_of_second: Callable[[Finding], _Subject],
) -> tuple[list[Finding], list[Finding]]:
    """Pairs findings with the same key, one to one; returns those of either list that found no partner."""
    waiting: dict[_Subject, list[Finding]] = defaultdict(list)
    for finding in reversed(second):
        waiting[key_of_second(finding)].append(finding)
    left = []
    for finding in first:
        partners = waiting[key_of_first(finding)]
        if partners:
            partners.pop()
        else:
            left.append(finding)
    alone = {id(finding) for partners in waiting.values() for finding in partners}
    return left, [finding for finding in second if id(finding) in alone]


__all__ = ["compare"]
