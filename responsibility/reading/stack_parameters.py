"""The parameters of stacks as facts, for checks that judge how they are declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from responsibility.reading.facts import Fact, Facts
from responsibility.reading.resource import Resource
from responsibility.reading.template import Template


class StackParameter(Fact):
    """A parameter of a template. It is no resource: nothing counts or draws it."""

    what = "parameter"


def parameters(templates: Iterable[Template], facts: Facts) -> Iterator[StackParameter]:
    """Yields the parameters of every template."""
    for template in templates:
        declared = template.body.get("Parameters")
        for name, body in declared.items() if isinstance(declared, dict) else ():
            if isinstance(body, dict):
                inside = replace(template, within=("Parameters", name))
                yield StackParameter(Resource(template.name, str(name), "Parameter", body, inside), facts)
