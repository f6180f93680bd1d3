"""The formats of a review. Each renderer turns the findings document into one of them, and adds no facts."""

import json
from collections.abc import Callable
from typing import NamedTuple

from responsibility.document import Review


class Format(NamedTuple):
    """A format of the review: the suffixes of its files, and what writes it."""

    suffixes: tuple[str, ...]
    render: Callable[[Review], str]


# Each imports its renderer when it is asked: Rich and Jinja are slow to load, and JSON needs neither.
def _text(review: Review) -> str:
    from io import StringIO

    from rich.console import Console

    from responsibility.render.text import text

    file = StringIO()
    text(review, Console(file=file, width=100, color_system=None))
    return file.getvalue()


def _markdown(review: Review) -> str:
    from responsibility.render.markdown import markdown

    return markdown(review)


def _html(review: Review) -> str:
    from responsibility.render.html.review import html

    return html(review)


def _json(review: Review) -> str:
    try:
        return review.model_dump_json(indent=2) + "\n"
    except ValueError:
        # Half a character, as "\ud800" in a template's JSON gives: no UTF-8 can hold it.
        text = json.dumps(review.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return text.encode(errors="replace").decode() + "\n"


def _sarif(review: Review) -> str:
    from responsibility.render.sarif import sarif

    return sarif(review)


FORMATS: dict[str, Format] = {
    "text": Format((".txt",), _text),
    "md": Format((".md", ".markdown"), _markdown),
    "html": Format((".html", ".htm"), _html),
    "json": Format((".json",), _json),
    "sarif": Format((".sarif", ".sarif.json"), _sarif),
}


def render(review: Review, format: str) -> str:  # noqa: A002 - what the command line calls it
    """Returns the review in one of ``FORMATS``."""
    return FORMATS[format].render(review)
