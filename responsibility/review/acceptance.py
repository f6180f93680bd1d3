"""Accepted findings: `.responsibility.yaml`, a file that is reviewed like code.

accepted:
  - code: EKR071
    resource: demo-network/*        # STACK/LOGICAL-ID, with * and ?
    reason: one NAT gateway is enough for a demo
    until: 2027-05-01
"""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from responsibility.bounds import ACCEPTANCES
from responsibility.findings import Acceptance, Finding
from safe_io.terminal import one_line
from safe_io.yaml_file import YamlFile
from safe_io.yaml_scalars import Rules

FILE = ".responsibility.yaml"
_RULES = Rules(dates=True)
_SHORTEST = 10


def _seen(text: str) -> str:
    """Returns a text of characters that a reader sees. Raises ValueError: others make it read as what it is not."""
    for one in text:
        if not one.isprintable() and not one.isspace():
            raise ValueError(f"holds a character that nobody sees (U+{ord(one):04X})")
    if not any(unicodedata.category(one)[0] in "LNPS" for one in one_line(text)):
        raise ValueError("is blank")
    return text


def _reason(text: str) -> str:
    shown = one_line(_seen(text))
    if len(shown) < _SHORTEST or not any(one.isalpha() for one in shown):
        raise ValueError(f"says nothing; write {_SHORTEST} characters or more that a reviewer can read")
    return text


def _day(value: Any) -> Any:
    if not isinstance(value, str | date):
        raise ValueError("is not a date")
    return value


class Accepted(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str = Field(pattern=r"^EKR\d{3}$")
    resource: Annotated[str, AfterValidator(_seen)] = "*"
    reason: Annotated[str, AfterValidator(_reason)]
    until: Annotated[date, BeforeValidator(_day)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    accepted: list[Accepted]


def read(path: Path, codes: Iterable[str]) -> list[Accepted]:
    """Returns the entries of the file.

    Raises BadSource for one that cannot be read or has a mistake: file, place, what is allowed.
    """
    file = YamlFile(path, _RULES)
    try:
        found = _File.model_validate(file.data).accepted
    except ValidationError as error:
        first = error.errors()[0]
        file.fail(
            first["loc"],
            f"{first['msg'].removeprefix('Value error, ')}; an entry has `code` (EKR001), `resource` (STACK/LOGICAL-ID, * allowed), "
            "`reason` (10 characters or more) and `until` (2027-05-01)",
        )
    ACCEPTANCES.check(len(found), str(path))
    known = set(codes)
    for index, entry in enumerate(found):
        if entry.code not in known:
            file.fail(
                ("accepted", index, "code"),
                f"{entry.code} is not a check; `python -m responsibility checks` lists them",
            )
    return found


def accept(findings: list[Finding], entries: list[Accepted], as_of: date) -> tuple[list[Finding], list[Accepted]]:
    """Returns the findings, the open ones with their acceptance where there is one; and the entries that nothing matched."""
    by_code: dict[str, list[Accepted]] = {}
    for entry in entries:
        by_code.setdefault(entry.code, []).append(entry)
    used: set[Accepted] = set()

    def one(finding: Finding) -> Finding:
        if finding.status != "open":
            return finding
        names = [f"{evidence.stack}/{evidence.resource}" for evidence in finding.evidence]
        for entry in by_code.get(finding.code, []):
            if all(fnmatch.fnmatchcase(name, entry.resource) for name in names):
                used.add(entry)
                accepted = Acceptance(reason=entry.reason, until=entry.until, expired=entry.until < as_of)
                return finding.model_copy(update={"accepted": accepted})
        return finding

    return [one(finding) for finding in findings], [entry for entry in entries if entry not in used]
