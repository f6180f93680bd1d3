"""Files of Kubernetes objects: each object with the line of every key in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from responsibility.reading.template import RULES, Template
from safe_io.errors import BadInput
from safe_io.where import Where
from safe_io.yaml_file import YamlFile

_WITH_LINES = replace(RULES, lines_to=100)


@dataclass
class ManifestFile:
    """A file of Kubernetes objects."""

    file: str
    cluster: str
    """Name of the cluster that it is for; empty = not known."""
    objects: list[dict[str, Any]]
    text: str = field(default="", repr=False)
    places: list[int] = field(default_factory=list)
    """Which document of the text each object is; empty = all of them, in their order."""

    @cached_property
    def documents(self) -> list[YamlFile]:
        """The documents of the text with the lines of their keys: it is read again, for what is judged alone needs them."""
        try:
            return YamlFile.parse(self.text, self.file, _WITH_LINES)
        except BadInput:  # JSON that is no YAML
            return []

    def each(self) -> Iterator[tuple[dict[str, Any], ObjectText]]:
        """Yields the objects, those of a List one by one, each with its place in the file."""
        for index, item in enumerate(self.objects):
            place = self.places[index] if self.places else index
            for where, one in _flat(item, ()):
                yield one, ObjectText(self, place, where)


def _flat(item: Any, where: Where) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yields an object, or the objects of a List, with the way to each."""
    if isinstance(item, dict) and item.get("kind") == "List":
        items = item.get("items")
        for index, one in enumerate(items if isinstance(items, list) else []):
            yield from _flat(one, (*where, "items", index))
    elif isinstance(item, dict):
        yield where, item


class ObjectText(Template):
    """One object of a file, in the role of a template: it gives the lines of its keys."""

    def __init__(self, file: ManifestFile, document: int, where: Where) -> None:
        """``where``: the way to the object in its document."""
        super().__init__("", file.file, {"Resources": {}}, "")
        self._file, self._document, self._where = file, document, where

    def line(self, resource: str, path: str = "") -> int:  # noqa: ARG002 (of a template, the resource decides)
        """Returns the line of a key of the object, or of the nearest one above it; 0 = not known."""
        documents = self._file.documents
        if self._document >= len(documents):
            return 0
        lines = documents[self._document].lines
        steps: list[str | int] = [int(step) if step.isdecimal() else step for step in path.split(".") if step]
        for end in range(len(steps), -1, -1):
            if (found := lines.get((*self._where, *steps[:end]))) is not None:
                return found
        return 0
