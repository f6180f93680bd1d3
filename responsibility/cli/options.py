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
    """The lowest severity whose open duties make the command fail."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output", "-o", help="Write FILE; its suffix sets the format (.txt .md .html .json .sarif). May be repeated."
    ),
]
AsFormat = Annotated[Format | None, typer.Option("--format", "-f", help="The format; the default is text.")]
FailOnDuty = Annotated[
    FailOn, typer.Option("--fail-on", help="Exit with 1 if a duty of this severity, or worse, is open.")
]
AsOf = Annotated[
    str | None, typer.Option(help="The day to compare support dates with, like 2027-05-01; the default is today.")
]
AcceptedFile = Annotated[
    Path | None,
    typer.Option("--accepted", help="Accepted findings; the default is .responsibility.yaml, if it exists."),
]
Parameter = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        help="NAME=VALUE or STACK:NAME=VALUE, as it is deployed; may be repeated. Otherwise defaults count.",
    ),
]
ParametersFile = Annotated[
    Path | None,
    typer.Option("--parameters", help="A file of parameters, as `aws cloudformation` or CodePipeline take it."),
]
Prices = Annotated[Path | None, typer.Option(help="Your own prices, which override the shipped ones.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Region = Annotated[
    str | None, typer.Option(help="AWS region; the default is that of the assembly or of your credentials.")
]
Profile = Annotated[str | None, typer.Option(help="AWS profile; the default is AWS_PROFILE.")]


def day(text: str | None) -> date:
    """Returns the day of ``--as-of``, or today. Raises BadSource."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSource(f"--as-of {text}: is not a date; write it like 2027-05-01") from None
