"""What the page's tests need: which documents they look at, and the geometry of a drawing."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

from responsibility.document import Review
from responsibility.render.html.svg import Box
from tests.responsibility.render import page_document as documents

ROOT = Path(__file__).parents[3]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
DOCUMENTS: dict[str, Callable[[], Review]] = {
    "demo": documents.demo,
    "naive": documents.naive,
    "changed": documents.changed,
    "hostile": documents.hostile,
    "unknown_network": documents.unknown_network,
    "empty": documents.empty,
    "several": lambda: documents.many(3),
    "many": lambda: documents.many(12),
}
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1360, "height": 900}
CROWDED = """() => [...document.querySelectorAll('svg.pic')].filter(svg => svg.checkVisibility()).flatMap(svg => {
    const view = svg.viewBox.baseVal, found = [];
    const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent).map(t => [t, t.getBBox()]);
    for (const [t, b] of texts)
        if (b.x < 0 || b.y < 0 || b.x + b.width > view.width || b.y + b.height > view.height)
            found.push('outside: ' + t.textContent);
    texts.forEach(([t, a], i) => texts.slice(i + 1).forEach(([u, b]) => {
        if (a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1 && a.y + 2 < b.y + b.height - 2 && b.y + 2 < a.y + a.height - 2)
            found.push(t.textContent + ' covers ' + u.textContent);
    }));
    return found;
})"""
"""Texts that leave their drawing or cover another."""
SLIPPED_IN = """() => {
    const script = document.createElement('script');
    script.textContent = 'window.hacked = 1';
    document.body.append(script);
    document.body.insertAdjacentHTML('beforeend', '<p id="late" style="color: red" onclick="window.hacked = 2">x</p>');
    document.getElementById('late').click();
    return fetch('https://example.com/').catch(() => 0);
}"""
"""What a hole in the escaping would allow."""
UNFOLD = "document.querySelectorAll('details').forEach(details => { details.open = true })"


LOOKS: list[tuple[str, str, dict[str, int], bool]] = [
    ("changed", "light", DESKTOP, True),
    ("demo", "dark", DESKTOP, True),
    ("naive", "dark", PHONE, False),
    ("several", "light", PHONE, True),
    ("unknown_network", "light", DESKTOP, True),
    ("empty", "light", PHONE, True),
    ("compliance", "dark", DESKTOP, True),
]


def _overlaps(one: Box, other: Box) -> bool:
    slack = 0.01
    return (
        one.x + slack < other.right
        and other.x + slack < one.right
        and one.y + slack < other.bottom
        and other.y + slack < one.bottom
    )


def check_geometry(boxes: list[Box], width: float, height: float) -> None:
    named = {box.name: box for box in boxes}
    assert len(named) == len(boxes), "two boxes share a name"
    for box in boxes:
        outer = named[box.inside] if box.inside else Box("canvas", "", 0, 0, width, height)
        assert box.width > 0, box
        assert box.height > 0, box
        assert outer.x - 0.01 <= box.x <= box.right <= outer.right + 0.01, (box, outer)
        assert outer.y - 0.01 <= box.y <= box.bottom <= outer.bottom + 0.01, (box, outer)
    for one, other in combinations(boxes, 2):
        if one.inside == other.inside:
            assert not _overlaps(one, other), (one, other)
