"""Builds plain data from a YAML parser's events: no recursion, and no constructors that a file could choose."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from safe_io.where import Where, dotted, shown
from safe_io.yaml_scalars import TAG, Rules, plain, tagged

_SCALARS = ("str", "int", "float", "bool", "null")
Fail = Callable[[int, str], NoReturn]
"""Refuses the file: line, and the problem there."""


@dataclass
class Document:
    """A document of a file."""

    line: int = 1
    data: Any = None
    lines: dict[Where, int] = field(default_factory=dict)
    """The line of every key and item."""
    written: dict[Where, str] = field(default_factory=dict)
    """Numbers and the like as the file has them: 1.30 is not 1.3."""


class _Frame:
    """A list or mapping that is not complete."""

    __slots__ = ("anchor", "key", "line", "merged", "merging", "tag", "value", "where")

    def __init__(self, value: Any, where: Where, line: int, tag: str | None, anchor: str | None) -> None:
        self.value = value
        self.where = where
        self.line = line
        self.tag = tag
        self.anchor = anchor
        self.key: str | None = None
        """Of a mapping: the key whose value comes next."""
        self.merging = False
        """The key is ``<<``."""
        self.merged: list[Any] = []


class Builder:
    """Builds one document."""

    def __init__(self, rules: Rules, fail: Fail, line: int) -> None:
        self._rules = rules
        self._fail = fail
        self._document = Document(line)
        self._count = 0
        self._frames: list[_Frame] = []
        self._anchors: dict[str, list[yaml.Event] | None] = {}
        """The events of each anchor, which an alias plays again; None while it is not complete."""
        self._recordings: list[list[yaml.Event]] = []

    def build(self, parser: Iterator[yaml.Event]) -> Document:
        """Returns the document whose start was the parser's last event. Fails on what the rules do not allow."""
        sources = [parser]
        while True:
            event = next(sources[-1], None)
            if event is None:
                sources.pop()
                continue
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.AliasEvent):
                sources.append(iter(self._aliased(event)))
            else:  # the end of the document
                return self._document

    def _aliased(self, event: yaml.AliasEvent) -> list[yaml.Event]:
        events = self._anchors.get(event.anchor or "", [])
        if events is None:
            self._refuse(event, "an alias (*) that contains itself")
        if not events:
            self._refuse(
                event, f"is not YAML: found undefined alias {event.anchor}; put text that begins with * in quotes"
            )
        return events

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._keep(event)
        if event.anchor:
            self._anchors[event.anchor] = [event]
            event.anchor = None  # a replay does not define the anchor again
        frame = self._frames[-1] if self._frames else None
        if frame and type(frame.value) is dict and frame.key is None:
            self._take_key(frame, event)
            return
        where = self._where(frame)
        line = line_of(event)
        if len(where) <= self._rules.lines_to:
            self._document.lines.setdefault(where, line)
        if (tag := event.tag) is None:
            value = self._read(event, where, None) if event.implicit[0] else event.value
        elif (name := _local(tag)) and self._rules.tags:
            value = self._tagged(name, event.value, where, line)
        elif tag == "!":
            value = event.value
        else:
            value = self._read(event, where, self._kind(tag, where, line, *_SCALARS))
        self._put(frame, value)

    def _read(self, event: yaml.ScalarEvent, where: Where, kind: str | None) -> Any:
        text = event.value
        try:
            value = tagged(text, kind, self._rules) if kind else plain(text, self._rules)
        except ValueError as problem:
            self._fail(line_of(event), f"{dotted(where)}: found {shown(text)}; {problem}")
        if value is None and not text and not self._rules.empty_values and where:
            self._fail(
                self._document.lines.get(where, line_of(event)),
                f"{dotted(where)}: has no value; give it one ({{}} is an empty mapping, [] an empty list), or remove it",
            )
        if type(value) is not str and value is not None and len(where) <= self._rules.lines_to:
            self._document.written[where] = text
        return value

    def _take_key(self, frame: _Frame, event: yaml.ScalarEvent) -> None:
        key, line = event.value, line_of(event)
        if event.tag and event.tag != "!":
            self._kind(event.tag, (*frame.where, key), line, *_SCALARS)
        frame.key = key
        if key == "<<" and event.implicit[0]:
            if not self._rules.merge_keys:
                self._fail(
                    line,
                    f"{dotted((*frame.where, key))}: merging (<<) is not supported; write the keys out, or put an alias (*)"
                    " for the whole value",
                )
            frame.merging = True
            return
        if key in frame.value:
            here = (*frame.where, key)
            first = f", first in line {self._document.lines[here]}" if here in self._document.lines else ""
            self._fail(line, f"{dotted(here)}: duplicate key{first}; YAML would silently keep one")
        if len(frame.where) < self._rules.lines_to:
            self._document.lines[(*frame.where, key)] = line

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        parent = self._frames[-1] if self._frames else None
        line = line_of(event)
        if parent and type(parent.value) is dict and parent.key is None:
            self._fail(line, f"{dotted(parent.where)}: a key must be text, not a list or a mapping")
        if len(self._frames) >= self._rules.max_depth:
            self._fail(line, f"nested more than {self._rules.max_depth} levels deep (bound: depth)")
        if event.anchor:
            self._anchors[event.anchor] = None
            self._recordings.append([])
        self._keep(event)
        where = self._where(parent)
        if len(where) <= self._rules.lines_to:
            self._document.lines.setdefault(where, line)
        tag = event.tag
        if tag and tag != "!" and not (_local(tag) and self._rules.tags):
            self._kind(tag, where, line, "seq" if isinstance(value, list) else "map")
            tag = None
        self._frames.append(_Frame(value, where, line, tag, event.anchor))
        event.anchor = None

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        self._keep(event)
        frame = self._frames.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = self._recordings.pop()
        value = frame.value
        for mapping in frame.merged:
            for key, one in mapping.items():
                value.setdefault(key, one)
        if name := _local(frame.tag):
            value = self._tagged(name, value, frame.where, frame.line)
        self._put(self._frames[-1] if self._frames else None, value)

    def _put(self, frame: _Frame | None, value: Any) -> None:
        if frame is None:
            self._document.data = value
        elif type(frame.value) is list:
            frame.value.append(value)
        elif frame.merging:
            frame.merging = False
            frame.key = None
            mappings = value if isinstance(value, list) else [value]
            if not all(isinstance(one, dict) for one in mappings):
                self._fail(frame.line, f"{dotted(frame.where)}: << merges a mapping, or a list of mappings")
            frame.merged += mappings
        else:
            frame.value[frame.key] = value
            frame.key = None

    def _tagged(self, name: str, value: Any, where: Where, line: int) -> Any:
        try:
            return self._rules.tags(name, value)  # type: ignore[misc]
        except ValueError as problem:
            self._fail(line, f"{dotted(where)}: {problem}")

    def _kind(self, tag: str, where: Where, line: int, *allowed: str) -> str:
        """Returns the kind that one of YAML's own tags names. Fails on others."""
        kind = tag.removeprefix(TAG)
        if kind not in allowed:
            self._fail(
                line, f"{dotted(where)}: the YAML tag {tag.replace(TAG, '!!')} is not used here; write a plain value"
            )
        return kind

    def _where(self, frame: _Frame | None) -> Where:
        if frame is None:
            return ()
        return (*frame.where, len(frame.value) if type(frame.value) is list else frame.key or "")

    def _keep(self, event: yaml.Event) -> None:
        """Counts an event, and records it for the aliases of the anchors that it is in."""
        self._count += 1
        if self._count > self._rules.max_values:
            self._refuse(
                event, f"more than {self._rules.max_values:,} values once the aliases (*) are followed (bound: values)"
            )
        for recording in self._recordings:
            recording.append(event)

    def _refuse(self, event: yaml.Event, text: str) -> NoReturn:
        self._fail(line_of(event), text)


def _local(tag: str | None) -> str | None:
    """Returns the name of a tag such as ``!Sub``; None for none and for YAML's own."""
    return tag[1:] if tag and len(tag) > 1 and tag[0] == "!" else None


def line_of(event: yaml.Event) -> int:
    """Returns the line in which an event begins, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark else 1
