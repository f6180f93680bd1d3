"""Programs that tests start, and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from emulator import process
from tests.support.environments import ROOT


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``python -m emulator``."""
    return subprocess.run(
        [sys.executable, "-m", "emulator", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def kill(engine: process.Engine) -> None:
    """Ends the engine alone, as the kernel does when memory is short."""
    os.kill(engine.pid, signal.SIGKILL)
    os.waitpid(engine.pid, 0)
    assert until(lambda: process.find(engine.home) is None)


def until(done: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Waits for something; returns whether it came."""
    deadline = time.monotonic() + seconds
    while not (answer := done()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def alive(process: Path) -> bool:
    """Whether a process of /proc runs: one that has ended may wait there for somebody to notice."""
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_of(home: Path) -> list[str]:
    """The command lines of all processes that were started for an emulator's folder."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(home) in environment.read_text(errors="replace") and alive(environment.parent):
                found.append((environment.parent / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def listeners(group: int) -> set[str]:
    """Where the processes of a group listen: ``address:port`` of TCP and UDP, in the kernel's own hexadecimal form."""
    sockets: dict[str, str] = {}
    for protocol, states in (("tcp", ("0A",)), ("tcp6", ("0A",)), ("udp", ("07",)), ("udp6", ("07",))):
        for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] in states:
                sockets[f"socket:[{fields[9]}]"] = fields[1]
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(one.name)) == group:
                found |= {sockets[link] for file in (one / "fd").iterdir() if (link := os.readlink(file)) in sockets}
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found
