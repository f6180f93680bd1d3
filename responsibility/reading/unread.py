"""What a template brings that was not read: macros, modules, nested stacks that are not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from responsibility.reading.template import Template

_LANGUAGE = ("AWS::LanguageExtensions",)
"""Macros whose functions are worked out here."""
_SECRETS = ("AWS::SecretsManager-",)
"""Macros that touch secrets alone: rotation functions, no cluster."""

_WHOLE_STACKS = {
    "AWS::CloudFormation::StackSet": "stack set",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "product",
}
"""Resources that deploy a template of their own, and what people call them."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of a template that may bring any resource.

    Attributes:
        stack: the stack that has it.
        what: what it is, for people: ``nested stack Workers``.
        resource: its logical id; empty = the whole template.
        brings: resources of any type, as a nested stack does; functions, interfaces and tables, as SAM does; or Kubernetes objects.
        beside_all: whether what it adds may belong to anything in its template: a snippet among the resources, a module, a loop
            over something that is known at the deploy.
    """

    stack: str
    what: str
    resource: str = ""
    brings: Literal["resources", "functions", "objects"] = "resources"
    beside_all: bool = False


def macros(template: Template) -> tuple[str, ...]:
    """Returns the custom macros of a template: each may replace any of its values."""
    return tuple(name for name in _transforms(template.body.get("Transform")) if not name.startswith("AWS::"))


def unread(templates: list[Template]) -> list[Unread]:
    """Returns what the templates bring that was not read."""
    here = {template.parent for template in templates if template.parent}
    return [found for template in templates for found in _of(template, here)]


def _of(template: Template, here: set[tuple[str, str]]) -> Iterator[Unread]:
    for name in _transforms(template.body.get("Transform")):
        if name.startswith("AWS::Serverless"):
            yield Unread(template.name, f"what macro {name} makes of its resources", brings="functions")
        elif not name.startswith((*_LANGUAGE, *_SECRETS)):
            yield Unread(template.name, f"what macro {name} makes of the template")
    for id_, resource in template.body["Resources"].items():
        kind = resource.get("Type", "") if isinstance(resource, dict) else ""
        if kind == "AWS::CloudFormation::Stack" and (template.name, id_) not in here:
            yield Unread(template.name, f"nested stack {id_}", id_)
        elif kind in _WHOLE_STACKS:
            yield Unread(template.name, f"{_WHOLE_STACKS[kind]} {id_}", id_)
        elif isinstance(kind, str) and kind.endswith("::MODULE"):
            yield Unread(template.name, f"module {id_} ({kind})", id_, beside_all=True)
        elif kind in ("Fn::Transform", "Fn::ForEach"):
            yield Unread(template.name, f"what {id_} brings", id_, beside_all=True)
        elif _includes(resource):
            yield Unread(template.name, f"what Fn::Transform brings into {id_}", id_)


def _transforms(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        name = item.get("Name") if isinstance(item, dict) else item
        if isinstance(name, str):
            yield name


def _includes(resource: Any) -> bool:
    todo = [resource]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "Fn::Transform" in item:
                return True
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return False
