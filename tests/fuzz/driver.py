"""Seeded fuzzing: inputs that chance made out of good ones. Each must end in a result or in BadInput, soon.

A target is one way in: what draws an input, and what is done with it. To add one, make a module ``target_WHAT.py`` here with a
tuple ``TARGETS``; `test_targets.py` then plays its first inputs in every test run, and `make fuzz MINUTES=30` new ones for as
long as it is told. Anything but a result or BadInput (an exception, a message that no person could read, more CPU time than
``seconds``) is a failure; its seed makes the same input again: ``python -m tests.fuzz --target NAME --seed 17``.
"""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from safe_io.errors import BadInput

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """One way in."""

    name: str
    draw: Callable[[random.Random], Any]
    """Makes an input; the same for the same state of the generator."""
    play: Callable[[Any], object]
    """Does with it what a command does. Returns anything, or raises BadInput."""
    show: Callable[[Any], str] = repr
    """The input as text, for who has to mend what failed."""
    cases: int = 40
    """Inputs that a test run plays. All targets together may take 20 s of it."""
    refuses: bool = True
    """Whether some of its inputs are bad ones, which end in BadInput."""
    seconds: float = 5
    """CPU time that an input may take at most: far above what any takes, so that a slow machine is not a failure."""


@dataclass(eq=False)
class Failure(Exception):
    """An input that ended in neither a result nor BadInput."""

    target: str
    seed: int
    input: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.why}\nThe same again: python -m tests.fuzz --target {self.target} --seed {self.seed}"
            f"\nThe input: {self.input[:4000]}"
        )


class _TooLong(Exception):
    pass


def targets() -> list[Target]:
    """Returns the targets of every module here, by name."""
    modules = [import_module(f"tests.fuzz.{path.stem}") for path in sorted(HERE.glob("target_*.py"))]
    return sorted((target for module in modules for target in module.TARGETS), key=lambda one: one.name)


def play(target: Target, seed: int) -> bool:
    """Plays one input; returns whether there was a result, and not a refusal. Raises Failure."""
    drawn = target.draw(random.Random(f"{target.name} {seed}"))  # noqa: S311 - the same every time
    try:
        with _at_most(target.seconds):
            target.play(drawn)
        return True
    except BadInput as refusal:
        if not (problem := _unreadable(str(refusal))):
            return False
        raise Failure(target.name, seed, target.show(drawn), f"its message {problem}: {str(refusal)!r:.2000}") from None
    except Exception as error:
        why = f"{type(error).__name__}: {error!s:.500}"
        raise Failure(target.name, seed, target.show(drawn), why) from error


def _unreadable(message: str) -> str:
    """Returns what is wrong with a message for people; nothing if nothing is."""
    lines = message.split("\n")
    if not message.strip() or len(lines) > 12:
        return f"has {len(lines)} lines"
    if any(len(line) > 1200 for line in lines):
        return "has a line of more than 1,200 characters"
    return "" if all(line.isprintable() for line in lines) else "holds what a terminal acts on"


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises an exception in what takes more CPU time, wherever it is."""

    def stop(_signal: int, _frame: object) -> None:
        raise _TooLong(f"more than {seconds} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
