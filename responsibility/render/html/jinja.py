"""The one Jinja set-up of all pages: no word of a document becomes markup, and a page loads nothing from anywhere."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from responsibility.model import KIND_NAMES, OWNER_NAMES, OWNERS
from responsibility.render.html.parts import evidence, price, prose, source_link
from responsibility.render.html.svg import markup
from responsibility.render.words import clean, counted, money

_HERE = Path(__file__).parent
_ORDER = {
    "level": ("open", "unknown", "limited", "closed"),
    "breadth": ("admin", "broad", "unknown", "narrow"),
    "change": ("replaced", "removed", "modified", "added"),
}
"""What deserves a look first."""


def page(name: str, *, folder: Path = _HERE, **values: Any) -> str:
    """Returns the page of ``NAME.j2`` in ``folder`` with the style of ``NAME.css``, and the script of ``NAME.js`` if there is one."""
    style, script = _file(folder / f"{name}.css"), _file(folder / f"{name}.js")
    parts = {"style": style, "script": script}
    allowed = "".join(f" {part}-src 'sha256-{_digest(text)}';" for part, text in parts.items() if text)
    policy = f"default-src 'none';{allowed} img-src data:; base-uri 'none'; form-action 'none'"
    template = _environment(folder).get_template(f"{name}.j2")
    return template.render(values, style=markup(style), script=markup(script), policy=policy)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "evidence": evidence,
        "counted": counted,
        "money": money,
        "price": price,
        "prose": prose,
        "source": source_link,
        "worst_first": _worst_first,
    }
    environment.globals |= {"KIND_NAMES": KIND_NAMES, "OWNER_NAMES": OWNER_NAMES, "OWNERS": OWNERS}
    return environment


def _shown(value: Any) -> Any:
    """Removes characters that hide or reorder text; autoescape then makes it HTML."""
    return clean(value, 2000) if isinstance(value, str) and not isinstance(value, Markup) else value


def _worst_first(items: list[Any], attribute: str) -> list[Any]:
    order = _ORDER[attribute]
    return sorted(items, key=lambda item: order.index(getattr(item, attribute)))


@cache
def _file(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
