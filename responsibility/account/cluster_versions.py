"""`refresh versions`: the Kubernetes versions that EKS offers and their support dates, from EKS into eks_facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from eks_facts.files import path
from responsibility.account import committed
from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from responsibility.reading.template import BadSource
from responsibility.reading.versions import order
from safe_io.output import write
from safe_io.yaml_file import load as load_yaml

FILE = path("kubernetes_versions")
SOURCE = "https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html"
_DATES = {
    "released": "releaseDate",
    "standard_until": "endOfStandardSupportDate",
    "extended_until": "endOfExtendedSupportDate",
}

Table = dict[str, dict[str, date]]
"""By version, oldest first: the dates that are known."""


@dataclass
class Refreshed:
    """The table as it is to be, and how it came about."""

    versions: Table
    unlisted: set[str] = field(default_factory=set)
    """Versions that EKS does not list any more. They stay, because a file may still name one, to destroy its cluster."""
    changes: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def refresh(
    *,
    region: str | None = None,
    profile: str | None = None,
    say: Callable[[str], None],
    progress: Callable[[str], None] = lambda _: None,
    file: Path | None = None,
    today: date | None = None,
) -> None:
    """Writes the file of Kubernetes versions anew. Raises BadSource: nothing was written then."""
    file = file or FILE
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    day = today or datetime.now(UTC).date()
    old = _load(file)
    with committed.kept(shown):
        account = Account("refresh versions", region=region, profile=profile, progress=progress)
        # It does not go together with clusterVersions; without it EKS leaves out what it no longer supports.
        answer = account.items("eks", "describe_cluster_versions", "clusterVersions", includeAll=True)
        refreshed = merged(old, answer, f"eks:DescribeClusterVersions in {account.region}")
    content = rendered(refreshed, day, account.region)
    if content != file.read_text(encoding="utf-8"):
        write(file, content)
    say(f"{shown}: {len(refreshed.versions)} versions, checked {day} (EKS in {account.region})")
    for line in refreshed.changes or ["no date changed"]:
        say(f"  {line}")
    if refreshed.new:
        say("A version is new: run `make schema`, then `make test`.")


def merged(old: Table, answer: list[dict[str, Any]], at: str) -> Refreshed:
    """Returns the table with what EKS answered laid over it. Raises AccountError for an answer that cannot be true."""
    listed = {
        str(item.get("clusterVersion")): item
        for item in answer
        # There may be other types of clusters; ours are these.
        if item.get("clusterType", "eks") == "eks" and re.fullmatch(r"\d+\.\d+", str(item.get("clusterVersion")))
    }
    supported = {name for name, item in listed.items() if _status(item) != "UNSUPPORTED"}
    if not supported:
        raise AccountError(f"{at}: names no supported version, which cannot be")
    result = Refreshed(versions={}, unlisted=set(old) - set(listed))
    for name in sorted(set(old) | supported, key=order):
        before = old.get(name, {})
        # A date that EKS leaves out is not unknown for that.
        dates = {**before, **_dates(listed.get(name, {}))}
        if list(dates.values()) != sorted(dates.values()):
            raise AccountError(f"{at}: the dates of Kubernetes {name} are in no order: {_row(dates)}")
        result.versions[name] = dates
        if name not in old:
            result.new.append(name)
            result.changes.append(f"{name}: new, {_row(dates)}")
        result.changes += [
            f"{name} {key}: {before.get(key, 'not known')} → {day}"
            for key, day in dates.items()
            if name in old and before.get(key) != day
        ]
    return result


def _status(item: dict[str, Any]) -> str:
    # `status` is the older field, with two spellings.
    return str(item.get("versionStatus") or item.get("status") or "").upper().replace("-", "_")


def _dates(item: dict[str, Any]) -> dict[str, date]:
    """Returns the days, in the order of the file. They are midnights in UTC, which boto3 shows in the local time zone."""
    moments = {key: item.get(name) for key, name in _DATES.items()}
    return {key: moment.astimezone(UTC).date() for key, moment in moments.items() if isinstance(moment, datetime)}


def rendered(refreshed: Refreshed, today: date, region: str) -> str:
    """Returns the file."""
    lines = [
        "# Kubernetes versions that Amazon EKS offers, and until when it supports them.\n",
        committed.written_by(["refresh", "versions"], today, region, "the dates are its own."),
        f"source: {SOURCE}\nchecked: {today}\nversions:\n",
    ]
    for name, dates in refreshed.versions.items():
        if name in refreshed.unlisted:
            lines.append("  # EKS did not list it on that day; the dates are those known before.\n")
        lines.append(f'  "{name}": {_row(dates)}\n')
    return "".join(lines)


def _row(dates: dict[str, date]) -> str:
    return "{" + ", ".join(f"{key}: {dates[key]}" for key in _DATES if key in dates) + "}"


def _load(file: Path) -> Table:
    data = load_yaml(file)
    try:
        return {
            str(name): {key: dates[key] for key in _DATES if key in dates} for name, dates in data["versions"].items()
        }
    except (KeyError, TypeError, AttributeError):
        raise BadSource(f"{file}: is not the file of Kubernetes versions") from None
