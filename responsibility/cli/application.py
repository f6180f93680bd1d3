"""The application that every command of the command line joins."""

from typing import Any

import typer
import typer.core


class PipeClosed(Exception):
    """The reader of our output is gone. Typer would end with 1, which means that something was found."""


class Commands(typer.core.TyperGroup):
    """The commands of this program."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command. Raises PipeClosed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise PipeClosed from None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich would take a third of the time of --help
    help="Who is responsible for what in an EKS platform, and whether your share is done.",
)
