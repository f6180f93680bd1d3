"""Subprocesses: with a time limit, a bound on their output, and an end with this process."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from delivery.problem import DeliveryProblem
from safe_io.errors import BadInput
from safe_io.terminal import lines

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals by which a person, a shell or a shutdown ends a command."""

_MAX_BYTES = 64 * 1024 * 1024
"""Of a program's output: far above the largest list that an API server returns."""
_MAX_FILE = 1024 * 1024 * 1024
"""Of a file that a program, or what it starts, may write (a chart, a cache)."""
_PATIENCE = 5
"""Seconds between asking a program to end and ending it."""
_LAST = 6
"""How many lines of an error are shown, from the end."""


class Stopped(BaseException):
    """A signal asked this program to end. Not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Lets SIGINT, SIGTERM and SIGHUP end what is inside by raising Stopped, once; those that are ignored stay so (nohup).

    After an exception they stay as they are: the command ends.
    """
    before = {one: signal.getsignal(one) for one in STOPPING}
    for one in STOPPING:
        if before[one] != signal.SIG_IGN:
            signal.signal(one, _stop)
    yield
    for one in STOPPING:
        signal.signal(one, before[one])


def until_stopped(command: Callable[[], int], advice: str = "") -> int:
    """Returns the exit code of a command; 128 and the signal's number if one of STOPPING ended it, which it prints with ``advice``."""
    try:
        with stopped_by_signals():
            return command()
    except Stopped as stopped:
        print(f"Stopped by {signal.Signals(stopped.number).name}.{advice}", file=sys.stderr)
        return 128 + stopped.number


def _stop(number: int, _frame: FrameType | None) -> None:
    # Whoever presses Ctrl-C twice must not keep us from ending what we started.
    for one in STOPPING:
        signal.signal(one, signal.SIG_IGN)
    raise Stopped(number)


@dataclass(frozen=True)
class Done:
    """A program that ended."""

    name: str
    code: int
    """Its exit code; negative: the signal that ended it."""
    out: str
    error: str

    @property
    def reason(self) -> str:
        """Why it failed, in a few lines that are safe to show."""
        how = f"signal {-self.code} ended it" if self.code < 0 else f"it ended with {self.code}"
        return lines(self.error, last=_LAST).replace("\n", "\n  ") or f"{how} and does not say why"


def run(command: Sequence[str], what: str, *, seconds: float, given: str | None = None) -> Done:
    """Runs a program to its end, and ends it when that takes too long or when this program is stopped.

    Args:
        command: the program and its arguments.
        what: what it does, for messages.
        seconds: how long it may take.
        given: what it reads from its standard input; None: nothing.

    Raises:
        DeliveryProblem: it cannot be started, takes too long, or prints without end.
    """
    name = Path(command[0]).name
    try:
        # Files, not pipes: a program that ours starts may keep a pipe open after it.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error, tempfile.TemporaryFile() as text:
            text.write((given or "").encode())
            text.seek(0)
            with _child(command, text, out, error) as child:
                _wait(child, what, seconds, out, error)
            return Done(name, child.returncode, _read(out), _read(error))
    except OSError as problem:
        raise DeliveryProblem(f"{name} cannot be run: {problem.strerror or 'no temporary file can be made'}") from None
    except ValueError:
        raise DeliveryProblem(f"{name} cannot be run: an argument contains a NUL character") from None


def through(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Runs a program on this terminal, which may ask the person; returns its exit code. Raises BadInput: it cannot be started.

    ``environment`` takes the place of this process's own.
    """
    try:
        child = subprocess.Popen(command, env=environment, preexec_fn=_die_with_us)  # noqa: S603 - the CDK CLI of this checkout
    except OSError as problem:
        raise BadInput(f"{Path(command[0]).name} cannot be run: {problem.strerror}") from None
    try:
        return child.wait()
    except Stopped as stopped:
        if stopped.number != signal.SIGINT:  # the terminal has sent that to it as well
            child.send_signal(stopped.number)
        child.wait()
        raise


def _die_with_us() -> None:
    if _PRCTL is not None:
        _PRCTL(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: it ends with us even when we are killed


@contextmanager
def _child(
    command: Sequence[str], text: IO[bytes], out: IO[bytes], error: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a program, and ends it whatever happens."""
    # No signal may come between its start and our knowing of it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)

    def prepare() -> None:
        _die_with_us()
        # What it starts itself may outlive it, and must not fill the disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE, _MAX_FILE))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        child = subprocess.Popen(  # noqa: S603 - kubectl or helm, found on PATH
            command,
            stdin=text,
            stdout=out,
            stderr=error,
            preexec_fn=prepare,  # safe: there are no threads
        )
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield child
    finally:
        _end(child)


_PRCTL = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def _end(child: subprocess.Popen[bytes]) -> None:
    for ask in (child.terminate, child.kill):
        if child.poll() is not None:
            return
        ask()
        try:
            child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            continue


def _wait(child: subprocess.Popen[bytes], what: str, seconds: float, out: IO[bytes], error: IO[bytes]) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            child.wait(max(0.01, min(0.25, end - time.monotonic())))
            return
        except subprocess.TimeoutExpired:
            pass
        if max(os.fstat(file.fileno()).st_size for file in (out, error)) > _MAX_BYTES:
            raise DeliveryProblem(f"{what}: stopped: it prints without end")
        if time.monotonic() >= end:
            _end(child)
            last = lines(_read(error), last=_LAST)
            last = f". Its last output:\n  {last}".replace("\n", "\n  ") if last else ""
            raise DeliveryProblem(
                f"{what}: stopped: no answer in {seconds:g} s (--timeout). Can the API endpoint of the"
                f" cluster be reached from here (docs/access.md)?{last}"
            )


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MAX_BYTES).decode("utf-8", "replace")
