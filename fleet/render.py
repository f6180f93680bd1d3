"""The table of a fleet as text, JSON and an HTML page. Renderers add no facts."""

import json
from io import StringIO
from pathlib import Path

from fleet.table import ClusterRow, FleetTable
from responsibility.findings import SEVERITIES
from responsibility.render.words import clean, counted, few, money

_ADDONS = 3
"""Names in a row of the text; the page has all."""
FORMATS = ("text", "json", "html")


def render(table: FleetTable, format: str) -> str:  # noqa: A002 - what the command line calls it
    """Returns the table in one of ``FORMATS``."""
    return {"text": text, "json": as_json, "html": html}[format](table)


def as_json(table: FleetTable) -> str:
    """Returns the table as JSON, by docs/fleet.schema.json."""
    return table.model_dump_json(indent=2) + "\n"


def schema() -> str:
    """Returns the schema of the JSON."""
    body = FleetTable.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **body}, indent=1) + "\n"


def cells(row: ClusterRow, currency: str) -> dict[str, str]:
    """Returns the words of a row."""
    until = row.support.standard_until if row.support.state == "standard" else row.support.extended_until
    support = f"{row.support.state} support" + (f" until {until}" if until else ", no dates known")
    unpinned = sum(one.version is None for one in row.addons)
    opened = [f"{row.review.open[name]} {name}" for name in SEVERITIES if row.review.open[name]] if row.review else []
    return {
        "wave": row.wave or "",
        "environment": row.environment,
        "cluster": row.cluster if row.made_here else f"{row.cluster} (joined)",
        "account": row.account or "of the credentials",
        "region": row.region or "of the credentials",
        "version": row.version,
        "support": support,
        "compute": ", ".join(row.compute),
        "addons": (few([one.name for one in row.addons], _ADDONS) or "none")
        + (f"; {counted(unpinned, 'version')} not pinned" if unpinned else ""),
        "over_base": "extends nothing" if row.over_base is None else counted(len(row.over_base), "value"),
        "duties": (", ".join(opened) or "none open") + (f"; {row.review.unknown} unknown" if row.review.unknown else "")
        if row.review
        else row.not_reviewed,
        "cost": f"{money(row.cost_floor, currency)} ({row.cost_of})",
    }


TITLES = {
    "wave": "Wave",
    "environment": "Environment",
    "cluster": "Cluster",
    "account": "Account",
    "region": "Region",
    "version": "Kubernetes",
    "support": "EKS support",
    "compute": "Compute",
    "addons": "Add-ons",
    "over_base": "Over its base",
    "duties": "Open duties",
    "cost": "Cost floor a month",
}
_NARROW = ("wave", "environment", "cluster", "account", "region", "version", "support", "duties")
"""Columns of the text: a terminal has no room for more; the page and the JSON have all."""


def summary(table: FleetTable) -> str:
    """Returns the table in a sentence."""
    clusters = table.clusters
    accounts, regions = {row.account for row in clusters}, {row.region for row in clusters}
    open_ = sum(sum(row.review.open.values()) for row in clusters if row.review)
    unseen = sum(row.review is None for row in clusters)
    parts = [
        f"{counted(len(clusters), 'cluster')} in {counted(len(accounts), 'account')} and {counted(len(regions), 'region')}",
        *([f"{counted(len(table.waves), 'wave')}"] if table.waves else []),
        *([f"{open_:,} open {'duty' if open_ == 1 else 'duties'}"] if unseen < len(clusters) else []),
        *([f"{unseen:,} not synthesised, so their duties are not known"] if unseen else []),
        f"at least {money(sum(row.cost_floor for row in clusters), table.currency)} a month ({table.price_region} prices)",
    ]
    return f"{table.name}, as of {table.as_of}: {', '.join(parts)}."


def text(table: FleetTable) -> str:
    """Returns the table for a terminal."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    columns = [key for key in _NARROW if key != "wave" or table.waves]
    made = Table(*(TITLES[key] for key in columns), box=SIMPLE, pad_edge=False)
    for row in table.clusters:
        words = cells(row, table.currency)
        made.add_row(*(clean(words[key], 200) for key in columns))
    file = StringIO()
    Console(file=file, width=150, color_system=None, markup=False, highlight=False).print(
        made, clean(summary(table), 500)
    )
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n") + "\n"


def html(table: FleetTable) -> str:
    """Returns the table as a page that loads nothing from anywhere."""
    from responsibility.render.html.jinja import page

    rows = [(row, cells(row, table.currency)) for row in table.clusters]
    return page("page", folder=Path(__file__).parent, table=table, rows=rows, titles=TITLES, summary=summary(table))
