"""What Kubernetes versions remove or change, from `eks_facts/data/kubernetes_changes.yaml`."""

from __future__ import annotations

from datetime import date
from functools import cache

from pydantic import BaseModel, ConfigDict

from eks_facts.files import load
from responsibility.model import COMPUTE_KINDS, ComputeKind

Minor = tuple[int, int]


def minor(text: str) -> Minor:
    """Returns a version that can be compared. Raises ValueError."""
    major, _, rest = text.partition(".")
    return int(major), int(rest)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RemovedApi(_Row):
    """An API version that is not served any more."""

    api: str
    kinds: list[str]
    removed: str
    use: str
    note: str = ""
    source: str = ""
    verified: bool = True


class DeprecatedApi(_Row):
    """An API version that is still served, and should not be used."""

    api: str
    kinds: list[str]
    since: str
    use: str
    source: str


class Note(_Row):
    """A change of a version that is not a removed API."""

    id: str
    version: str
    title: str
    what: str
    do: str
    source: str
    kinds: list[ComputeKind] = list(COMPUTE_KINDS)
    detect: str = ""
    blocks: bool = False
    covered_by: str = ""
    """The topic of the gate that asks it already."""
    verified: bool = True


class Changes(_Row):
    """The file."""

    checked: date
    guide: str
    apis: list[RemovedApi]
    deprecated: list[DeprecatedApi]
    notes: list[Note]
    notes_read: list[str]

    def removed(self, api: str, kind: str) -> RemovedApi | None:
        """Returns the row of an object that is, or will be, not served."""
        return next((row for row in self.apis if row.api == api and kind in row.kinds), None)

    def deprecated_since(self, api: str, kind: str) -> DeprecatedApi | None:
        """Returns the row of an object that is deprecated without a day of removal."""
        return next((row for row in self.deprecated if row.api == api and kind in row.kinds), None)


@cache
def changes() -> Changes:
    """Returns what the file says. Raises ValueError for a file of another shape."""
    return Changes.model_validate(load("kubernetes_changes"))
