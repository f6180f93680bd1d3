"""The playbook as one HTML page: it loads nothing, runs no script, and prints well."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from responsibility.model import OWNER_NAMES
from responsibility.render import clean, place
from responsibility.render.html_parts import prose
from responsibility.upgrade import render
from responsibility.upgrade.document import VERDICTS, Playbook

_HERE = Path(__file__).parent


def page(playbook: Playbook) -> str:
    """Returns the page."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.j2")
        .render(
            playbook=playbook,
            style=Markup(style),  # noqa: S704 - a file of ours
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["prose"] = lambda words: prose(clean(words, 2000))
    environment.globals |= {
        "OWNER_NAMES": OWNER_NAMES,
        "TITLES": render.TITLES,
        "VERDICTS": VERDICTS,
        "blocks_words": render.blocks_words,
        "change_words": render.change_words,
        "facts": render.facts,
        "gate_words": render.gate_words,
        "headline": render.headline,
        "parts": render.parts,
        "place": place,
    }
    return environment


def _shown(value: Any) -> Any:
    """Takes from texts what hides or reorders them; autoescape then makes them HTML."""
    return clean(value, 2000) if isinstance(value, str) and not isinstance(value, Markup) else value
