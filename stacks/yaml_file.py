"""A YAML file as plain data, with the line of every key: what messages about it need to say where."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from safe_io.terminal import one_line

Where = tuple[str | int, ...]
"""The way to a key: names of keys and indices of items."""

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value")
_PRINTABLE = r"\x09\x0A\x0D\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF"


class BadEnvironment(Exception):
    """An environment file that cannot be used. Its text is for the person who wrote it."""


class YamlFile:
    """A YAML file as plain data, with the line of every key and item."""

    def __init__(self, path: Path) -> None:
        self._convert_document(path, _compose(path, _read(path), yaml.compose))

    @classmethod
    def documents(cls, path: Path) -> list["YamlFile"]:
        """Returns the documents of a file, which `---` divides, but for empty ones. Raises BadEnvironment."""
        nodes = _compose(path, _read(path), lambda text, Loader: list(yaml.compose_all(text, Loader)))  # noqa: N803
        files = []
        for node in nodes:
            if node is not None and node.tag != f"{_TAG}null":
                file = cls.__new__(cls)
                file._convert_document(path, node)
                files.append(file)
        return files

    def _convert_document(self, path: Path, node: yaml.Node | None) -> None:
        self.path = path
        self.lines: dict[Where, int] = {}
        self.written: dict[Where, str] = {}
        """Numbers and the like as they stand in the file: 1.30 is not 1.3."""
        self._count = 0
        self.data = None if node is None else self._convert(node, ())

    def fail(self, where: Where, text: str) -> NoReturn:
        """Raises BadEnvironment for the key at ``where``."""
        raise BadEnvironment(self.message(where, f": {text}")[1])

    def message(self, where: Where, text: str) -> tuple[int, str]:
        """Returns the line of the key at ``where``, and ``text`` with file, line and key before it."""
        line = next((self.lines[where[:end]] for end in range(len(where), -1, -1) if where[:end] in self.lines), 1)
        return line, one_line(f"{self.path}:{line}: {dotted(where)}{text}")

    def _convert(self, node: yaml.Node, where: Where) -> Any:
        self._count += 1
        self.lines.setdefault(where, node.start_mark.line + 1)
        if self._count > MAX_NODES:
            _fail_at(self.path, self.lines[where], f"more than {MAX_NODES:,} values once the aliases (*) are followed")
        if len(where) > MAX_DEPTH:
            _fail_at(
                self.path,
                self.lines[where],
                f"nested more than {MAX_DEPTH} levels deep: an alias (*) that holds itself",
            )
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, where, "map")
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, where, "seq")
            return [self._convert(item, (*where, index)) for index, item in enumerate(node.value)]
        self._check_tag(node, where, *_SCALARS)
        return self._scalar(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                _fail_at(self.path, line, f"{dotted(where)}: a key must be text, not a list or a mapping")
            key = str(key_node.value)
            here = (*where, key)
            if key in result:
                _fail_at(
                    self.path,
                    line,
                    f"{dotted(here)}: the key stands twice, in line {self.lines[here]} too; YAML would silently keep one",
                )
            self.lines[here] = line
            if key_node.tag == f"{_TAG}merge":
                self.fail(
                    here, "merging (<<) is not supported; write the keys out, or put an alias (*) for the whole value"
                )
            self._check_tag(key_node, here, *_SCALARS)
            result[key] = self._convert(value_node, here)
        return result

    def _check_tag(self, node: yaml.Node, where: Where, *allowed: str) -> None:
        if node.tag.removeprefix(_TAG) not in allowed:
            self.fail(where, f"the YAML tag {node.tag.replace(_TAG, '!!')} is not used here; write a plain value")

    def _scalar(self, node: yaml.Node, where: Where) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            if not node.value:
                self.fail(where, "has no value; give it one ({} is an empty mapping, [] an empty list), or take it out")
            return None
        if kind not in ("bool", "int", "float"):
            return node.value
        self.written[where] = node.value
        try:
            value = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, KeyError):
            self.fail(where, f"found {shown(node.value)}; YAML cannot read that as {kind}")
        return str(node.value) if value in (float("inf"), float("-inf")) or value != value else value

    def value(self, where: Where) -> Any:
        """Returns what stands at ``where``."""
        value: Any = self.data
        for part in where:
            if isinstance(value, dict):
                value = value.get(str(part), {})  # a default is not in the file: nothing to show
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            _fail_at(
                path, 1, f"the file has more than {MAX_BYTES:,} bytes; a file that people write has a few thousand"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise BadEnvironment(one_line(f"{path}: cannot be read: {error.strerror}")) from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _fail_at(path, line, f"the byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8")
    if odd := re.search(f"[^{_PRINTABLE}]", text):
        line = text.count("\n", 0, odd.start()) + 1
        _fail_at(path, line, f"the character U+{ord(odd[0]):04X} cannot stand in YAML; is this a text file?")
    return text


def _compose(path: Path, text: str, compose: Callable[..., Any]) -> Any:
    depth = 0
    try:
        # The composer calls itself for each level, in C, without a limit.
        for event in yaml.parse(text, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                _fail_at(path, line, f"nested more than {MAX_DEPTH} levels deep")
        return compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        begun = error.context_mark.line + 1 if error.context_mark else line
        advice = next((advice for part, advice in _YAML_ADVICE.items() if part in str(error.problem)), "")
        line = begun if "end of stream" in str(error.problem) else line
        since = (
            f" {error.context} that begins in line {begun}" if begun < line and "while" in str(error.context) else ""
        )
        if re.match(r"\s*\t", "".join(text.split("\n")[line - 1 : line])):
            since, advice = "", "; a tab stands before the text: indent with spaces"
        _fail_at(path, line, f"is not YAML: {error.problem}{since}{advice}")
    except yaml.YAMLError as error:
        _fail_at(path, 1, f"is not YAML: {error}")


def _fail_at(path: Path, line: int, text: str) -> NoReturn:
    raise BadEnvironment(one_line(f"{path}:{line}: {text}"))


# Beginnings of what libyaml says, and what the person who wrote the file can do.
_YAML_ADVICE = {
    "mapping values are not allowed": "; indent keys alike, and put text that holds ': ' in quotes",
    "found character that cannot start any token": "; put text that begins with @ % or ` in quotes",
    "did not find expected key": "; check indentation and quotes here and above",
    "found unexpected end of stream": "; a quote is not closed",
    "found undefined alias": "; put text that begins with * in quotes",
    "did not find expected alphabetic or numeric character": "; put text that begins with * or & in quotes",
    "but found another document": "; one file holds one environment: take '---' out",
}


def dotted(where: Where) -> str:
    """Returns the way to a key as people write it: ``clusters[0].name``."""
    text = ""
    for part in where:
        if isinstance(part, str) and re.fullmatch(r"[A-Za-z_][\w-]{0,99}", part):
            text += f".{part}"
        else:
            text += f"[{part if isinstance(part, int) else shown(part)}]"
    return text.lstrip(".") or "the file"


def shown(value: object, written: str | None = None) -> str:
    """Returns a value as a message shows it, ``written`` as it stands in the file."""
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "null"
    text = written or json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
