"""The responsibility matrix of the page: the model's text once per cell, with the state of every cluster."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from responsibility.document import CellInfo, CellState, ClusterReview, ComponentInfo, Review
from responsibility.model import GROUPS, ComputeKind
from responsibility.render.html.parts import Clusters, escape, evidence
from responsibility.render.html.svg import markup


@dataclass(frozen=True)
class MatrixCell:
    """A cell of the model, and its state in the clusters."""

    kind: ComputeKind
    info: CellInfo | None
    counts: Markup
    states: Markup
    """A list item for each cluster that has something to show."""


@dataclass(frozen=True)
class MatrixRow:
    """A component."""

    component: ComponentInfo
    cells: list[MatrixCell]


def matrix(review: Review, clusters: Clusters) -> list[tuple[str, list[MatrixRow]]]:
    """Returns the rows by group, from the control plane outwards."""
    states: dict[tuple[str, ComputeKind], list[tuple[ClusterReview, CellState]]] = {}
    for cluster in review.clusters:
        for state in cluster.cells:
            states.setdefault((state.component, state.kind), []).append((cluster, state))
    groups: dict[str, list[MatrixRow]] = {}
    for component in review.components:
        infos = {cell.kind: cell for cell in component.cells}
        row = MatrixRow(
            component,
            [_cell(kind, infos.get(kind), states.get((component.id, kind), []), clusters) for kind in review.kinds],
        )
        groups.setdefault(GROUPS.get(component.group, component.group), []).append(row)
    return list(groups.items())


def _cell(
    kind: ComputeKind, info: CellInfo | None, states: list[tuple[ClusterReview, CellState]], clusters: Clusters
) -> MatrixCell:
    return MatrixCell(
        kind=kind,
        info=info,
        counts=count_words(state for _, state in states),
        states=markup("".join(_state(cluster, state, clusters) for cluster, state in states)),
    )


def _state(cluster: ClusterReview, state: CellState, clusters: Clusters) -> str:
    words = count_words([state])
    if not words and not state.evidence:
        return ""
    name = f"<b>{escape(cluster.name)}</b> " if clusters.many else ""
    counts = f' data-n="{state.open} {state.accepted} {state.met} {state.unknown}"' if clusters.many else ""
    return f"<li{clusters.mark(cluster.id)}{counts}>{name}{words}{evidence(state.evidence, cluster, limit=6)}</li>"


def count_words(states: Iterable[CellState]) -> Markup:
    """Returns `2 open, 3 met`, what is open emphasised; the page's script says it the same way when one cluster is chosen."""
    found = list(states)
    numbers = {
        "open": sum(state.open for state in found),
        "accepted": sum(state.accepted for state in found),
        "met": sum(state.met for state in found),
        "unknown": sum(state.unknown for state in found),
    }
    words = (f"{number} {word}" for word, number in numbers.items() if number)
    return markup(", ".join(f"<em>{word}</em>" if word.endswith("open") else word for word in words))
