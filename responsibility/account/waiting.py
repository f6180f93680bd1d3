"""Time limits for answers: a call, and a list with all its pages, ends whether or not an answer comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from responsibility.account.errors import AccountError

CONNECT = 5.0
"""Seconds to a connection."""
SILENCE = 20.0
"""Seconds in which some byte of an answer must come."""
CALL = 90.0
"""Seconds of one call, or one page, with its retries: botocore has no such limit, so a byte at a time would go on forever."""
LISTING = 300.0
"""Seconds of all pages of a list."""
_PATIENCE = 5.0
"""Seconds after which, and then between which, a message says that a call takes long."""
_TICK = 0.2
_ADVICE = "Check the network, a proxy, AWS_ENDPOINT_URL; run it again later"


class Wait:
    """Waits for work that runs in a thread of its own."""

    def __init__(self, at: str, progress: Callable[[str], None]) -> None:
        """Begins to count.

        Args:
            at: the call and the region, for messages.
            progress: gets a message if it takes long.
        """
        self._at = at
        self._progress = progress
        self._began = self._page = self._said = time.monotonic()
        self._done = threading.Event()
        self._answer: Any = None
        self._error: BaseException | None = None

    def page(self) -> None:
        """Counts a page that came."""
        self._page = time.monotonic()

    def for_(self, work: Callable[[], Any], stopped: threading.Event) -> Any:
        """Returns what work returns, and raises what it raises. Raises AccountError: it takes too long, or was stopped.

        Nothing stops another thread's read of a socket: one that is too late is left behind, and ends with the program.
        """
        threading.Thread(target=self._run, args=(work,), daemon=True).start()
        while not self._done.wait(_TICK):
            self._check(time.monotonic())
            if stopped.is_set():
                raise AccountError(f"{self._at}: was given up")
        if self._error:
            raise self._error
        return self._answer

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self._answer = work()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def _check(self, now: float) -> None:
        for limit, since in ((CALL, self._page), (LISTING, self._began)):
            if now - since > limit:
                raise AccountError(f"{self._at}: no complete answer in {limit:g} s. {_ADVICE}")
        if now - self._said > _PATIENCE:
            self._said = now
            self._progress(f"{self._at}: no answer for {now - self._began:.0f} s, waiting on")
