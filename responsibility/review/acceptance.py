"""Findings that somebody decided to live with, for a while: `.responsibility.yaml`, a file that is reviewed like code.

accepted:
  - code: EKR071
    resource: demo-network/*        # STACK/LOGICAL-ID, with * and ?
    reason: one NAT gateway is enough for a demo
    until: 2027-05-01
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responsibility.document import Acceptance, Finding
from responsibility.facts.template import BadSource

FILE = ".responsibility.yaml"


class Accepted(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str = Field(pattern=r"^EKR\d{3}$")
    resource: str = Field(default="*", min_length=1)
    reason: str = Field(min_length=10)
    until: date


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    accepted: list[Accepted]


def read(path: Path, codes: Iterable[str]) -> list[Accepted]:
    """Returns the entries of the file.

    Raises BadSource for one that cannot be read or has a mistake: file, place, what is allowed.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        found = _File.model_validate(data).accepted
    except OSError as error:
        raise BadSource(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadSource(
            f"{path}: {where or 'the file'}: {first['msg']}; an entry has `code` (EKR001), `resource` (STACK/LOGICAL-ID, * allowed), "
            "`reason` (10 characters or more) and `until` (2027-05-01)"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: a day that no month has, or a byte that is no text.
        raise BadSource(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    known = set(codes)
    for index, entry in enumerate(found):
        if entry.code not in known:
            raise BadSource(
                f"{path}: accepted.{index}.code: {entry.code} is no check; `python -m responsibility checks` lists them"
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
