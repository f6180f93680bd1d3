"""Turns text from templates into GitHub Markdown that shows it literally: no markup, HTML, mention or link."""

import re

from responsibility.render.words import clean

# Markdown and HTML; and what GitHub makes of plain text: mentions, issue numbers, links.
_MARKUP = re.compile(r"[\\`*_\[\]|~<>&$#@]|(?<=:)//|\bwww(?=\.)|\bGH(?=-\d)", re.IGNORECASE)
_URL = re.compile(r"https://[\w.-]+/[\w./%?=&#+~-]*")


def text(words: str, limit: int = 400) -> str:
    """Returns text from a template as Markdown that shows it literally."""
    return _safe(clean(words, limit))


def _safe(line: str) -> str:
    return _MARKUP.sub(_escape, line)


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if len(found) > 1:  # a zero-width space keeps GitHub from linking it
        return f"&#8203;{found}" if found == "//" else f"{found}&#8203;"
    return f"&#{ord(found)};" + ("&#8203;" if found in "@#" else "")


def code(words: str, limit: int = 400) -> str:
    """Returns text from a template as inline code: an identifier, a path."""
    line = clean(words, limit) or "-"
    # A backtick span in a table cannot quote these, or depends on the reader's parser.
    return f"<code>{_safe(line)}</code>" if re.search(r"[`|\\<&]", line) else f"`{line}`"


def prose(words: str, limit: int = 400) -> str:
    """Returns a sentence in which backticks mark code."""
    parts = clean(words, limit).split("`")
    if len(parts) % 2 == 0:  # the last one marks nothing
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join((code(part) if part else "") if at % 2 else _safe(part) for at, part in enumerate(parts))


def link(words: str, url: str) -> str:
    """Returns a link, or the words alone if that is not a plain address."""
    return f"[{words}]({url})" if _URL.fullmatch(url) else words


def row(*cells: str | int) -> str:
    """Returns a row of a table. Cells are Markdown already."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def table(*headings: str) -> str:
    """Returns the head of a table."""
    return f"{row(*headings)}\n{row(*('---' for _ in headings))}"
