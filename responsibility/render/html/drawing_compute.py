"""The lower part of the drawing: a column for each kind of compute, coloured by who runs each layer of its nodes."""

from collections import Counter
from collections.abc import Sequence

from responsibility.document import ClusterReview, ComponentInfo, ComputeUse
from responsibility.model import GROUPS, KIND_NAMES, OWNER_NAMES, OWNERS, ComputeKind, Owner
from responsibility.render.html.svg import Box, Canvas, text_width, wrap

PAD = 14
GAP = 10
_LAYER = 24
DRAWN = "worker_node"
"""The group whose components are drawn one by one: where the kinds differ most. The others are drawn as numbers."""
_SUMMED = ("integration", "workloads")
_SUM = 52
_COLUMN = 330


def open_duties(cluster: ClusterReview, component: str, kind: ComputeKind | None = None) -> int:
    """Returns how many duties of a component are open (at most, over the kinds, if none is given)."""
    counts = [cell.open for cell in cluster.cells if cell.component == component and kind in (None, cell.kind)]
    return max(counts, default=0)


def draw_compute(
    canvas: Canvas, cluster: ClusterReview, components: Sequence[ComponentInfo], x: float, y: float, width: float
) -> float:
    """Draws the columns at x, y; returns their lower side."""
    canvas.text(x, y + 14, "Compute: who runs each layer", width / 2, size=14, style="b")
    add_ons = (
        [f"Add-ons: {cluster.picture.add_ons[0]}", *cluster.picture.add_ons[1:]] if cluster.picture.add_ons else []
    )
    for line in wrap(add_ons, width, 11.5, lines=2, joint=", "):
        y += 18
        canvas.text(x, y + 14, line, width, size=11.5)
    top = y + 26
    if not cluster.compute:
        canvas.box("compute", "", (x, top, width, 40), "vague")
        canvas.text(x + 10, top + 25, "No compute is known.", width - 20)
        return top + 40
    size = (width - (len(cluster.compute) - 1) * GAP) / len(cluster.compute)
    layers = [component for component in components if component.group == DRAWN]
    texts = [wrap(use.words.split(" "), size - 2 * PAD, 11.5, lines=3) for use in cluster.compute]
    head = 32 + 15 * max(len(lines) for lines in texts)
    sums = [group for group in _SUMMED if any(component.group == group for component in components)]
    columns = max(1, int(size // _COLUMN))  # one kind alone has a wide box: its layers are side by side
    below = head + _LAYER * -(-len(layers) // columns) + 6
    height = below + _SUM * -(-len(sums) // columns) + 4
    for index, (use, lines) in enumerate(zip(cluster.compute, texts, strict=True)):
        left = x + index * (size + GAP)
        frame = canvas.box(f"kind {use.kind}", "", (left, top, size, height), "column", 8)
        canvas.text(left + PAD, top + 22, KIND_NAMES[use.kind], size - 2 * PAD, size=13, style="b")
        for number, line in enumerate(lines):
            canvas.text(left + PAD, top + 39 + 15 * number, line, size - 2 * PAD, size=11.5)
        for component, place in zip(layers, _places(frame, top + head, columns, _LAYER, len(layers)), strict=True):
            _layer(canvas, cluster, use, component, frame, place)
        for group, place in zip(sums, _places(frame, top + below, columns, _SUM, len(sums)), strict=True):
            rows = [component for component in components if component.group == group]
            _sum(canvas, use.kind, group, rows, frame, place)
    return top + height


def _places(frame: Box, y: float, columns: int, height: float, number: int) -> list[tuple[float, float, float]]:
    """Returns x, y and width for ``number`` things in so many columns of a frame, downwards first."""
    width = (frame.width - 16 - (columns - 1) * GAP) / columns
    rows = -(-number // columns)
    cells = (divmod(index, rows) for index in range(number))
    return [(frame.x + 8 + column * (width + GAP), y + row * height, width) for column, row in cells]


def _layer(
    canvas: Canvas,
    cluster: ClusterReview,
    use: ComputeUse,
    component: ComponentInfo,
    frame: Box,
    place: tuple[float, float, float],
) -> None:
    x, y, width = place
    owner = _owner(component, use.kind)
    style = f"box f-{owner}" if owner else "vague"
    canvas.box(f"{frame.name} {component.id}", frame.name, (x, y, width, _LAYER - 4), style, 3)
    open_ = open_duties(cluster, component.id, use.kind)
    words = (OWNER_NAMES[owner] if owner else "not known") + (f", {open_} open" if open_ else "")
    room = text_width(words, 11, bold=True)
    canvas.text(x + 8, y + 14, component.name, width - 24 - room, size=11)
    canvas.text(x + width - 8, y + 14, words, room + 1, size=11, style="b", end=True)


def _sum(
    canvas: Canvas,
    kind: ComputeKind,
    group: str,
    rows: Sequence[ComponentInfo],
    frame: Box,
    place: tuple[float, float, float],
) -> None:
    x, y, width = place
    owners = Counter(_owner(component, kind) for component in rows)
    words = ", ".join(f"{OWNER_NAMES[owner]} {owners[owner]}" for owner in OWNERS if owners[owner])
    canvas.text(x, y + 12, GROUPS[group], width, size=11, style="b")
    canvas.text(x, y + 26, words, width, size=11)
    owner_bar(canvas, f"{frame.name} {group}", frame.name, rows, kind, (x, y + 32, width, 9))


def owner_bar(
    canvas: Canvas,
    name: str,
    inside: str,
    rows: Sequence[ComponentInfo],
    kind: ComputeKind,
    at: tuple[float, float, float, float],
) -> None:
    """Draws how many of ``rows`` belong to each owner, as parts of a bar."""
    owners = Counter(_owner(component, kind) for component in rows)
    left, y, width, height = at
    for owner in OWNERS:
        if owners[owner]:
            part = width * owners[owner] / sum(owners.values())
            canvas.box(f"{name} {owner}", inside, (left, y, part, height), f"box f-{owner}", 1)
            left += part


def _owner(component: ComponentInfo, kind: ComputeKind) -> Owner | None:
    return next((cell.owner for cell in component.cells if cell.kind == kind), None)
