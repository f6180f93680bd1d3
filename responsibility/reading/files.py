"""The files of one command, read within bounds: regular ones only, and none outside of the folder that was named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from responsibility.bounds import FILES, READ
from responsibility.reading.template import RULES, BadSource, parse
from responsibility.reading.values import walk
from safe_io.terminal import one_line
from safe_io.text_file import read_text

_YAML = 10
"""What a value of YAML counts: so much slower it is to read than one of JSON."""


class Files:
    """What is read of one folder (or file, or text), counted over all of it."""

    def __init__(self, name: str, root: Path | None = None) -> None:
        """Reads nothing yet.

        Args:
            name: of what is read, for messages.
            root: the folder that no file may lie outside of; None = one was not named.
        """
        self.name = name
        self._root = os.path.realpath(root) if root else ""
        self._count = 0
        self._known: dict[Path, tuple[str, list[Any]]] = {}
        self.templates: dict[Path, dict[str, Any]] = {}
        """Templates that were checked: several stacks may be made of one."""

    def documents(self, path: Path) -> tuple[str, list[Any]]:
        """Returns the text of a file, and the documents in it. Raises BadSource."""
        if path not in self._known:
            FILES.check(len(self._known) + 1, self.name)
            text = read_text(path, max_bytes=RULES.max_bytes)
            self._known[path] = text, self.parsed(text, str(path))
        return self._known[path]

    def parsed(self, text: str, file: str) -> list[Any]:
        """Returns the documents in a text. Raises BadSource."""
        found = parse(text, file)
        self._count += sum(1 for _ in walk(found)) * (1 if text.lstrip()[:1] in ("{", "[") else _YAML)
        READ.check(self._count, self.name)
        return found

    def is_inside(self, path: Path) -> bool:
        """Whether a file, once links are followed, lies in the folder."""
        try:
            real = os.path.realpath(path)
        except ValueError:  # a NUL
            return False
        return not self._root or os.path.commonpath([self._root, real]) == self._root

    def inside(self, folder: Path, name: Any, where: str) -> Path:
        """Returns the path of a file that another one names. Raises BadSource: it is not a name, or leads out of the folder."""
        if not isinstance(name, str) or not name:
            raise BadSource(f"{where}: is not the name of a file")
        if not self.is_inside(folder / name):
            raise BadSource(one_line(f"{where}: {name} leads out of {self.name}; what is read must be in it"))
        return folder / name
