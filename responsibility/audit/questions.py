"""Asks an account. What it does not answer becomes an unknown value that names the call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from responsibility.reading.resource import Answer, Resource
from responsibility.reading.values import Unknown, Unread

Say = Callable[[str], None]
UNLISTED = "(not listed)"
"""The name of the placeholder for a list that is not known."""


class Gone(Exception):
    """The subject of a question was deleted in the meantime."""


class Questions:
    """An account that may be asked by several threads. Every method raises AccountError for what ends the audit."""

    def __init__(self, account: Account, say: Say, progress: Say | None = None) -> None:
        """Reports denied calls to ``say``, and progress to ``progress``."""
        self.account = account
        self.progress = progress or say
        self.number = ""
        """The account's number, once it is known."""
        self._say = say
        self._said: set[str] = set()
        self._saying = threading.Lock()

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any] | Unknown:
        """Returns the items under ``key`` on every page. Raises Gone."""
        try:
            return self.account.items(service, method, key, **parameters)
        except AccountError as error:
            if error.missing:
                raise Gone from None
            return self._unknown(error, service, method)

    def one(self, service: str, method: str, key: str, **parameters: Any) -> Any:
        """Returns the value under ``key``, Unknown, or None = there is none."""
        try:
            return self.account.one(service, method, key, **parameters)
        except AccountError as error:
            return None if error.missing else self._unknown(error, service, method)

    def _unknown(self, error: AccountError, service: str, method: str) -> Unknown:
        if not error.alone:
            raise error
        with self._saying:
            if error.code + method not in self._said:
                self._said.add(error.code + method)
                self._say(str(error))
        why = "not allowed" if error.denied else f"AWS answered {error.code}"
        return Unknown(f"{self.account.action(service, method)}: {why}")

    def tell(self, words: str) -> None:
        """Reports something to the user."""
        with self._saying:
            self._say(words)

    def resource(
        self,
        kind: str,
        name: str,
        properties: dict[str, Any] | Unknown,
        *,
        call: tuple[str, str],
        member: str = "",
        known: Mapping[str, Any] | None = None,
        apis: Mapping[str, tuple[str, str]] | None = None,
        cluster: str | None = None,
    ) -> Resource:
        """Returns a resource in the shape that facts read.

        Args:
            kind: CloudFormation's type, or one of ours for what has none.
            name: unique among everything that is read.
            properties: as CloudFormation writes them; Unknown = they were not told.
            call: boto3's service and method that told them.
            member: what holds them in EKS's answer.
            known: properties that are known even if the call was not answered.
            apis: service and method behind properties that another call told.
            cluster: name of the cluster it belongs to.
        """
        if isinstance(properties, Unknown):
            properties = Unread(properties, dict(known or {}))
        answer = Answer(
            api=self.account.action(*call),
            member=member,
            account=self.number,
            region=self.account.region,
            apis={key: self.account.action(*other) for key, other in (apis or {}).items()},
        )
        return Resource(self.account.region, name, kind, properties, belongs_to=cluster, answer=answer)
