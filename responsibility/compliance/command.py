"""What `compliance` does: reads templates, or a findings document, and judges a framework's controls by it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from responsibility import bounds
from responsibility.compliance.assess import Assessment, assess
from responsibility.compliance.frameworks import framework, names
from responsibility.document import Review
from responsibility.reading.template import BadSource
from responsibility.review.command import Request as ReviewRequest
from responsibility.review.command import review


@dataclass(frozen=True)
class Request:
    """Which framework, and what to judge by it."""

    framework: str
    review: ReviewRequest
    findings: Path | None = None
    """What `review` or `audit` wrote as JSON; used instead of reading templates."""


def assessment(request: Request, warn: Callable[[str], None]) -> tuple[Assessment, list[tuple[str, str]]]:
    """Returns the assessment, and the checks that crashed. Raises BadSource."""
    if request.framework not in names():
        near = difflib.get_close_matches(request.framework, names(), 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise BadSource(f"--framework {request.framework}: unknown; {guess}Known: {', '.join(names())}")
    document = _saved(request.findings) if request.findings else review(request.review, warn)
    return assess(document, framework(request.framework)), document.defects


def _saved(file: Path) -> Review:
    try:
        size = file.stat().st_size
        bounds.OUTPUT.check(size, f"--findings {file}")
        return Review.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadSource(f"--findings {file}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise BadSource(
            f"--findings {file}: is not what `review` or `audit` writes with --format json: {where}: {first['msg']}"
        ) from None
