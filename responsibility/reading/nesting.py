"""Nested stacks in a folder of templates: a child is the file that its parent's ``TemplateURL`` ends with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from responsibility.bounds import STACK_DEPTH, STACKS
from responsibility.reading.template import Template


def nest(templates: list[Template]) -> list[Template]:
    """Returns the templates with the nested ones under their parents: one for each stack that is made from them.

    A URL says which bucket, which nobody can look into; its last part is the name of the file that was put there.
    """
    files: dict[str, Template] = {PurePath(template.file).name: template for template in templates}
    children = {template.file: list(_children(template, files)) for template in templates}
    nested = {child.file for found in children.values() for _, child in found}
    if not nested:
        return templates
    placed: list[Template] = []

    def place(template: Template, above: tuple[str, ...]) -> None:
        STACKS.check(len(placed) + 1, template.file)
        STACK_DEPTH.check(len(above), template.file)
        placed.append(template)
        for logical_id, child in children[template.file]:
            if child.file not in (*above, template.file):
                name = f"{template.name}/{logical_id}"
                place(replace(child, name=name, parent=(template.name, logical_id)), (*above, template.file))

    for template in templates:
        if template.file not in nested:
            place(template, ())
    read = {template.file for template in placed}
    return placed + [template for template in templates if template.file not in read]


def _children(template: Template, files: dict[str, Template]) -> Iterator[tuple[str, Template]]:
    for logical_id, resource in template.body["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            # What the CDK notes, where a folder of its output has no manifest.json; what everybody else writes.
            places = (resource.get("Metadata"), (resource.get("Properties") or {}).get("TemplateURL"))
            names = (text.rsplit("/", 1)[-1] for text in _texts(list(places)))
            found = [files[name] for name in names if name in files]
            if found and found[-1].file != template.file:
                yield logical_id, found[-1]


def _texts(value: Any) -> Iterator[str]:
    """Yields every text in a value: of a Fn::Join, its parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
