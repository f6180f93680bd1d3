"""A value that a template does not have."""

from __future__ import annotations

from typing import Protocol


class Place(Protocol):
    """Where a value would be: an ``Evidence``."""

    @property
    def resource(self) -> str:
        """The logical id."""

    @property
    def path(self) -> str:
        """That of the property."""


class UnknownValue(Exception):
    """A value that the template does not have. A check that needs it answers ``unknown``."""

    def __init__(self, where: Place | None, reason: str, *, given: bool = False) -> None:
        """Says where and why; ``given``: there is a value at the deploy, whatever it is. None: the subject says where."""
        super().__init__(f"{where.path or where.resource}: {reason}" if where else reason)
        self.where = where
        self.path = where.path if where else ""
        self.reason = reason
        self.given = given
