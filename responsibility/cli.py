"""The command line: `python -m responsibility matrix | explain | checks | review | audit | upgrade | lock-addons | refresh`.

Exit code 0: nothing is open at or above `--fail-on`; 1: something is; 2: bad input, with one message and no traceback.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from responsibility.facts.template import BadSource

if TYPE_CHECKING:
    from responsibility.document import Review

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Who is responsible for what in an EKS platform, and whether your share is done.",
)


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


@app.command()
def review(
    assembly: Annotated[
        str,
        typer.Option(
            "--assembly",
            "--template",
            "-a",
            help="A cdk.out folder, a template, a folder of them, or - (standard input).",
        ),
    ] = "cdk.out",
    baseline: Annotated[str | None, typer.Option(help="Another assembly or template: say what changed since.")] = None,
    format_: AsFormat = None,
    output: Output = None,
    fail_on: FailOnDuty = FailOn.HIGH,
    as_of: AsOf = None,
    accepted: AcceptedFile = None,
    prices: Prices = None,
    quiet: Quiet = False,
) -> None:
    """Read CloudFormation and say whose share is what, and what of yours is open."""
    from responsibility import reviewing  # here, so that --help is quick

    document = reviewing.review(
        reviewing.Request(
            assembly=assembly,
            baseline=baseline,
            as_of=_day(as_of),
            accepted=accepted,
            prices=prices,
        ),
        warn=lambda words: None if quiet else _complain(words),
    )
    _report(document, format_, output or [], fail_on, quiet=quiet)


@app.command()
def audit(
    cluster: Annotated[
        list[str] | None, typer.Option(help="A cluster's name; may be repeated. All if not given.")
    ] = None,
    assembly: Annotated[
        str | None,
        typer.Option(
            "--assembly", "--template", "-a", help="What `review` takes: say where what runs differs from it."
        ),
    ] = None,
    region: Region = None,
    profile: Profile = None,
    format_: AsFormat = None,
    output: Output = None,
    fail_on: FailOnDuty = FailOn.HIGH,
    as_of: AsOf = None,
    accepted: AcceptedFile = None,
    prices: Prices = None,
    quiet: Quiet = False,
) -> None:
    """Read the clusters of an AWS account, and say whose share is what, and what of yours is open or overdue."""
    from responsibility.audit import auditing

    request = auditing.Request(
        as_of=_day(as_of),
        clusters=tuple(cluster or []),
        region=region,
        profile=profile,
        assembly=assembly,
        accepted=accepted,
        prices=prices,
    )
    document = auditing.audit(request, say=lambda words: None if quiet else _complain(words))
    _report(document, format_, output or [], fail_on, quiet=quiet)


def _report(document: Review, format_: Format | None, files: list[Path], fail_on: FailOn, *, quiet: bool) -> None:
    """Writes the document. Raises typer.Exit if a duty of a severity, or worse, is open."""
    from responsibility import reviewing

    _write(document, format_, files, quiet=quiet)
    if fail_on is not FailOn.NEVER and reviewing.worst(document, fail_on.value):
        raise typer.Exit(1)


def _write(document: Review, format_: Format | None, files: list[Path], *, quiet: bool) -> None:
    """Writes the files; prints the review too, unless files of one format were asked for."""
    from responsibility.render import render

    _save({file: render(document, _format_of(file, format_)) for file in files})
    if quiet:
        return
    if format_ in (None, Format.TEXT) and not (files and format_):
        from rich.console import Console

        from responsibility.render.text import text

        text(document, Console())
    elif format_ and not files:
        # As bytes: programs read UTF-8, whatever this terminal takes.
        typer.echo(render(document, format_.value).encode(), nl=False)
    for file in files:
        typer.echo(f"Written: {file}", err=True)


def _format_of(file: Path, format_: Format | None) -> str:
    from responsibility.render import FORMATS

    if format_:
        return format_.value
    found = next((name for name, entry in FORMATS.items() if file.name.lower().endswith(entry.suffixes)), None)
    if found is None:
        suffixes = " ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
        raise BadSource(f"--output {file}: its suffix names no format; use one of {suffixes}, or say --format")
    return found


def _save(contents: dict[Path, str]) -> None:
    """Writes every file, or none: each is written beside its place, and moved there when all of them are."""
    moves: dict[Path, Path] = {}
    file = Path()
    try:
        for file, content in contents.items():
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if file.exists() and not file.is_file():
                # A pipe or a device, such as /dev/stdout: it is written to, never replaced.
                file.write_text(content, encoding="utf-8")
                continue
            goal = Path(os.path.realpath(file))  # what a link points to, so that it stays a link
            part = goal.with_name(f".{goal.name}.part")
            moves[part] = goal
            part.write_text(content, encoding="utf-8")
        for part, file in moves.items():
            part.replace(file)
    except OSError as error:
        raise BadSource(f"--output {file}: cannot be written: {error.strerror}") from None
    finally:
        for part in moves:
            part.unlink(missing_ok=True)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSource(f"--as-of {text}: is no day; write it as 2027-05-01") from None


@app.command()
def upgrade(
    to: Annotated[str, typer.Option(help="The Kubernetes version to go to: the next minor one, as 1.37.")],
    assembly: Annotated[
        str | None,
        typer.Option(
            "--assembly",
            "--template",
            "-a",
            help="What `review` takes: as it is before the change. cdk.out if no account is asked.",
        ),
    ] = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(help="This cluster; may be repeated. Without --assembly: one of the account."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the account; with --assembly, what its templates leave open.")
    ] = False,
    region: Region = None,
    profile: Profile = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="The version that runs, where the templates do not say.")
    ] = None,
    format_: AsFormat = None,
    output: Output = None,
    as_of: AsOf = None,
    quiet: Quiet = False,
) -> None:
    """Write the playbook of an upgrade: what stands in its way, then the steps. Exit code 1: there are blockers."""
    from responsibility.upgrade import playbook, render

    asked = live or bool(region or profile) or (bool(cluster) and assembly is None)
    request = playbook.Request(
        to,
        assembly if assembly is not None else "" if asked else "cdk.out",
        _day(as_of),
        tuple(cluster or []),
        from_,
        live=asked,
        region=region,
        profile=profile,
    )
    document = playbook.playbook(request, say=lambda words: None if quiet else _complain(words))
    _tell(lambda name: render.render(document, name), format_, output or [])
    if document.blocked:
        raise typer.Exit(1)


@app.command()
def matrix(
    compute: Annotated[list[str] | None, typer.Option(help="A kind of compute; may be repeated.")] = None,
    component: Annotated[list[str] | None, typer.Option(help="A component; may be repeated.")] = None,
    format_: AsFormat = None,
    output: Output = None,
) -> None:
    """Print who is responsible for each component on each kind of compute."""
    from responsibility import telling

    _tell(lambda name: telling.matrix(compute or [], component or [], name), format_, output or [])


@app.command()
def explain(
    component: Annotated[str, typer.Argument(help="A component's id, as `matrix` shows it.")],
    format_: AsFormat = None,
    output: Output = None,
) -> None:
    """Tell the whole story of one component: each side's part, sources, the checks and labs that belong to it."""
    from responsibility import telling

    _tell(lambda name: telling.explain(component, name), format_, output or [])


@app.command()
def checks(format_: AsFormat = None, output: Output = None) -> None:
    """List the checks of a review."""
    from responsibility import telling

    _tell(telling.checks, format_, output or [])


def _tell(make: Callable[[str], str], format_: Format | None, files: list[Path]) -> None:
    _save({file: make(_format_of(file, format_)) for file in files})
    if not files:
        typer.echo(make((format_ or Format.TEXT).value).rstrip("\n"))


@app.command(name="lock-addons")
def lock_addons(
    env: Annotated[str | None, typer.Option(help="The environment whose lock file to write: demo, or a path.")] = None,
    assembly: Annotated[
        str, typer.Option("--assembly", "-a", help="What was synthesised from it: it says which add-ons are planned.")
    ] = "cdk.out",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write FILE; ENV.lock.yaml beside the environment if not given."),
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The newest versions, not the defaults of EKS.")] = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Ask EKS for the add-on versions that fit an environment, and write its lock file."""
    from responsibility.account.lock import Request, lock

    request = Request(env=env, assembly=assembly, output=output, latest=latest, region=region, profile=profile)
    lock(request, say=typer.echo, warn=lambda words: typer.echo(words, err=True))


refresh = typer.Typer(no_args_is_help=True, help="Ask AWS for facts that stand here as data, and write them anew.")
app.add_typer(refresh, name="refresh")


@refresh.callback()
def _refresh() -> None:
    """With one command alone typer would leave its name out."""


@refresh.command()
def versions(region: Region = None, profile: Profile = None) -> None:
    """The Kubernetes versions that EKS offers, and until when it supports them."""
    from responsibility.account.cluster_versions import refresh as refresh_versions

    refresh_versions(region=region, profile=profile, say=typer.echo)


@refresh.command()
def prices(
    region: Annotated[str, typer.Option(help="The AWS region whose prices to ask for.")],
    profile: Profile = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write FILE; prices.REGION.yaml if not given.")
    ] = None,
) -> None:
    """What AWS charges in a region: a table for `review --prices`."""
    from responsibility.account.prices import refresh as refresh_prices

    refresh_prices(region=region, profile=profile, output=output, say=typer.echo)


def main() -> None:
    """Runs the command line; turns bad input into one message and exit code 2."""
    # A second's work that drops little: collecting costs more than the memory.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A template may hold letters that this terminal has not.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="python -m responsibility")
    except BadSource as error:
        _complain(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe went away, as `| head` does: no message, and none at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except RecursionError:
        _complain("what was read is nested too deep, perhaps in a text that holds JSON or YAML")
        sys.exit(2)
    except OSError as error:
        # A name that no file can have, a folder that must not be read.
        _complain(str(error))
        sys.exit(2)


def _complain(words: str) -> None:
    """Says it in one line: names of files and what stands in them may hold anything."""
    from responsibility.render import clean

    typer.echo(clean(words, 1000), err=True)
