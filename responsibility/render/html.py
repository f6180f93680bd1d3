"""The review as one HTML page that needs nothing else: styles, script and pictures stand in it, and it may load nothing."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from responsibility.document import SEVERITIES, Review
from responsibility.model import KIND_NAMES, OWNER_NAMES, OWNERS
from responsibility.render import clean, counted, holder, kinds_moved, losses, money, named, origin
from responsibility.render import drawing as pictures
from responsibility.render.html_counts import compared, cost_groups, differences, headline, resources
from responsibility.render.html_matrix import matrix
from responsibility.render.html_parts import Clusters, evidence, price, prose, source_link
from responsibility.render.html_share import open_by_cluster, share
from responsibility.render.html_svg import markup
from responsibility.render.html_timeline import timeline

_HERE = Path(__file__).parent
_ORDER = {
    "level": ("open", "unknown", "limited", "closed"),
    "breadth": ("admin", "broad", "unknown", "narrow"),
    "change": ("replaced", "removed", "modified", "added"),
}
"""What deserves a look first."""


def html(review: Review) -> str:
    """Returns the page."""
    clusters = Clusters(review)
    open_in = open_by_cluster(review)
    style, script = _file("page.css"), _file("page.js")
    return (
        _environment()
        .get_template("page.j2")
        .render(
            review=review,
            clusters=clusters,
            style=markup(style),
            script=markup(script),
            policy=_policy(style, script),
            drawings=[
                pictures.draw(cluster, review.components, f"words-{number}")
                for number, cluster in enumerate(review.clusters, 1)
            ],
            open_in=open_in,
            worst_clusters=sorted(
                enumerate(review.clusters, 1),
                key=lambda item: [-open_in[item[1].id][severity] for severity in SEVERITIES],
            ),
            share=share(review, clusters),
            matrix=matrix(review, clusters),
            timeline=timeline(review),
            differences=differences(review),
            headline=headline(review),
            compared=compared(review),
            resources=resources(review),
            kinds_moved=kinds_moved(review.baseline) if review.baseline else [],
            cost_groups=cost_groups(review.cost, clusters),
            component_names={component.id: component.name for component in review.components},
            losses=losses(review.baseline) if review.baseline else [],
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
    environment.filters |= {
        "evidence": evidence,
        "counted": counted,
        "money": money,
        "price": price,
        "prose": prose,
        "source": source_link,
        "worst_first": _worst_first,
    }
    environment.globals |= {
        "KIND_NAMES": KIND_NAMES,
        "OWNER_NAMES": OWNER_NAMES,
        "OWNERS": OWNERS,
        "SEVERITIES": SEVERITIES,
        "PATTERNS": pictures.PATTERNS,
        "named": named,
        "holder": holder,
        "origin": origin,
    }
    return environment


def _shown(value: Any) -> Any:
    """Takes from a document's texts what hides or reorders them; autoescape then makes them HTML."""
    return clean(value, 2000) if isinstance(value, str) and not isinstance(value, Markup) else value


def _worst_first(items: list[Any], attribute: str) -> list[Any]:
    order = _ORDER[attribute]
    return sorted(items, key=lambda item: order.index(getattr(item, attribute)))


@cache
def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _policy(*texts: str) -> str:
    """Returns the page's content security policy: this style and this script, and nothing else from anywhere."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
