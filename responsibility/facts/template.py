"""One CloudFormation template or file of Kubernetes objects as plain data: JSON or YAML, with the line of each resource."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from responsibility.errors import BadSource as BadSource
from responsibility.yaml_data import LOADER

MAX_BYTES = 20_000_000
"""CloudFormation takes 1 MB (its quotas page, cloudformation-limits.html); indentation may make a file larger than what is sent."""
MAX_NODES = 1_000_000
MAX_DEPTH = 100


@dataclass
class Template:
    """A stack's template."""

    name: str
    """The stack's name; of a lone file, the file's name without suffix."""
    file: str
    body: dict[str, Any]
    text: str = field(repr=False)
    account: str = ""
    region: str = ""
    parent: tuple[str, str] | None = None
    """Of a nested stack: the name of the stack that holds it, and its logical id there."""

    @cached_property
    def lines(self) -> dict[str, int]:
        """The line of each resource, by logical id. Found by the way it is written, because no parser of JSON keeps lines."""
        ids = self.body.get("Resources") or {}
        found: dict[str, tuple[int, int]] = {}
        begins = re.search(r"^[ \t{]*\"?Resources\"?[ \t]*:", self.text, re.MULTILINE)
        start = begins.start() if begins else 0
        line, at = self.text.count("\n", 0, start) + 1, start
        for match in re.finditer(r"^([ \t]*)[\"']?([A-Za-z0-9]+)[\"']?[ \t]*:", self.text[start:], re.MULTILINE):
            line += self.text.count("\n", at, start + match.start(2))
            at = start + match.start(2)
            if match[2] in ids and (match[2] not in found or len(match[1]) < found[match[2]][0]):
                found[match[2]] = (len(match[1]), line)
        return {name: number for name, (_, number) in found.items()}


def parse(text: str, file: str) -> list[Any]:
    """Returns the documents of a file: one for JSON, as many as there are for YAML.

    Raises BadSource with file, line and what is wrong.
    """
    if len(text) > MAX_BYTES:
        raise BadSource(f"{file}: has {len(text):,} characters; a CloudFormation template has at most 1,000,000")
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            value = json.loads(text)
            if _depth(value) > MAX_DEPTH:
                raise BadSource(f"{file}: is nested more than {MAX_DEPTH} levels deep")
            return [value]
        except json.JSONDecodeError as error:
            # A flow mapping of YAML begins like JSON.
            if not file.endswith((".yaml", ".yml")):
                raise BadSource(f"{file}:{error.lineno}: is not JSON: {error.msg} (column {error.colno})") from None
        except RecursionError:
            raise BadSource(f"{file}: is nested too deep; CloudFormation would refuse it") from None
    return _parse_yaml(text, file)


def _depth(value: Any) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        item, level = todo.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, level)
            todo.extend((inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return deepest


_BASE: Any = LOADER


class _Loader(_BASE):  # type: ignore[misc]
    """YAML with CloudFormation's short forms (``!Sub``), dates left as text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _BASE.yaml_implicit_resolvers.items()
}


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def _parse_yaml(text: str, file: str) -> list[Any]:
    try:
        _limit(text, file)
        return [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadSource(f"{file}:{line}: is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise BadSource(f"{file}: is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise BadSource(f"{file}: is nested too deep; CloudFormation would refuse it") from None


def _limit(text: str, file: str) -> None:
    """Refuses what grows when it is read: aliases of aliases, and nesting without end. Raises BadSource."""
    sizes: dict[str, int] = {}
    open_nodes: list[list[Any]] = [[None, 0]]
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append([event.anchor, 1])
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
            open_nodes[-1][1] += size
            if anchor:
                sizes[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            open_nodes[-1][1] += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            open_nodes[-1][1] += 1
        if open_nodes[-1][1] > MAX_NODES:
            raise BadSource(f"{file}: holds more than {MAX_NODES:,} values once its YAML aliases are followed")
        if len(open_nodes) > MAX_DEPTH:
            raise BadSource(f"{file}: is nested more than {MAX_DEPTH} levels deep")
