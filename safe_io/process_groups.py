"""Child processes that end with this process, and their own children too, even after kill -9.

Each is in a process group whose leader is a shell that reads from a pipe of this process. When the pipe closes, the shell kills
the group. While it lives the shell keeps a lock, so that a later run can find what is left and end it.
"""

import fcntl
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from safe_io.errors import BadInput

END_SECONDS = 10.0
_LEADER = ["/bin/sh", "-c", "read _; kill -KILL 0"]
_NAME = "child-{}.lock"


class Child(subprocess.Popen[str]):
    """A program that runs, with its outputs as text."""

    group: int

    def end(self) -> None:
        """Ends it, and all that it has started."""
        _signal(self.group, signal.SIGKILL)


@dataclass(frozen=True)
class Group:
    """A process group that ends with this process."""

    number: int

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: IO[str] | int = subprocess.PIPE,
    ) -> Child:
        """Starts a program in the group. Raises OSError."""
        child = Child(
            command, env=env, cwd=cwd, text=True, errors="replace", process_group=self.number,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        child.group = self.number
        return child


@contextmanager
def group(*, folder: Path | None = None, holding: Sequence[int] = ()) -> Iterator[Group]:
    """Yields a process group. At the end of the block nothing of it is left.

    Args:
        folder: where a lock says that it runs, for end_left().
        holding: open files with locks that are not to be free before its programs have ended.

    Raises OSError.
    """
    with _lock(folder) as lock:
        leader = subprocess.Popen(  # noqa: S603 - the shell
            _LEADER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            process_group=0, pass_fds=[*holding, *([lock] if lock is not None else [])],
        )  # fmt: skip
        try:
            if lock is not None:
                os.write(lock, str(leader.pid).encode())
            yield Group(leader.pid)
        finally:
            # Not the leader alone: a signal may have interrupted us while a program was starting.
            _signal(leader.pid, signal.SIGKILL)
            with leader:  # closes its input, and waits
                pass


@contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    holding: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Child]:
    """Runs a program in a group of its own; arguments as in group() and Group.start(). Raises OSError."""
    with group(folder=folder, holding=holding) as own, own.start(command, env=env, cwd=cwd) as child:
        try:
            yield child
        finally:
            child.end()


def run(command: Sequence[str], **options: Any) -> tuple[int, str]:
    """Runs a program to its end; returns its exit code and what it printed. Raises OSError."""
    with running(command, **options) as child:
        output, _ = child.communicate()
    return child.returncode, output


def end_left(folder: Path) -> None:
    """Ends what a killed process left running for ``folder``, and waits until it has ended. Raises BadInput."""
    for path in folder.glob(_NAME.format("*")):
        deadline = time.monotonic() + END_SECONDS
        with suppress(FileNotFoundError), path.open("rb") as file:
            while not _free(file.fileno()):
                group = _signal_holder(path, signal.SIGKILL)
                if time.monotonic() > deadline:
                    raise BadInput(
                        f"{path}: a process that an earlier run left does not end. Kill process group {group or '?'} yourself"
                    )
                time.sleep(0.02)
        path.unlink(missing_ok=True)


def resume(folder: Path) -> None:
    """Lets stopped programs of ``folder`` go on. One that is stopped before its exec() keeps whoever starts it from any signal."""
    for path in folder.glob(_NAME.format("*")):
        with suppress(FileNotFoundError), path.open("rb") as file:
            if not _free(file.fileno()):
                _signal_holder(path, signal.SIGCONT)


def _signal_holder(path: Path, number: signal.Signals) -> str:
    """Signals the group whose leader has the lock of a file; returns what the file says."""
    group = path.read_text()
    if re.fullmatch("[1-9][0-9]+", group):  # the leader lives, so the number is its own
        _signal(int(group), number)
    return group


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers the second for those that have ended
        os.killpg(group, number)


@contextmanager
def _lock(folder: Path | None) -> Iterator[int | None]:
    if folder is None:
        yield None
        return
    path = folder / _NAME.format(secrets.token_hex(6))
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def end_session(pid: int) -> None:
    """Ends a process and all that it started: they are in one session. By SIGKILL: their files are deleted anyway."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS answers the second for those that wait to be noticed
            return
        with suppress(ChildProcessError):  # it is a child of ours, or not
            os.waitpid(pid, os.WNOHANG)
        if not _runs(pid):
            return
        time.sleep(0.02)


def _runs(group: int) -> bool:
    """Whether a process of the group still runs. A zombie does not; the first process of a container may be slow to reap it."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()  # proc_pid_stat(5), from the third one
            state, of, threads = fields[0], int(fields[2]), int(fields[17])
            if of == group and (state != "Z" or threads > 1):
                return True
    return not Path("/proc/self/stat").exists()  # macOS has no /proc
