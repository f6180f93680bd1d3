"""One CloudFormation template or file of Kubernetes objects as plain data: JSON or YAML, with the line of each resource."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from safe_io.errors import BadInput as BadSource
from safe_io.json_text import json_lines, load_json
from safe_io.where import Where
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
    """Values of parameters for a deploy (``reading/parameters.py``)."""

    number: int = 0
    """Which document of its file it is."""
    within: Where | None = None
    """Of a Kubernetes object: where in its document it is."""
    keys: Keys | None = field(default=None, repr=False)
    """The keys of its file, which the other documents of the file share."""

    def line(self, logical_id: str, path: str = "") -> int:
        """Returns the line of a resource's property, else of what it is in; 0 = it has none in the text."""
        if self.keys is None:
            self.keys = Keys(self.text, self.file)
        lines = self.keys.of(self.number)
        begin: Where = self.within or ()
        if self.within is None:
            resources = self.body.get("Resources") or {}
            begin = getattr(resources, "origins", {}).get(logical_id) or ("Resources", logical_id)
        line = lines.get(begin, 0)
        where = begin if self.within is not None else (*begin, "Properties")
        for step in path.split(".") if path else ():
            where = (*where, int(step)) if step.isdecimal() and (*where, int(step)) in lines else (*where, step)
            if where not in lines:
                break
            line = lines[where]
        return line


class Keys:
    """The line of each key of a file, found on demand."""

    def __init__(self, text: str, file: str) -> None:
        """Reads nothing yet."""
        self._text, self._file = text, file

    def of(self, number: int) -> dict[Where, int]:
        """Returns the lines of a document of the file, by where a key is."""
        return self._documents[number] if number < len(self._documents) else {}

    @cached_property
    def _documents(self) -> list[dict[Where, int]]:
        try:
            return [json_lines(self._text)]
        except ValueError:
            pass
        try:
            return [
                one.lines for one in YamlFile.parse(self._text, self._file, replace(RULES, lines_to=RULES.max_depth))
            ]
        except BadSource:
            return []


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
"""Rules for reading untrusted templates and Kubernetes objects."""


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
