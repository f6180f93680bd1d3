"""Options that several commands share."""

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from responsibility.reading.template import BadSource


class Format(StrEnum):
    """What a review can be written as."""

    TEXT = "text"
    MD = "md"
    HTML = "html"
    JSON = "json"
    SARIF = "sarif"


class FailOn(StrEnum):
    """From which severity on an open duty makes the command fail."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output", "-o", help="Write FILE; its suffix says the format (.txt .md .html .json .sarif). May be repeated."
    ),
]
AsFormat = Annotated[Format | None, typer.Option("--format", "-f", help="The format; text if nothing else says so.")]
FailOnDuty = Annotated[
    FailOn, typer.Option("--fail-on", help="Exit with 1 if a duty of this severity, or worse, is open.")
]
AsOf = Annotated[
    str | None, typer.Option(help="The day to compare support dates with, as 2027-05-01; today if not given.")
]
AcceptedFile = Annotated[
    Path | None, typer.Option("--accepted", help="Accepted findings; .responsibility.yaml if it is there.")
]
Prices = Annotated[Path | None, typer.Option(help="A price table of your own, laid over the shipped one.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Region = Annotated[
    str | None, typer.Option(help="AWS region; that of the assembly or of your credentials if not given.")
]
Profile = Annotated[str | None, typer.Option(help="AWS profile; AWS_PROFILE if not given.")]


def day(text: str | None) -> date:
    """Returns the day that ``--as-of`` names; today if it names none. Raises BadSource."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSource(f"--as-of {text}: is no day; write it as 2027-05-01") from None
