"""The price table of the cost floor: `data/prices.yaml`, and an optional file that overrides entries.

The override has the same shape. Everything in it is optional; an entry with the `id` of the shipped table needs
only what differs:

region: eu-central-1
checked: 2026-11-20
prices:
  - {id: nat-gateway, amount: 0.052}
  - {id: "ec2:c8gn.large", unit: hour, amount: 0.14}
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eks_facts.files import path
from responsibility.reading.template import BadSource
from safe_io.yaml_file import YamlFile
from safe_io.yaml_scalars import Rules

Unit = Literal["hour", "month", "gb-month", "fraction"]
_SHIPPED = path("prices")
_RULES = Rules(dates=True)
_ENTRY = f"an entry has `id`, `amount` (a number), `unit` ({', '.join(get_args(Unit))}), `what`, `source`, `verified`, `note`"


class Price(BaseModel):
    """What one thing costs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    what: str
    unit: Unit
    amount: float
    source: str
    verified: bool
    note: str = ""
    region: str


class _Row(BaseModel):
    """An entry as a file writes it; None = the entry of the shipped table says it."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.:-]*$", max_length=100)
    what: str | None = None
    unit: Unit | None = None
    amount: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    source: str | None = None
    verified: bool | None = None
    note: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    currency: str | None = None
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    hours_per_month: float | None = Field(default=None, gt=0, le=744)
    checked: date | None = None
    prices: list[_Row] = []


@dataclass(frozen=True)
class Prices:
    """A price table."""

    currency: str
    region: str
    hours_per_month: float
    checked: date
    """The day of the older of the two tables, where there are two."""
    by_id: dict[str, Price]


def load_prices(path: Path | None = None) -> Prices:
    """Returns the shipped table, with the entries of the file at ``path`` over it.

    Raises BadSource for a file that cannot be read or has a mistake: file, entry, what is allowed.
    """
    return _shipped() if path is None else _over(_shipped(), _read(path), path)


@cache
def _shipped() -> Prices:
    data = _read(_SHIPPED)
    if not (data.currency and data.region and data.hours_per_month and data.checked):
        raise BadSource(f"{_SHIPPED}: needs `currency`, `region`, `hours_per_month` and `checked`")
    return _over(Prices(data.currency, data.region, data.hours_per_month, data.checked, {}), data, _SHIPPED)


def _read(path: Path) -> _File:
    file = YamlFile(path, _RULES)
    data = {} if file.data is None else file.data
    try:
        return _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        file.fail(first["loc"], f"{_named(first['loc'], data)}{first['msg']}; {_allowed(first['loc'])}")


def _named(steps: tuple[int | str, ...], data: Any) -> str:
    """Returns which entry a mistake is in, where it says so."""
    row = data["prices"][steps[1]] if len(steps) > 1 and isinstance(steps[1], int) else None
    return f"({row['id']}) " if isinstance(row, dict) and isinstance(row.get("id"), str) else ""


def _allowed(steps: tuple[int | str, ...]) -> str:
    if steps[:1] == ("prices",):
        return _ENTRY
    return "allowed are `currency`, `region` (eu-central-1), `hours_per_month`, `checked` (2026-11-20) and `prices`"


def _over(table: Prices, data: _File, path: Path) -> Prices:
    if data.currency and data.currency != table.currency:
        raise BadSource(
            f"{path}: currency: is {data.currency}, but the table beneath is in {table.currency}; sums need one currency"
        )
    region = data.region or table.region
    found = dict(table.by_id)
    seen: set[str] = set()
    for index, row in enumerate(data.prices):
        where = f"{path}: prices.{index} ({row.id})"
        if row.id in seen:
            raise BadSource(f"{where}: is there twice")
        seen.add(row.id)
        found[row.id] = _merged(row, found.get(row.id), region, str(path), where)
    return Prices(
        currency=table.currency,
        region=region,
        hours_per_month=data.hours_per_month or table.hours_per_month,
        checked=min(data.checked or table.checked, table.checked),
        by_id=found,
    )


def _merged(row: _Row, old: Price | None, region: str, file: str, where: str) -> Price:
    given = row.model_dump(exclude_none=True)
    if old is None:
        if row.amount is None or row.unit is None:
            raise BadSource(f"{where}: is not in the shipped table, so it needs `amount` and `unit`; {_ENTRY}")
        # Whoever writes an amount down in a file of their own is its source.
        return Price(**{"what": row.id, "source": file, "verified": True, "region": region, **given})
    if row.unit and row.unit != old.unit:
        raise BadSource(f"{where}: unit: {row.unit}, but it is charged by {old.unit}")
    if row.amount is not None:
        given = {"source": file, "verified": True, "note": "", "region": region, **given}
    return old.model_copy(update=given)


__all__ = ["Price", "Prices", "Unit", "load_prices"]
