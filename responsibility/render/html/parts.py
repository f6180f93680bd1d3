"""Small pieces of the page that occur thousands of times: built here, not in a template, because that is faster."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from markupsafe import Markup
from markupsafe import escape as _escape

from responsibility.document import ClusterReview, Review
from responsibility.findings import Evidence, Finding
from responsibility.render.html.svg import markup
from responsibility.render.words import clean

_CODE = re.compile(r"`([^`]+)`")


def escape(text: str) -> Markup:
    """Returns ``text`` as HTML, without characters that hide or reorder what is read."""
    return _escape(clean(text, 2000))


class Clusters:
    """The clusters by id: each has a number, which elements carry as `data-c`, so that the page can show one alone."""

    def __init__(self, review: Review) -> None:
        self._numbers = {cluster.id: number for number, cluster in enumerate(review.clusters, 1)}
        self._names = {cluster.id: cluster.name for cluster in review.clusters}
        self.many = len(review.clusters) > 1

    def mark(self, *ids: str) -> Markup:
        """Returns the attribute that ties an element to clusters: nothing if it belongs to none, or there is only one."""
        numbers = [str(self._numbers[id_]) for id_ in ids if id_ in self._numbers]
        return markup(f' data-c="{" ".join(numbers)}"') if self.many and numbers else markup("")

    def number(self, id_: str) -> int:
        """Returns the number of a cluster; 0 = there is no such cluster."""
        return self._numbers.get(id_, 0)

    def name(self, id_: str) -> str:
        """Returns a cluster's name, or what the document calls it."""
        return self._names.get(id_, id_)


def source_link(url: str, words: str = "") -> Markup:
    """Returns a link to a page; what is not an https address stays text."""
    if not url.startswith("https://"):
        return escape(url)
    parts = urlsplit(url)
    page = words or parts.path.rstrip("/").rpartition("/")[2] or parts.netloc
    return markup(f'<a class="src" href="{escape(url)}" rel="noreferrer">{escape(page)}</a>')


def prose(text: str) -> Markup:
    """Returns a sentence as HTML: text between backticks is code."""
    return markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def price(amount: float) -> str:
    """Returns a price with two decimals, or as many as it needs."""
    words = f"{amount:,.6f}".rstrip("0")
    return words if len(words.rpartition(".")[2]) > 1 else f"{amount:,.2f}"


def evidence(
    items: Sequence[Evidence], home: ClusterReview | None = None, limit: int = 12, *, brief: bool = False
) -> Markup:
    """Returns where to look, a line each. What is the same as in the cluster ``home`` (stack, file) is not repeated.

    ``brief`` leaves out the type and the file: enough for what is in order, and there is much of it.
    """
    lines = [_line(item, home, brief=brief) for item in items[:limit]]
    if len(items) > limit:
        lines.append(f"and {len(items) - limit} more")
    return markup("".join(f'<span class="ev">{line}</span>' for line in lines))


def _line(item: Evidence, home: ClusterReview | None, *, brief: bool) -> str:
    stack = "" if home and item.stack == home.stack else item.stack
    if brief:
        return f"{escape(stack)} · {escape(item.resource)} {escape(' '.join(filter(None, [item.api, item.path])))}"
    file = "" if home and item.file == home.evidence.file else item.file
    place = f"{file}:{item.line}" if file and item.line else file or (f"line {item.line}" if item.line else "")
    path = f" <b>{escape(item.path)}</b>" if item.path else ""
    return " · ".join(
        filter(
            None,
            [
                str(escape(stack)),
                f"{escape(item.resource)}{path}",
                *map(str, map(escape, (item.api, item.type, place))),
            ],
        )
    )


def subject(finding: Finding, clusters: Clusters) -> Markup:
    """Returns one answer of a check: what was judged, what was found, where to look."""
    name = clusters.name(finding.cluster) if clusters.many and finding.cluster else ""
    where = f' <span class="in">{escape(name)}</span>' if name and name not in finding.subject else ""
    return markup(
        f"<li{clusters.mark(finding.cluster)}><b>{escape(finding.subject)}</b>{where} {prose(finding.detail)}"
        f"{_accepted(finding)}{evidence(finding.evidence, brief=finding.status == 'met')}</li>"
    )


def _accepted(finding: Finding) -> str:
    if finding.accepted is None:
        return ""
    until = finding.accepted.until.isoformat()
    word = f"Was accepted until {until}, which has passed" if finding.accepted.expired else f"Accepted until {until}"
    style = "acc late" if finding.accepted.expired else "acc"
    return f'<span class="{style}">{word}: {prose(finding.accepted.reason)}</span>'


def subjects(findings: Iterable[Finding], clusters: Clusters) -> Markup:
    """Returns the answers of a check as list items."""
    return markup("".join(subject(finding, clusters) for finding in findings))
