"""The review: reads sources, asks the checks, and puts everything into one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from responsibility.checks import all_checks
from responsibility.checks.run import run
from responsibility.document import MANIFESTS, ClusterReview, Coverage, Review, StackInfo, Summary, UnknownValue
from responsibility.findings import SEVERITIES, CheckInfo, Finding
from responsibility.reading.eks import Cluster, OfCluster
from responsibility.reading.facts import Facts
from responsibility.reading.parameters import defaults_used
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.reader import read as read_facts
from responsibility.reading.resource import Resource
from responsibility.reading.sources import Sources
from responsibility.reading.template import BadSource
from responsibility.reading.values import Unknown, unsaid
from responsibility.review.acceptance import Accepted, accept
from responsibility.review.cells import Matrix, rows, used_kinds
from responsibility.review.cost import Prices, cost
from responsibility.review.exposure import exposure
from responsibility.review.identities import identities
from responsibility.review.picture import compute, picture
from responsibility.review.versions import every, support
from safe_io.terminal import one_line

MAX_UNKNOWNS = 50
"""Unknown values that are named; the coverage says how many there are."""


@dataclass(frozen=True)
class Options:
    """What a review depends on besides the templates."""

    as_of: date
    prices: Prices
    accepted: tuple[Accepted, ...] = ()
    accepted_in: str = ""
    """The file of these."""


def facts_of(sources: Sources, as_of: date) -> Facts:
    """Returns the facts of what was read. Raises BadSource if there is nothing of EKS in it."""
    facts = read_facts(sources, as_of)
    if not facts.all(Cluster) and not facts.all(OfCluster) and sources.templates:
        types = sorted({resource.type for resource in facts.resources})
        named = ", ".join(one_line(name, 60) for name in types[:5])
        raise BadSource(
            f"{sources.name}: no EKS in it: {len(facts.resources)} resources, none of AWS::EKS::* "
            f"({named}{', ...' if len(types) > 5 else ''}). Name the template or assembly that holds the cluster"
        )
    return facts


def review(sources: Sources, facts: Facts, options: Options) -> tuple[Review, list[Accepted]]:
    """Returns the document, and the acceptances that no finding needed."""
    checks = all_checks(facts.origin)
    findings, unused = accept(run(checks, facts), list(options.accepted), options.as_of)
    infos = [check.info for check in checks]
    matrix = Matrix(facts, infos, findings)
    total, unknown = facts.values
    document = Review(
        source=sources.name,
        origin=facts.origin,
        as_of=options.as_of,
        stacks=_stacks(sources, facts),
        summary=_summary(infos, findings),
        resolved=Coverage(computed=total - unknown, total=total, unknown=unknown),
        answered=_answered(findings),
        unknowns=list(_unknowns(facts)),
        not_read=[part.what for part in facts.unread],
        defaults=list(dict.fromkeys(f"{name}={value}" for name, value in defaults_used(sources.templates))),
        kinds=used_kinds(facts),
        components=rows(),
        clusters=[_cluster(cluster, matrix, options.as_of) for cluster in facts.all(Cluster)],
        checks=infos,
        findings=findings,
        exposure=exposure(facts),
        identities=identities(facts),
        cost=cost(facts, options.prices, options.as_of),
        versions=every(options.as_of),
        counts=matrix.counts(),
        owned=matrix.owned(),
    )
    return document, unused


def _stacks(sources: Sources, facts: Facts) -> list[StackInfo]:
    """Returns the stacks; for an account, the region counts as one."""
    if facts.origin == "account":
        counts = Counter(resource.stack for resource in facts.resources)
        return [StackInfo(name=name, file="", description="", resources=count) for name, count in counts.items()]
    if not sources.templates:
        return [
            StackInfo(name=MANIFESTS, file=file, description="", resources=count)
            for file, count in Counter(
                resource.template.file for resource in facts.resources if resource.template
            ).items()
        ]
    return [
        StackInfo(
            name=template.name,
            file=template.file,
            description=str(template.body.get("Description", "")),
            resources=len(template.body["Resources"]),
        )
        for template in sources.templates
    ]


def _cluster(cluster: Cluster, matrix: Matrix, as_of: date) -> ClusterReview:
    version = str(cluster.resource.maybe("Version", ""))
    return ClusterReview(
        id=cluster.resource.key,
        name=cluster.name,
        stack=cluster.resource.stack,
        version=version,
        support=support(version, as_of),
        compute=compute(cluster),
        cells=matrix.cells(cluster),
        picture=picture(cluster),
        evidence=cluster.at(),
    )


def _summary(checks: list[CheckInfo], findings: list[Finding]) -> Summary:
    severity = {info.code: info.severity for info in checks}
    still_open = Counter(severity[finding.code] for finding in findings if finding.counts_as_open)
    statuses = Counter(finding.status for finding in findings)
    return Summary(
        open={name: still_open[name] for name in SEVERITIES},
        accepted=statuses["open"] - sum(still_open.values()),
        met=statuses["met"],
        unknown=statuses["unknown"],
        not_applicable=statuses["not_applicable"],
    )


def _answered(findings: list[Finding]) -> Coverage:
    statuses = Counter(finding.status for finding in findings)
    computed = statuses["met"] + statuses["open"]
    return Coverage(computed=computed, total=computed + statuses["unknown"], unknown=statuses["unknown"])


def _unknowns(facts: Facts) -> Iterator[UnknownValue]:
    left = MAX_UNKNOWNS
    for resource in facts.resources:
        for path, reason in _gaps(resource):
            if not left:
                return
            left -= 1
            yield UnknownValue(evidence=resource.evidence(path), reason=reason)


def _gaps(resource: Resource) -> Iterator[tuple[str, str]]:
    todo: list[tuple[str, object]] = [("", resource.properties)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            todo.extend((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend((f"{path}.{index}", item) for index, item in enumerate(value))
        elif isinstance(value, Unknown):
            yield path, value.reason
        elif isinstance(value, str) and unsaid(value):
            yield path, f"a part of {without_gaps(value)[:60]}"
