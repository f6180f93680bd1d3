"""The one YAML loader: plain data from an untrusted file, with the line of every key, and a bound on everything.

By default it reads the core types of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): text, numbers, true and
false, null. Dates, sexagesimal numbers, yes and no are text. `Rules` says what else there is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, Self

import yaml

from safe_io.errors import BadInput
from safe_io.terminal import one_line
from safe_io.text_file import read_text
from safe_io.where import Where, dotted
from safe_io.yaml_builder import Builder, Document, line_of
from safe_io.yaml_scalars import OURS, PEOPLE, Rules

__all__ = ["OURS", "PEOPLE", "Rules", "YamlFile", "load"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ODD = re.compile(r"[^\x09\x0A\x0D\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""What YAML does not take in a file: https://yaml.org/spec/1.2.2/#51-character-set."""


class YamlFile:
    """A YAML document as plain data: dict with text as keys, list, text, numbers, true and false, None."""

    def __init__(self, path: Path, rules: Rules = PEOPLE) -> None:
        """Reads a file of one document at most. Raises BadInput."""
        documents = list(_documents(read_text(path, max_bytes=rules.max_bytes), path, rules))
        if len(documents) > 1:
            _fail_at(path, documents[1].line, "found another document; a file has one: remove '---'")
        self._take(path, documents[0] if documents else Document())

    @classmethod
    def documents(cls, path: Path, rules: Rules = PEOPLE) -> list[Self]:
        """Returns the documents of a file, which ``---`` divides, but for empty ones. Raises BadInput."""
        return cls.parse(read_text(path, max_bytes=rules.max_bytes), path, rules)

    @classmethod
    def parse(cls, text: str, path: Path | str, rules: Rules = PEOPLE) -> list[Self]:
        """Returns the documents of a text, but for empty ones; messages name it ``path``. Raises BadInput."""
        files = []
        for document in _documents(text, path, rules):
            if document.data is not None:
                file = cls.__new__(cls)
                file._take(path, document)
                files.append(file)
        return files

    def _take(self, path: Path | str, document: Document) -> None:
        self.path = Path(path)
        self.data: Any = document.data
        self.lines = document.lines
        self.written = document.written

    def fail(self, where: Where, text: str) -> NoReturn:
        """Raises BadInput for the key at ``where``."""
        raise BadInput(self.message(where, f": {text}")[1])

    def message(self, where: Where, text: str) -> tuple[int, str]:
        """Returns the line of the key at ``where``, and ``text`` with file, line and key before it."""
        line = next((self.lines[where[:end]] for end in range(len(where), -1, -1) if where[:end] in self.lines), 1)
        return line, one_line(f"{self.path}:{line}: {dotted(where)}{text}")

    def value(self, where: Where) -> Any:
        """Returns the value at ``where``."""
        value: Any = self.data
        for part in where:
            if isinstance(value, dict):
                value = value.get(str(part), {})  # a default is not in the file: nothing to show
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value


def load(source: Path | str, rules: Rules = OURS) -> Any:
    """Returns the one document of a file, or of a text, as plain data; None if it is empty. Raises BadInput."""
    if isinstance(source, Path):
        return YamlFile(source, rules).data
    documents = YamlFile.parse(source, "the text", rules)
    if len(documents) > 1:
        raise BadInput("the text: contains several YAML documents; one is wanted")
    return documents[0].data if documents else None


def _documents(text: str, path: Path | str, rules: Rules) -> Iterator[Document]:
    """Yields the documents of a text. Raises BadInput."""

    def fail(line: int, words: str) -> NoReturn:
        _fail_at(path, line, words)

    if len(text) > rules.max_bytes:
        fail(1, f"the text has more than {rules.max_bytes:,} characters (bound: bytes)")
    if odd := _ODD.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        fail(line, f"the character U+{ord(odd[0]):04X} is not allowed in YAML; is this a text file?")
    try:
        events = iter(yaml.parse(text, Loader=_LOADER))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield Builder(rules, fail, line_of(event)).build(events)
    except yaml.MarkedYAMLError as error:
        _not_yaml(path, text, error)
    except yaml.YAMLError as error:
        fail(1, f"is not YAML: {error}")


def _not_yaml(path: Path | str, text: str, error: yaml.MarkedYAMLError) -> NoReturn:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    begun = error.context_mark.line + 1 if error.context_mark else line
    advice = next((advice for part, advice in _ADVICE.items() if part in str(error.problem)), "")
    line = begun if "end of stream" in str(error.problem) else line
    since = f" {error.context} that begins in line {begun}" if begun < line and "while" in str(error.context) else ""
    if re.match(r"\s*\t", "".join(text.split("\n")[line - 1 : line])):
        since, advice = "", "; the line begins with a tab: indent with spaces"
    _fail_at(path, line, f"is not YAML: {error.problem}{since}{advice}")


def _fail_at(path: Path | str, line: int, text: str) -> NoReturn:
    raise BadInput(one_line(f"{path}:{line}: {text}"))


# Beginnings of what libyaml says, and what the person who wrote the file can do.
_ADVICE = {
    "mapping values are not allowed": "; indent keys alike, and put text with ': ' in quotes",
    "found character that cannot start any token": "; put text that begins with @ % or ` in quotes",
    "did not find expected key": "; check indentation and quotes here and above",
    "found unexpected end of stream": "; a quote is not closed",
    "did not find expected alphabetic or numeric character": "; put text that begins with * or & in quotes",
}
