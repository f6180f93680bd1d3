"""How much input one command reads and how much work it does: past a bound it refuses, and names the bound.

A stranger's template may be small and cause endless work (a function inside of itself, a loop over loops). So the
work is counted where it is done, and the count does not depend on how fast a machine is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safe_io.errors import BadInput as BadSource


@dataclass(frozen=True, slots=True)
class Bound:
    """The most of something."""

    name: str
    most: int
    what: str
    """What is counted, in the plural."""
    why: str = ""
    """What AWS itself takes, where that is the reason."""

    def over(self, where: str) -> BadSource:
        """Returns the refusal, for a file or a place in one."""
        why = f"; {self.why}" if self.why else ""
        return BadSource(f"{where}: more than {self.most:,} {self.what}{why} (bound: {self.name})")

    def check(self, count: int, where: str) -> None:
        """Raises BadSource if there are more."""
        if count > self.most:
            raise self.over(where)


FILES = Bound("files", 10_000, "files")
READ = Bound("read", 5_000_000, "values in all files (of YAML, each counts ten)")
RESOURCES_READ = Bound("resources-read", 50_000, "resources in all templates")
RESOURCES = Bound("resources", 5_000, "resources in a template", "CloudFormation takes 500")
TURNS = Bound(
    "loop-turns", 20_000, "turns of the loops (Fn::ForEach) of a template", "CloudFormation takes 500 resources"
)
CHAIN = Bound("chain", 100, "values (conditions, outputs, parameters) that refer on to one another in a chain")
TEXT = Bound(
    "text",
    1_000_000,
    "characters in one text that functions make",
    "CloudFormation takes 1,000,000 bytes in a template",
)
TEXTS = Bound("texts", 20_000_000, "characters in the texts that functions make")
DEPTH = Bound("depth", 100, "levels of nesting in a value that functions make")
VALUES = Bound("values", 300_000, "values that functions make")
STACKS = Bound("stacks", 2_000, "stacks")
STACK_DEPTH = Bound("stack-depth", 20, "stacks inside of one another")

FINDINGS = Bound("findings", 250_000, "findings", "review or audit fewer clusters at a time")
OUTPUT = Bound("output", 250_000_000, "characters in one report")
PAGES = Bound("pages", 1_000, "pages in an answer")
ACCEPTANCES = Bound("acceptances", 1_000, "accepted findings in a file")


class Budget:
    """Counts what the functions and loops of templates make."""

    def __init__(self, where: str) -> None:
        """Counts for what was read from ``where``."""
        self.where = where
        self.values = 0
        self.letters = 0

    def made(self, value: Any) -> Any:
        """Counts a value with all that is in it, and returns it: one thing in two places counts twice. Raises BadSource."""
        if isinstance(value, str):
            self.text(len(value))
        depth, level = 0, [value]
        while level := [one for one in level if isinstance(one, dict | list)]:
            depth += 1
            DEPTH.check(depth, self.where)
            inner: list[Any] = []
            for one in level:
                inner += one.values() if isinstance(one, dict) else one
                self.value(len(one))
            level = inner
        return value

    def value(self, count: int = 1) -> None:
        """Counts values. Raises BadSource."""
        self.values += count
        VALUES.check(self.values, self.where)

    def text(self, length: int) -> None:
        """Counts a text before it is made. Raises BadSource."""
        TEXT.check(length, self.where)
        self.letters += length
        TEXTS.check(self.letters, self.where)
