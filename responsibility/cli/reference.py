"""The commands that print what this program knows: matrix, explain, checks."""

from typing import Annotated

import typer

from responsibility.cli.options import AsFormat, Output
from responsibility.cli.output import tell


def matrix(
    compute: Annotated[list[str] | None, typer.Option(help="A kind of compute; may be repeated.")] = None,
    component: Annotated[list[str] | None, typer.Option(help="A component; may be repeated.")] = None,
    format_: AsFormat = None,
    output: Output = None,
) -> None:
    """Print who is responsible for each component on each kind of compute."""
    from responsibility import reference

    tell(lambda name: reference.matrix(compute or [], component or [], name), format_, output or [])


def explain(
    component: Annotated[str, typer.Argument(help="A component's id, as `matrix` shows it.")],
    format_: AsFormat = None,
    output: Output = None,
) -> None:
    """Explain one component: what each side does, the sources, its checks and labs."""
    from responsibility import reference

    tell(lambda name: reference.explain(component, name), format_, output or [])


def checks(format_: AsFormat = None, output: Output = None) -> None:
    """List the checks of a review."""
    from responsibility import reference

    tell(reference.checks, format_, output or [])
