"""Confines the engine's process: it listens on the one address, and starts no program but ours.

ministack has a hundred services; some would open ports of their own on every interface, run scripts or start containers. None
of that is needed here, and all of it passes Python's audit events, of which everything is refused that we did not allow.
https://docs.python.org/3/library/audit_events.html
"""

import contextvars
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from safe_io.loopback import LOOPBACK

_STARTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"}
)
_allowed = contextvars.ContextVar("allowed", default=False)


@contextmanager
def allowed() -> Iterator[None]:
    """Lets the code inside start programs and take a port of loopback."""
    before = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(before)


def confine(port: int) -> None:
    """Refuses from now on, with PermissionError, every program and every port but ``port`` outside of ``allowed()``."""

    def audit(event: str, details: tuple[Any, ...]) -> None:
        if event in _STARTS:
            if not _allowed.get():
                raise PermissionError(
                    f"the local AWS does not start programs ({event} {details[0] if details else ''})"
                )
        elif event == "socket.bind":
            address = details[1]
            if isinstance(address, tuple) and not (address[0] == LOOPBACK and (address[1] == port or _allowed.get())):
                raise PermissionError(f"the local AWS does not listen on {address[0]}:{address[1]}")

    sys.addaudithook(audit)
