"""Simulated time: actions that are due at a time, and processes that wait. The time between two of them takes none."""

import heapq
import itertools
from collections.abc import Callable, Generator

Process = Generator[float, None, None]
"""Runs until it yields how many seconds it waits."""


class Clock:
    """Seconds since the start, and what is due.

    Attributes:
        now: seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    @property
    def next(self) -> float | None:
        """When the next action is due; None: nothing is."""
        return self._due[0][0] if self._due else None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something later; what is due at the same time is done in the order of the calls."""
        heapq.heappush(self._due, (self.now + max(0.0, seconds), next(self._number), action))

    def start(self, process: Process) -> None:
        """Runs a process, from the next moment on."""
        self.after(0, lambda: self._go_on(process))

    def _go_on(self, process: Process) -> None:
        for seconds in process:
            if seconds > 0:
                self.after(seconds, lambda: self._go_on(process))
                return

    def advance(self, to: float) -> None:
        """Does all that is due until a time, and stays there."""
        while self._due and self._due[0][0] <= to:
            when, _, action = heapq.heappop(self._due)
            self.now = max(self.now, when)
            action()
        self.now = max(self.now, to)
