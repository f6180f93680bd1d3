"""The page's numbers: how much of the model is whose, what you own on one kind and not on another, resources by owner."""

from collections import Counter
from dataclasses import dataclass
from itertools import permutations

from responsibility.document import Cost, CostLine, Review
from responsibility.model import COMPUTE_KINDS, KIND_NAMES, OWNER_NAMES, OWNERS, ComputeKind, Owner
from responsibility.render.html.parts import Clusters

_MINE: tuple[Owner, ...] = ("customer", "shared")


@dataclass(frozen=True)
class Difference:
    """What you own, alone or with AWS, on one kind of compute and not on another."""

    here: ComputeKind
    there: ComputeKind
    components: list[tuple[str, str, str]]
    """Name, and the owner's word on each of the two."""


def differences(review: Review) -> dict[tuple[ComputeKind, ComputeKind], Difference]:
    """Returns the difference of every two kinds, used or not: what another choice would change."""
    owners = {row.id: {cell.kind: cell.owner for cell in row.cells} for row in review.components}
    return {pair: Difference(*pair, _only(review, owners, *pair)) for pair in permutations(compared(review), 2)}


def compared(review: Review) -> list[ComputeKind]:
    """Returns the kinds that the document's model speaks of."""
    spoken = {cell.kind for row in review.components for cell in row.cells}
    return [kind for kind in COMPUTE_KINDS if kind in spoken]


def _only(
    review: Review, owners: dict[str, dict[ComputeKind, Owner]], here: ComputeKind, there: ComputeKind
) -> list[tuple[str, str, str]]:
    found = []
    for row in review.components:
        mine, other = owners[row.id].get(here), owners[row.id].get(there)
        if mine in _MINE and other is not None and other not in _MINE:
            found.append((row.name, OWNER_NAMES[mine], OWNER_NAMES[other]))
    return found


def headline(review: Review) -> Difference | None:
    """Returns the difference to say first: from EC2 to Auto Mode if both are there, or else the biggest."""
    found = differences(review)
    for here in ("managed_nodes", "self_managed_nodes"):
        if (here, "auto_mode") in found:
            return found[here, "auto_mode"]
    return max(found.values(), key=lambda item: len(item.components), default=None)


@dataclass(frozen=True)
class ResourceTable:
    """Resources: columns are the kinds in use, and `whole cluster`."""

    columns: list[tuple[ComputeKind | None, str]]
    by_owner: list[tuple[Owner, list[int]]]
    by_type: list[tuple[str, str, Owner, list[int]]]
    total: int


def resources(review: Review) -> ResourceTable:
    """Returns the resource counts as tables."""
    used = {count.kind for count in review.counts}
    columns: list[tuple[ComputeKind | None, str]] = [(None, "Whole cluster")]
    columns += [(kind, KIND_NAMES[kind]) for kind in KIND_NAMES if kind in used or kind in review.kinds]
    names = {component.id: component.name for component in review.components}
    owners: Counter[tuple[Owner, ComputeKind | None]] = Counter()
    types: dict[tuple[str, str, Owner], Counter[ComputeKind | None]] = {}
    for count in review.counts:
        owners[count.owner, count.kind] += count.count
        key = (count.type, names.get(count.component, count.component), count.owner)
        types.setdefault(key, Counter())[count.kind] += count.count
    return ResourceTable(
        columns,
        [
            (owner, [owners[owner, kind] for kind, _ in columns])
            for owner in OWNERS
            if any(owners[owner, kind] for kind, _ in columns)
        ],
        [(*key, [found[kind] for kind, _ in columns]) for key, found in sorted(types.items())],
        sum(count.count for count in review.counts),
    )


def cost_groups(cost: Cost, clusters: Clusters) -> list[tuple[str, str, float, list[CostLine]]]:
    """Returns the lines of each cluster: its id, name, sum and lines, in the order of the document."""
    groups: dict[str, list[CostLine]] = {}
    for line in cost.lines:
        groups.setdefault(line.cluster, []).append(line)
    return [
        (id_, clusters.name(id_) if id_ else "Of no single cluster", sum(line.monthly for line in lines), lines)
        for id_, lines in groups.items()
    ]
