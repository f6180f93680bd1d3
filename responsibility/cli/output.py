"""Writes what a command made: to a terminal, or to files (all of them or none)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import typer.core

from responsibility import bounds
from responsibility.cli.options import FailOn, Format
from responsibility.reading.template import BadSource
from safe_io import errors
from safe_io.output import write_all
from safe_io.ownership import OutputProblem
from safe_io.terminal import one_line

if TYPE_CHECKING:
    from responsibility.document import Review


_INSTALLED = "eks-responsibility"
"""The command that `pip install ./responsibility` makes."""
PROGRAM = _INSTALLED if Path(sys.argv[0]).name == _INSTALLED else "python -m responsibility"


def report(document: Review, format_: Format | None, files: list[Path], fail_on: FailOn, *, quiet: bool) -> None:
    """Writes the document. Raises typer.Exit if a duty of a severity, or worse, is open; BadSource if it is too large."""
    from responsibility.review import command

    bounds.FINDINGS.check(len(document.findings), "the report")
    _write(document, format_, files, quiet=quiet)
    end_with_defects(document.defects)
    if fail_on is not FailOn.NEVER and command.worst(document, fail_on.value):
        raise typer.Exit(errors.FINDINGS)


def end_with_defects(defects: list[tuple[str, str]]) -> None:
    """Names the checks that crashed. Raises typer.Exit if there are any."""
    if defects:
        which = "; ".join(f"check {code}: {what}" for code, what in defects)
        complain(f"{PROGRAM}: {which}: {errors.OURS}. The other answers are written")
        raise typer.Exit(errors.DEFECT)


def _write(document: Review, format_: Format | None, files: list[Path], *, quiet: bool) -> None:
    """Writes the files; prints the review too, unless files of one format were asked for."""
    from responsibility.render.formats import render

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
    from responsibility.render.formats import FORMATS

    if format_:
        return format_.value
    found = next((name for name, entry in FORMATS.items() if file.name.lower().endswith(entry.suffixes)), None)
    if found is None:
        suffixes = " ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
        raise BadSource(f"--output {file}: its suffix is not a known format; use one of {suffixes}, or --format")
    return found


def _save(contents: dict[Path, str]) -> None:
    for file, content in contents.items():
        bounds.OUTPUT.check(len(content), f"--output {file}")
    try:
        write_all(contents)
    except OutputProblem as problem:
        raise OutputProblem(f"--output {problem}") from None


def tell(make: Callable[[str], str], format_: Format | None, files: list[Path]) -> None:
    """Writes what ``make`` gives for a format; prints it if no file is named. Raises BadSource."""
    _save({file: make(_format_of(file, format_)) for file in files})
    if not files:
        typer.echo(make((format_ or Format.TEXT).value).rstrip("\n"))


def save_or_print(content: str, file: Path | None) -> None:
    """Writes a file, or prints where none is named. Raises BadSource."""
    if file is None:
        # As bytes: programs read UTF-8, whatever this terminal takes.
        typer.echo(content.encode(), nl=False)
        return
    _save({file: content})
    typer.echo(f"Written: {file}", err=True)


def tell_line(words: str) -> None:
    """Prints one line; its text may come from anybody."""
    typer.echo(one_line(words))


def complain(words: str) -> None:
    """Prints one line on standard error; names and contents of files may contain anything."""
    typer.echo(one_line(words), err=True)


def progress(words: str) -> None:
    """Prints progress, but only on a terminal."""
    if sys.stderr and sys.stderr.isatty():
        complain(words)


def voices(*, quiet: bool) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Returns the functions that print messages and progress."""
    return (_nothing, _nothing) if quiet else (complain, progress)


def _nothing(_words: str) -> None:
    pass
