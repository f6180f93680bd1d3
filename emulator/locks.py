"""Locks in the emulator's folder. The kernel releases them when their process ends, however it ends.

The kernel also knows the holder of a lock, because what the process wrote into the file may be gone.
"""

import fcntl
import json
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from emulator.problem import Problem
from safe_io.ownership import OutputProblem, claim

WAIT_SECONDS = 60.0
# struct flock of fcntl.h: members, and the places of l_type and l_pid.
_LAYOUTS = {"linux": ("hhqqi4x", 0, 4), "darwin": ("qqihh", 3, 2)}


def own(folder: Path) -> None:
    """Makes the folder; refuses one that is not ours, because its content would be deleted. Raises Problem."""
    try:
        claim(folder)
        if folder.stat().st_uid != os.geteuid():  # who would read the key
            raise Problem(f"EMULATOR_HOME: {folder}: belongs to another user. Name a folder of your own")
        folder.chmod(0o700)
    except OutputProblem as problem:
        raise Problem(f"EMULATOR_HOME: {problem}") from None


@contextmanager
def alone(folder: Path, name: str) -> Iterator[TextIO]:
    """Allows one process and thread at a time. A child that inherits the file holds the lock too.

    Raises Problem: the folder cannot be used, or another process does not release the lock.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with opened(folder, name) as lock:
            if _flock(lock, deadline) and is_at(lock, folder / name):  # else who had it has deleted the folder
                yield lock
                return
        if time.monotonic() > deadline:
            raise Problem(f"{folder / name}: another process has it for {WAIT_SECONDS:.0f} s. End it, then try again")


def opened(folder: Path, name: str) -> TextIO:
    """Opens the file of a lock, and makes the folder if necessary. Raises Problem."""
    while True:
        own(folder)
        with suppress(FileNotFoundError):  # somebody has deleted the folder meanwhile
            return (folder / name).open("a+")


def take(file: TextIO) -> bool:
    """Locks an open file for this process; returns whether it was free. Closing any file of that path releases the lock."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # POSIX lets a system say either
        return False
    return True


def holder(path: Path) -> int | None:
    """Returns the process that has taken the lock of a file, or None. Raises Problem: the process is in another container."""
    layout, kind, pid = _LAYOUTS.get(sys.platform, _LAYOUTS["linux"])
    wanted = {kind: fcntl.F_WRLCK}
    asked = struct.pack(layout, *(wanted.get(place, 0) for place in range(5)))
    try:
        with path.open("rb") as file:
            answer = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if answer[kind] == fcntl.F_UNLCK:
        return None
    if answer[pid] <= 1:
        raise Problem(f"{path}: a process of another container has it. End it there")
    return int(answer[pid])


def record(file: TextIO, content: dict[str, Any]) -> None:
    """Writes what others need to know about the holder."""
    file.seek(0)
    file.truncate()
    file.write(json.dumps(content))
    file.flush()


def recorded(path: Path) -> dict[str, Any]:
    """Returns what the holder wrote; nothing as long as it has not."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        return content if isinstance(content, dict) else {}
    return {}


def is_at(file: TextIO, path: Path) -> bool:
    """Returns whether an open file is still the one at that path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _flock(file: TextIO, deadline: float) -> bool:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
