"""An AWS account, asked through boto3: the standard credential chain, every page, patient retries, one message if it fails.

Whatever answers, or does not, a call ends: connecting, a silence, a call with its retries and a list with its pages have a
time limit each.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import NoCredentialsError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from responsibility.account.answers import told
from responsibility.account.errors import FAILURES, explain
from responsibility.account.permissions import CALLS, NAMED_OTHERWISE
from responsibility.account.waiting import CONNECT, SILENCE, Wait
from responsibility.bounds import PAGES
from safe_io.errors import BadInput

CONNECTIONS = 16
"""Requests to a service at the same time, at most."""
ATTEMPTS = 6
"""Tries of a call, unless AWS_MAX_ATTEMPTS or the profile says otherwise; AWS's three are few for one throttled moment."""


class Account:
    """An account and a region, for one command."""

    def __init__(
        self,
        command: str,
        *,
        region: str | None = None,
        profile: str | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Asks nothing yet.

        Args:
            command: which of ``permissions.CALLS`` it may make.
            region: default: AWS_REGION, then boto3's own chain.
            profile: default: AWS_PROFILE, then boto3's own chain.
            progress: gets a message if a call takes long.

        Raises:
            AccountError: there is no such profile, or no region.
        """
        self._calls = CALLS[command]
        self._progress = progress
        self._stopped = threading.Event()
        self.region = ""
        self._session: Any = None
        self._making = threading.Lock()  # a session is not for several threads, its clients are
        with self._explained(next(iter(self._calls))):
            # boto3 reads AWS_DEFAULT_REGION alone; the CDK, the AWS CLI and docs/deploy.md say AWS_REGION.
            self._session = boto3.Session(
                profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None
            )
            self.region = str(self._session.region_name or "")
            self._clients: dict[str, Any] = {}

    def check_credentials(self) -> None:
        """Raises AccountError unless there are credentials; those of a sign-in are asked for, and AWS itself is not."""
        with self._explained(next(iter(self._calls))):
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            found.get_frozen_credentials()

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any]:
        """Returns the items under ``key`` on every page of an answer. Raises AccountError.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the call: ``describe_addon_versions``.
            key: the list in the answer.
            parameters: of the call.
        """
        client, action = self._ask(service, method)
        wait = Wait(self._at(action), self._progress)

        def work() -> list[Any]:
            pages: list[Any] = []
            for page in client.get_paginator(method).paginate(**parameters):
                PAGES.check(len(pages) + 1, self._at(action))
                pages.append(page)
                wait.page()
            return pages

        shape = _shape(client, method)
        pages = [self._told(page, key, shape, action) for page in self._answered(wait, work, action)]
        # In XML a list that is empty is not there; in JSON it is, and what lacks it is no answer.
        xml = client.meta.service_model.protocol in ("query", "ec2", "rest-xml")
        return [item for page in pages for item in (page.get(key, []) if xml else page[key])]

    def one(self, service: str, method: str, key: str, **parameters: Any) -> Any:
        """Returns the value under ``key`` in the answer to a call without pages; None = nothing. Raises AccountError."""
        client, action = self._ask(service, method)
        wait = Wait(self._at(action), self._progress)
        answer = self._answered(wait, lambda: getattr(client, method)(**parameters), action)
        return self._told(answer, key, _shape(client, method), action)[key]

    def stop(self) -> None:
        """Cancels the calls that still run, in any thread: their answers are no longer needed."""
        self._stopped.set()

    def _told(self, page: Any, key: str, shape: Any, action: str) -> Any:
        with self._explained(action):
            _check_is_json(page, key)
        return told({key: page.get(key)}, shape, f"{self._at(action)}:")

    def _answered(self, wait: Wait, work: Callable[[], Any], action: str) -> Any:
        """Returns what botocore gives, in time. Raises AccountError."""

        def call() -> Any:
            with self._explained(action):
                try:
                    return work()
                except (*FAILURES, BadInput):
                    raise
                except Exception as error:
                    # botocore's parsers take the shape of an answer for granted.
                    raise ResponseParserError(type(error).__name__) from error

        return wait.for_(call, self._stopped)

    def _at(self, action: str) -> str:
        return f"{action} in {self.region}"

    def action(self, service: str, method: str) -> str:
        """Returns the IAM action of a call: ``eks:DescribeCluster``. Raises AccountError."""
        return self._ask(service, method)[1]

    def _ask(self, service: str, method: str) -> tuple[Any, str]:
        # The call's own name is not known before there is a client, which already needs a region.
        with self._explained(next((call for call in self._calls if call.startswith(f"{service}:")), service)):
            client = self._client(service)
        action = f"{client.meta.service_model.signing_name}:{client.meta.method_to_api_mapping[method]}"
        action = NAMED_OTHERWISE.get(action, action)
        if action not in self._calls:
            raise LookupError(f"{action} is not listed in responsibility/account/permissions.py")
        return client, action

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._clients:
                retries: dict[str, Any] = {"mode": "adaptive"}
                if self._session._session.get_config_variable("max_attempts") is None:
                    retries["total_max_attempts"] = ATTEMPTS
                config = Config(
                    retries=retries, connect_timeout=CONNECT, read_timeout=SILENCE, max_pool_connections=CONNECTIONS
                )
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            raise explain(error, action, self.region, self._secrets()) from None

    def _secrets(self) -> list[str]:
        with suppress(Exception):  # they may be the very thing that failed
            found = self._session.get_credentials().get_frozen_credentials()
            return [found.secret_key or "", found.token or "", found.access_key or ""]
        return []


def _shape(client: Any, method: str) -> Any:
    """Returns botocore's shape of a call's answer."""
    return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).output_shape


def _check_is_json(page: dict[str, Any], key: str) -> None:
    """Raises ResponseParserError for a page of HTML, as a proxy or a hotel answers: botocore takes it for an empty answer."""
    kind = str(page.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", ""))
    if key not in page and "json" not in kind and "xml" not in kind:
        raise ResponseParserError(f"an answer of type {kind or 'unknown'}")
