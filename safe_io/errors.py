"""How a command ends: with its result, one line for a person, or one line about a defect of ours. Never with a traceback."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from safe_io.terminal import lines

OK = 0
FINDINGS = 1
"""The command worked, and found something that `--fail-on` asks about."""
BAD_INPUT = 2
"""What was given cannot be used. Nothing was changed."""
DEFECT = 70
"""A defect of ours. sysexits.h calls it EX_SOFTWARE; a pipeline must not take it for findings."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""
PIPE_CLOSED = 141
"""128 and the number of SIGPIPE: who read our output went away."""

_debug = False
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_ROOT = Path(__file__).resolve().parent.parent


class BadInput(Exception):
    """Input that cannot be used. Its text is for the person who gave it: where, what was found, what is allowed."""


def run(main: Callable[[], int | None], *, program: str) -> int:
    """Runs a command and returns its exit code.

    ``--debug`` (taken out of ``sys.argv`` here) or ``EKS_DEBUG=1`` prints the traceback of whatever stopped it.

    Args:
        main: the command; returns its exit code, None is 0. SystemExit passes.
        program: what the person typed, for the message about a defect: ``python -m responsibility``.
    """
    global _debug
    _debug = "--debug" in sys.argv[1:] or os.environ.get("EKS_DEBUG", "") not in ("", "0")
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        code = main() or OK
        if sys.stdout:  # None where it was closed
            sys.stdout.flush()  # a full disk shows here, not after the end
    except SystemExit:
        raise
    except BaseException as problem:
        if debugging():
            traceback.print_exc()
        code, line = _ending(problem, program)
        if line and sys.stderr:
            print(line, file=sys.stderr)
    return code


def debugging() -> bool:
    """Whether the person asked for tracebacks."""
    return _debug


def defect(problem: BaseException) -> str:
    """Returns what fell over and where: ``TypeError at responsibility/checks/compute/node_groups.py:12``.

    The exception's text may contain untrusted text or a secret: its type and place are enough to find it.
    """
    return f"{type(problem).__name__} at {_place(problem.__traceback__)}"


OURS = "this is a defect of ours, not of your input. Run again with --debug for the traceback, and report it"


def _ending(problem: BaseException, program: str) -> tuple[int, str]:
    """Returns the exit code for what stopped a command, and its message."""
    match problem:
        case BadInput():
            return BAD_INPUT, lines(str(problem))
        case KeyboardInterrupt():
            return INTERRUPTED, "Interrupted."
        case BrokenPipeError():
            # No message, and none when Python closes the stream.
            with suppress(OSError, AttributeError):  # it is closed already, or none
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return PIPE_CLOSED, ""
        case OSError(strerror=str(reason), filename=str() | bytes() | os.PathLike() as file):
            # A disk that is full, a folder that is not ours: the machine's state, which the person can change.
            return BAD_INPUT, f"{program}: {os.fsdecode(file)!r}: {reason}"
        case OSError(strerror=str(reason)) if problem.errno in _FULL:
            return BAD_INPUT, f"{program}: the output cannot be written: {reason}"
    return DEFECT, f"{program}: {defect(problem)}: {OURS}"


def _place(trace: TracebackType | None) -> str:
    """Returns file and line of the innermost of our own lines; of any line where none is ours."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(trace)]
    ours = [
        (file.relative_to(_ROOT), line)
        for file, line in frames
        if file.is_relative_to(_ROOT) and not {"site-packages", "safe_io"} & set(file.parts)
    ]
    file, line = (ours or frames or [(Path("?"), 0)])[-1]
    return f"{file}:{line}"
