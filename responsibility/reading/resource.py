"""A resource with its properties worked out.

Properties always have CloudFormation's shape: the answers of an API, and older custom resources, are turned into it.
So each check is written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from responsibility.findings import Evidence
from responsibility.reading.placeholders import is_placeholder
from responsibility.reading.template import Template
from responsibility.reading.unknown import UnknownValue as UnknownValue
from responsibility.reading.values import Reference, Unknown, Unread, gap_of, unsaid

_CDK_HASH = re.compile(r"(?=[A-F]*\d)[0-9A-F]{8}")


class OddShape(UnknownValue):
    """A value of a shape that CloudFormation or Kubernetes would refuse: a list where a mapping belongs.

    It is raised by what reads a value as something (a property of a fact, ``mapping``, ``number``...), so a check need not look.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the properties of a resource of an account come from."""

    api: str
    """The call that returned them, as IAM names it: ``eks:DescribeCluster``."""
    member: str = ""
    """The member of EKS's answer that contains them: ``cluster``."""
    account: str = ""
    region: str = ""
    apis: Mapping[str, str] = field(default_factory=dict)
    """The call behind a property that came from another one, by the property's name."""

    def where(self, path: str) -> tuple[str, str]:
        """Returns the call, and the field of its answer, behind the path of a property."""
        if not path:
            return self.api, ""
        name, _, _ = path.partition(".")
        if name in self.apis:
            return self.apis[name], path
        return self.api, _ANSWERED.get(path, _below(self.member, path)) if self.member else path


_ANSWERED = {"Logging.ClusterLogging.EnabledTypes": "cluster.logging.clusterLogging"}
"""Where EKS answers something in another shape than CloudFormation's."""


def _below(member: str, path: str) -> str:
    """Returns a path as EKS writes it: camelCase, below what holds it."""
    return ".".join([member, *(step[:1].lower() + step[1:] for step in path.split("."))])


@dataclass(eq=False, slots=True)
class Resource:
    """A resource of a template (or of an account, in the same shape)."""

    stack: str
    id: str
    """Logical id."""
    type: str
    properties: dict[str, Any]
    template: Template | None = None
    wrapped: Literal["", "Config"] = ""
    """The property that holds the others, written camelCase, in the custom resources of older CDK versions."""
    belongs_to: Any = None
    """The cluster's name or a reference to it, where its properties do not have it."""
    deletion_policy: str = "Delete"
    update_policy: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    conditional: str = ""
    """The condition that decides whether it exists, where that is not known."""
    answer: Answer | None = None
    """For a resource of an account: where it came from."""
    moved: Mapping[str, list[int]] = field(default_factory=dict)
    """Where items of a list are in the template, by the list's path: those that are not known were left out of it."""

    def evidence(self, path: str = "") -> Evidence:
        """Returns where this is, for a finding."""
        if self.answer:
            api, path = self.answer.where(path)
            return Evidence(stack=self.stack, resource=self.id, type=self.type, path=path, api=api)
        if self.moved and path:
            path = self._written(path)
        if self.wrapped and path:
            path = _below(self.wrapped, path)
        template = self.template
        return Evidence(
            stack=self.stack,
            resource=self.id,
            type=self.type,
            path=path,
            file=template.file if template else "",
            line=template.line(self.id, path) if template else 0,
        )

    def _written(self, path: str) -> str:
        """Returns the path of a property in the template."""
        here, there = "", ""
        for step in path.split("."):
            index = self.moved.get(here)
            here = f"{here}.{step}" if here else step
            said = str(index[int(step)]) if index and step.isdecimal() and int(step) < len(index) else step
            there = f"{there}.{said}" if there else said
        return there

    def known_part(self) -> Resource:
        """Returns it without the items of lists that are not known; itself where there is no such item."""
        moved: dict[str, list[int]] = {}
        properties = _known_part(self.properties, "", moved)
        return replace(self, properties=properties, moved=moved) if moved else self

    @property
    def label(self) -> str:
        """The logical id for people; in an account, the whole name."""
        return self.id if self.answer else label(self.id)

    @property
    def account(self) -> str:
        """The account it is in; empty = not known."""
        source = self.template or self.answer
        return source.account if source else ""

    @property
    def region(self) -> str | None:
        """The region it is in, empty = not known; None = it is in none: a file of Kubernetes objects."""
        if self.answer:
            return self.answer.region
        return self.template.region if self.template and self.template.name else None

    @property
    def key(self) -> str:
        """The resource's name among all stacks."""
        return f"{self.stack}/{self.id}"

    def get(self, path: str, default: Any = None) -> Any:
        """Returns the value at a dotted path (items of a list by number); ``default`` where there is none.

        Where the default is a list or a mapping the value is one, too: one item alone is a list of one.

        Raises UnknownValue where the template does not say, says a part of it, or says something of another shape.
        """
        value = self.partly(path, default)
        if isinstance(value, str) and (why := gap_of(value)):
            raise UnknownValue(self.evidence(path), f"a part of it is not known: {why}")
        return value

    def partly(self, path: str, default: Any = None) -> Any:
        """Returns the same; of a text, what is known of it is enough (``values.has_gap``). Raises UnknownValue."""
        value = self._at(path)
        if value is None:
            return default
        if isinstance(default, list | dict) and not isinstance(value, type(default)):
            if isinstance(value, Reference):
                raise UnknownValue(self.evidence(path), f"is given by {value.words}")
            if isinstance(default, dict) or not isinstance(value, str | dict):
                raise OddShape(self.evidence(path), f"should be a {'list' if isinstance(default, list) else 'mapping'}")
            return [value]
        return value

    def _at(self, path: str) -> Any:
        value: Any = self.properties
        for step in path.split("."):
            if isinstance(value, dict) and step == "0" and step not in value:
                continue  # CloudFormation takes one item alone for a list of one
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list):
                if not step.isdecimal():
                    raise OddShape(self.evidence(path), "is below a list, where a mapping should be")
                value = value[int(step)] if int(step) < len(value) else None
            elif isinstance(value, Reference):
                # A whole object that another resource gives: nothing below it can be read.
                raise UnknownValue(self.evidence(path), f"is given by {value.words}")
            else:
                raise OddShape(self.evidence(path), "is below something that is neither a mapping nor a list")
            if isinstance(value, Unknown):
                raise UnknownValue(self.evidence(path), value.reason, given=value.given)
            if value is None:
                return None
        return value

    def items(self, path: str) -> list[tuple[str, Any]]:
        """Returns path and value of each item of a list; a value alone is a list of one.

        Raises UnknownValue for a list, an item or a part of an item's text that the template does not say.
        """
        found, unknown = self.items_seen(path)
        if unknown:
            raise unknown
        return found

    def items_seen(self, path: str) -> tuple[list[tuple[str, Any]], UnknownValue | None]:
        """Returns path and value of each item that is known, and the first that is not: one bad item may be answer enough.

        Raises UnknownValue for a list that the template does not say.
        """
        value = self.get(path, [])
        if isinstance(value, Reference):
            raise UnknownValue(self.evidence(path), f"is given by {value.words}")
        found: list[tuple[str, Any]] = []
        first: UnknownValue | None = None
        for at in [f"{path}.{index}" for index in range(len(value))] if isinstance(value, list) else [path]:
            try:
                item = self.get(at) if isinstance(value, list) else value
                if unsaid(item):
                    raise UnknownValue(self.evidence(at), "a part of it is not known here")
                found.append((at, item))
            except UnknownValue as unknown:
                first = first or unknown
        return found, first

    def maybe(self, path: str, default: Any = None) -> Any:
        """Returns the value at a path, or ``default`` where it is not there or not known: for pictures and words."""
        try:
            return self.partly(path, default)
        except UnknownValue:
            return default


def _known_part(value: Any, path: str, moved: dict[str, list[int]]) -> Any:
    """Returns a value without the items of lists that are not known; ``moved`` gets where the others were."""
    if isinstance(value, Unread):
        return value
    if isinstance(value, dict):
        return {key: _known_part(item, f"{path}.{key}" if path else str(key), moved) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    kept = [index for index, item in enumerate(value) if not (isinstance(item, Unknown) or is_placeholder(item))]
    if kept and len(kept) < len(value):
        moved[path] = kept
    else:
        kept = list(range(len(value)))
    return [_known_part(value[index], f"{path}.{number}", moved) for number, index in enumerate(kept)]


def text(value: Any) -> str:
    """Returns a name for people: of a reference, the logical id."""
    return label(value.resource) if isinstance(value, Reference) else str(value)


def label(logical_id: str) -> str:
    """Returns a logical id without the hash that the CDK puts at its end."""
    name, end = logical_id[:-8], logical_id[-8:]
    return name if name and _CDK_HASH.fullmatch(end) else logical_id
