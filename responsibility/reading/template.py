"""One CloudFormation template or file of Kubernetes objects as plain data: JSON or YAML, with the line of each resource."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from safe_io.errors import BadInput as BadSource
from safe_io.json_text import load_json
from safe_io.yaml_file import YamlFile
from safe_io.yaml_scalars import Rules

__all__ = ["RULES", "BadSource", "Template", "parse"]


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
    given: dict[str, str] = field(default_factory=dict)
    """Values of parameters, as somebody deploys it with them (``reading/parameters.py``)."""

    def line(self, resource: str, path: str = "") -> int:  # noqa: ARG002 (of a file of objects, the path decides)
        """Returns the line of a resource; 0 = not known."""
        return self.lines.get(resource, 0)

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


def _short_form(tag: str, value: Any) -> dict[str, Any]:
    """Returns what a short form of CloudFormation (``!Sub``) is in full."""
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


RULES = Rules(
    # CloudFormation takes 1 MB (cloudformation-limits.html); indentation may make a file larger than what is sent.
    max_bytes=20_000_000,
    max_values=300_000,
    max_depth=100,
    yaml_1_1=True,
    empty_values=True,
    merge_keys=True,
    tags=_short_form,
    lines_to=0,
)
"""How templates and Kubernetes objects of anybody are read."""


def parse(text: str, file: str) -> list[Any]:
    """Returns the documents of a file: one for JSON, as many as there are for YAML.

    Raises BadSource with file, line and what is wrong.
    """
    is_yaml = file.endswith((".yaml", ".yml"))
    if text.lstrip()[:1] in ("{", "["):
        try:
            return [load_json(text, file, RULES)]
        except BadSource:
            # A flow mapping of YAML begins like JSON.
            if not is_yaml:
                raise
    return [document.data for document in YamlFile.parse(text, file, RULES)]
