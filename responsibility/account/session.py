"""An AWS account, asked through boto3: the standard credential chain, every page, patient retries, one message if it fails."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from responsibility.account.errors import FAILURES, explain
from responsibility.account.permissions import CALLS, NAMED_OTHERWISE

CONNECTIONS = 16
"""Requests to a service at the same time, at most."""
ATTEMPTS = 6
"""Tries of a call, unless AWS_MAX_ATTEMPTS or the profile says otherwise; AWS's three are few for one throttled moment."""


class Account:
    """An account and a region, for one command."""

    def __init__(self, command: str, *, region: str | None = None, profile: str | None = None) -> None:
        """Asks nothing yet.

        Args:
            command: which of ``permissions.CALLS`` it may make.
            region: default: AWS_REGION, then boto3's own chain.
            profile: default: AWS_PROFILE, then boto3's own chain.

        Raises:
            AccountError: there is no such profile, or no region.
        """
        self._calls = CALLS[command]
        self.region = ""
        self._session: Any = None
        self._making = threading.Lock()  # a session is not for several threads, its clients are
        with self._telling(next(iter(self._calls))):
            # boto3 reads AWS_DEFAULT_REGION alone; the CDK, the AWS CLI and docs/deploy.md say AWS_REGION.
            self._session = boto3.Session(
                profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None
            )
            self.region = str(self._session.region_name or "")
            self._clients: dict[str, Any] = {}

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any]:
        """Returns what stands under ``key`` in every page of an answer. Raises AccountError.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the call: ``describe_addon_versions``.
            key: the list in the answer.
            parameters: of the call.
        """
        client, action = self._ask(service, method)
        with self._telling(action):
            pages = list(client.get_paginator(method).paginate(**parameters))
            for page in pages:
                _check_is_json(page, key)
            return [item for page in pages for item in page.get(key) or []]

    def one(self, service: str, method: str, key: str, **parameters: Any) -> Any:
        """Returns what stands under ``key`` in the answer to a call that has no pages; None = nothing. Raises AccountError."""
        client, action = self._ask(service, method)
        with self._telling(action):
            answer = getattr(client, method)(**parameters)
            _check_is_json(answer, key)
            return answer.get(key)

    def action(self, service: str, method: str) -> str:
        """Returns the IAM action of a call: ``eks:DescribeCluster``. Raises AccountError."""
        return self._ask(service, method)[1]

    def _ask(self, service: str, method: str) -> tuple[Any, str]:
        # The call's own name is not known before there is a client, which already needs a region.
        with self._telling(next((call for call in self._calls if call.startswith(f"{service}:")), service)):
            client = self._client(service)
        action = f"{client.meta.service_model.signing_name}:{client.meta.method_to_api_mapping[method]}"
        action = NAMED_OTHERWISE.get(action, action)
        if action not in self._calls:
            raise LookupError(f"{action} does not stand in responsibility/account/permissions.py")
        return client, action

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._clients:
                retries: dict[str, Any] = {"mode": "adaptive"}
                if self._session._session.get_config_variable("max_attempts") is None:
                    retries["total_max_attempts"] = ATTEMPTS
                config = Config(retries=retries, connect_timeout=5, read_timeout=30, max_pool_connections=CONNECTIONS)
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    @contextmanager
    def _telling(self, action: str) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            raise explain(error, action, self.region, self._secrets()) from None

    def _secrets(self) -> list[str]:
        with suppress(Exception):  # they may be the very thing that failed
            found = self._session.get_credentials().get_frozen_credentials()
            return [found.secret_key or "", found.token or "", found.access_key or ""]
        return []


def _check_is_json(page: dict[str, Any], key: str) -> None:
    """Raises ResponseParserError for a page of HTML, as a proxy or a hotel answers: botocore takes it for an empty answer."""
    kind = str(page.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", ""))
    if key not in page and "json" not in kind and "xml" not in kind:
        raise ResponseParserError(f"an answer of type {kind or 'unknown'}")
