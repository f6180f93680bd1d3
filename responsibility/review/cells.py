"""The responsibility matrix of each cluster: the model's cells, the resources that show them, the duties in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from responsibility import model
from responsibility.document import CellInfo, CellState, ComponentInfo, OwnedCount, ResourceCount
from responsibility.findings import CheckInfo, Evidence, Finding
from responsibility.model import OWNERS, ComputeKind, Owner
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.review.ownership import compute_kinds, shows

MAX_EVIDENCE = 5
"""Resources named in one cell; the counts say how many there are."""


def rows() -> list[ComponentInfo]:
    """Returns the model's rows, with the cells of every kind of compute: a reader compares what is with what could be."""
    return [
        ComponentInfo(
            id=component.id,
            name=component.name,
            what=component.what,
            group=component.group,
            cells=[
                CellInfo(
                    kind=kind,
                    owner=cell.owner,
                    aws=cell.aws,
                    you=cell.you,
                    source=cell.source,
                    checked=cell.checked,
                    disagree=cell.disagree,
                    unverified=cell.unverified,
                )
                for kind, cell in component.cells.items()
            ],
        )
        for component in model.components().values()
    ]


class Matrix:
    """What every cluster's cells need, worked out once for all of them."""

    def __init__(self, facts: Facts, checks: Iterable[CheckInfo], findings: Iterable[Finding]) -> None:
        self._facts = facts
        self._kinds = compute_kinds(facts)
        self._shown = self._evidence()
        self._answers = _count({info.code: info for info in checks}, findings)

    def cells(self, cluster: Cluster) -> list[CellState]:
        """Returns the state of every cell of a cluster that is not empty."""
        found = []
        for component in model.components():
            for kind in cluster.kinds:
                counts: Counter[str] = Counter()
                evidence: list[Evidence] = []
                # What belongs to no cluster, such as a network that several share, counts for each.
                for key in {cluster.resource.key, ""}:
                    counts.update(self._answers[key, component, kind])
                    evidence += self._shown[key, component, kind] + self._shown[key, component, None]
                if counts or evidence:
                    found.append(
                        CellState(
                            component=component,
                            kind=kind,
                            evidence=evidence[:MAX_EVIDENCE],
                            open=counts["open"],
                            accepted=counts["accepted"],
                            met=counts["met"],
                            unknown=counts["unknown"],
                        )
                    )
        return found

    def counts(self) -> list[ResourceCount]:
        """Returns how many resources belong to whom, for which kind of compute."""
        numbers: Counter[tuple[str, str, Owner, ComputeKind | None]] = Counter()
        used = used_kinds(self._facts)
        for resource in self._facts.resources:
            fact = self._facts.get(Fact, resource.key)
            if fact is None or resource.type == "AWS::CDK::Metadata":
                continue
            if isinstance(fact, KubernetesObject) != ("::" not in resource.type):
                # An object inside a custom resource: the custom resource is counted.
                continue
            kind = self._kinds.get(resource.key)
            component = next((show.component for show in shows(fact)), "")
            numbers[resource.type, component, owner_of(component, kind, used), kind] += 1
        return [
            ResourceCount(type=type_, component=component, owner=owner, kind=kind, count=count)
            for (type_, component, owner, kind), count in sorted(
                numbers.items(), key=lambda item: (-item[1], item[0][0], str(item[0][3]))
            )
        ]

    def owned(self) -> list[OwnedCount]:
        """Returns how much of the model is whose, for each kind."""
        resources = Counter(self._kinds.values())
        result = []
        for kind in model.COMPUTE_KINDS:
            owners = Counter(component.cells[kind].owner for component in model.components().values())
            numbers = {owner: owners[owner] for owner in OWNERS}
            result.append(OwnedCount(kind=kind, resources=resources[kind], **numbers))
        return result

    def _evidence(self) -> dict[tuple[str, str, ComputeKind | None], list[Evidence]]:
        found: dict[tuple[str, str, ComputeKind | None], list[Evidence]] = defaultdict(list)
        for fact in self._facts.every():
            for show in shows(fact):
                kind = show.kind or self._kinds.get(fact.resource.key)
                place = found[fact.cluster_key, show.component, kind]
                if len(place) < MAX_EVIDENCE:
                    place.append(fact.at(show.path))
        return found


def used_kinds(facts: Facts) -> list[ComputeKind]:
    """Returns the kinds of compute that any cluster uses, in the model's order."""
    used = {kind for cluster in facts.all(Cluster) for kind in cluster.kinds}
    return [kind for kind in model.COMPUTE_KINDS if kind in used]


def owner_of(component: str, kind: ComputeKind | None, used: list[ComputeKind]) -> Owner:
    """Returns whose a component's resource is: on its kind; else what the used kinds agree on; else shared.

    What belongs to no component is the customer's, because it is in the customer's template.
    """
    row = model.components().get(component)
    if row is None:
        return "customer"
    owners: set[Owner] = (
        {row.cells[kind].owner} if kind else {row.cells[name].owner for name in used or model.COMPUTE_KINDS}
    )
    return owners.pop() if len(owners) == 1 else "shared"


def _count(
    checks: dict[str, CheckInfo], findings: Iterable[Finding]
) -> dict[tuple[str, str, ComputeKind], Counter[str]]:
    found: dict[tuple[str, str, ComputeKind], Counter[str]] = defaultdict(Counter)
    for finding in findings:
        if finding.status == "not_applicable":
            continue
        status = "accepted" if finding.status == "open" and not finding.counts_as_open else finding.status
        info = checks[finding.code]
        for kind in info.kinds:
            found[finding.cluster, info.component, kind][status] += 1
    return found
