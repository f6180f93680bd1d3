"""`refresh`: facts that are committed as data, from AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from responsibility.cli.options import Profile, Region
from responsibility.cli.output import progress, tell_line

refresh = typer.Typer(no_args_is_help=True, help="Refresh facts that are committed as data from AWS.")


@refresh.callback()
def _refresh() -> None:
    """With one command alone typer would leave its name out."""


@refresh.command()
def versions(region: Region = None, profile: Profile = None) -> None:
    """The Kubernetes versions that EKS offers, and until when it supports them."""
    from responsibility.account.cluster_versions import refresh as refresh_versions

    refresh_versions(region=region, profile=profile, say=tell_line, progress=progress)


@refresh.command()
def prices(
    region: Annotated[str, typer.Option(help="The AWS region whose prices to ask for.")],
    profile: Profile = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write FILE; the default is prices.REGION.yaml.")
    ] = None,
) -> None:
    """What AWS charges in a region: a table for `review --prices`."""
    from responsibility.account.price_list import refresh as refresh_prices

    refresh_prices(region=region, profile=profile, output=output, say=tell_line, progress=progress)
