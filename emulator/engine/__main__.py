"""Starts the engine: ministack, extended. The environment says where: emulator/process.py sets it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from emulator import credentials, locks
from emulator.engine import port
from emulator.engine.authentication import Authentication
from emulator.engine.confinement import allowed, confine
from emulator.engine.install import install
from emulator.engine.kubernetes.control_planes import ON
from safe_io.loopback import LOOPBACK


def main() -> None:
    """Serves on loopback until a signal stops it."""
    os.umask(0o077)
    path, number = Path(os.environ["EMULATOR_LOCK"]), int(os.environ["GATEWAY_PORT"])
    lock = _hold(path)
    held = lock, _end_together(lock, path)
    confine(number)
    # ministack reads these when it is imported; its own default listens on every interface.
    os.environ["BIND_HOST"] = LOOPBACK
    os.environ["MINISTACK_HOST"] = LOOPBACK
    # Of the owner, for whom ministack takes this key; the environment that the system shows of a process is that of its start.
    owner, secret = credentials.read(path.parent / credentials.FILE)
    os.environ |= {"AWS_ACCESS_KEY_ID": owner, "AWS_SECRET_ACCESS_KEY": secret}
    hosts = frozenset({f"{LOOPBACK}:{number}", f"localhost:{number}"})
    authentication = Authentication(port.app, owner=owner, hosts=hosts)
    install(
        authentication,
        schemas=Path(os.environ["EMULATOR_SCHEMAS"]),
    )
    port.replace("application", lambda _: authentication)
    port.replace("port_is_free", lambda _: lambda *_: False)  # with TLS it would take port 443 too

    # No argument of ours is one of ministack's.
    sys.argv[1:] = []
    port.main()
    del held  # until now


def _hold(path: Path) -> TextIO:
    """Takes the lock by which others see that this process is running, and on which port."""
    lock = path.open("a+")
    if not locks.take(lock):
        raise SystemExit("another engine runs in this folder")
    locks.record(lock, _record())
    os.close(int(os.environ["EMULATOR_START_LOCK"]))  # this lock takes its place
    return lock


def _record() -> dict[str, Any]:
    return {
        "port": int(os.environ["GATEWAY_PORT"]),
        "tls": os.environ.get("USE_SSL") == "1",
        "kubernetes": os.environ.get(ON) == "1",
    }


def _end_together(lock: TextIO, path: Path) -> "subprocess.Popen[bytes]":
    """Ends what this process has started when it ends, however it does; and this process when its folder is deleted.

    Returns what has to be kept.
    """
    if os.getpgrp() != os.getpid():
        os.setsid()

    def watch() -> None:
        while locks.is_at(lock, path):
            if not os.fstat(lock.fileno()).st_size:  # somebody has emptied it
                locks.record(lock, _record())
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    with allowed():  # its input ends with this process
        return subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -KILL 0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    main()
