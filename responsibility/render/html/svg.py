"""A small canvas for SVG pictures: text that is cut to its box, and boxes that know their position.

Browsers cannot tell Python how wide a text is, and every machine has another font. So widths are estimated from a wide
font (DejaVu Sans): a text that fits here fits with any common font.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup, escape

from responsibility.render.words import clean

_WIDTHS = {
    **dict.fromkeys("ijl.,:;'|!I", 0.34),
    **dict.fromkeys(' ftr()[]-/"`{}°·', 0.42),
    **dict.fromkeys("mwMWOQ@%…→&", 1.0),
    **dict.fromkeys("abcdeghknopqsuvxyz0123456789?*#$=+<>~^_", 0.65),
}
_CAPITAL = 0.75
_WIDE = 1.1
_BOLD = 1.1


@lru_cache(maxsize=8192)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Returns how wide ``text`` is at most, in the units of ``size``."""
    ems = sum(_WIDTHS.get(char) or (_CAPITAL if char < "\u1100" else _char_width(char)) for char in text)
    return ems * size * (_BOLD if bold else 1.0)


def _char_width(char: str) -> float:
    return _WIDE if unicodedata.east_asian_width(char) in "WF" or ord(char) > 0xFFFF else _CAPITAL


@lru_cache(maxsize=8192)
def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Returns ``text``, or its beginning with an ellipsis, so that it is at most ``width`` wide."""
    text = " ".join(text.split())
    if text_width(text, size, bold=bold) <= width:
        return text
    room = width - text_width("…", size, bold=bold)
    used, end = 0.0, 0
    for char in text:
        used += text_width(char, size, bold=bold)
        if used > room:
            break
        end += 1
    return text[:end].rstrip() + "…"


def wrap(words: Sequence[str], width: float, size: float, *, lines: int, joint: str = " ") -> list[str]:
    """Returns ``words`` in at most ``lines`` lines of ``width``; the last one says how many did not fit."""
    rows: list[list[str]] = [[]]
    for index, word in enumerate(words):
        row = rows[-1]
        rest = len(words) - index
        # On the last line, room is kept for "and 12 more".
        tail = joint + f"and {rest} more" if len(rows) == lines and rest > 1 else ""
        if not row or text_width(joint.join([*row, word]) + tail, size) <= width:
            row.append(word)
        elif len(rows) < lines:
            rows.append([word])
        else:
            row.append(f"and {rest} more")
            break
    return [fit(joint.join(row), width, size) for row in rows if row]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture, and the one around it."""

    name: str
    inside: str
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height


@dataclass
class Canvas:
    """Collects the pieces of a picture, from the back to the front."""

    width: float
    parts: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def box(self, name: str, inside: str, at: tuple[float, float, float, float], style: str, radius: int = 4) -> Box:
        """Draws a rectangle at x, y, width, height, and remembers it."""
        x, y, width, height = at
        self.parts.append(
            f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'
        )
        box = Box(name, inside, x, y, width, height)
        self.boxes.append(box)
        return box

    def text(
        self, x: float, y: float, text: str, room: float, *, size: float = 12, style: str = "", end: bool = False
    ) -> None:
        """Writes ``text``, cut to ``room``; what was cut can be read in a tooltip. Style `b` is bold."""
        text = clean(text)
        shown = fit(text, room, size, bold="b" in style.split())
        classes = f' class="{style}"' if style else ""
        anchor = ' text-anchor="end"' if end else ""
        whole = f"<title>{escape(text)}</title>" if shown.endswith("…") and shown != text else ""
        self.parts.append(
            f'<text{classes} x="{x:g}" y="{y:g}" font-size="{size:g}"{anchor}>{escape(shown)}{whole}</text>'
        )

    def line(self, path: str, style: str) -> None:
        """Draws a path."""
        self.parts.append(f'<path class="{style}" d="{path}"/>')

    def svg(self, height: float, label: str, described_by: str, style: str) -> Markup:
        """Returns the picture."""
        head = (
            f'<svg class="{style}" viewBox="0 0 {self.width:g} {height:g}" role="img" aria-label="{escape(clean(label))}"'
            f' aria-describedby="{escape(described_by)}">'
        )
        return markup(head + "".join(self.parts) + "</svg>")


def markup(text: str) -> Markup:
    """Marks ``text`` as ready HTML. Callers escape what comes from a document before they build it."""
    return Markup(text)  # noqa: S704 - see above
