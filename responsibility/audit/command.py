"""What `audit` does: reads an account, judges, and makes the document that a review makes of templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from responsibility.account.session import Account
from responsibility.audit.read import read
from responsibility.document import Review
from responsibility.reading.reader import read as read_facts
from responsibility.reading.sources import Sources
from responsibility.reading.sources import read as read_sources
from responsibility.review import build
from responsibility.review.command import options_of, warn_of


@dataclass(frozen=True)
class Request:
    """What to audit."""

    as_of: date
    clusters: tuple[str, ...] = ()
    """Names; none = all of the region."""
    region: str | None = None
    profile: str | None = None
    assembly: str | None = None
    """Templates to compare with; None = no comparison."""
    accepted: Path | None = None
    prices: Path | None = None


def audit(request: Request, say: Callable[[str], None], progress: Callable[[str], None] | None = None) -> Review:
    """Returns the findings document. Raises BadSource.

    ``say`` gets denied calls and acceptances that no finding needs; ``progress`` gets the progress.
    """
    options = options_of(request.as_of, request.accepted, request.prices)
    templates = read_facts(read_sources(request.assembly), request.as_of) if request.assembly else None
    account = Account("audit", region=request.region, profile=request.profile, progress=progress or say)
    facts = read(account, request.clusters, say=say, progress=progress, as_of=request.as_of, templates=templates)
    number = next((resource.account for resource in facts.resources if resource.account), "")
    sources = Sources(f"account {number or '(not known)'}, {account.region}")
    document, unused = build.review(sources, facts, options)
    warn_of(unused, options, [account.region], say)
    return document
