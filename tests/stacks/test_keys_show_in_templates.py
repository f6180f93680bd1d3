"""What a key of an environment file says shows in the templates, the Kubernetes objects or the handouts.

Each key that takes a free text or a number gets one that nothing else has, and all of these are looked for in one build. Switches and
choices have no value of their own: test_keys_have_effect.py sees that they are read, and the tests of the constructs what they do.
"""

import copy
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from pydantic import BaseModel, ValidationError

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.controllers import charts_of
from stacks.environment.model import Environment
from stacks.platform import build
from tests.stacks.every_field import FILES
from tests.stacks.test_every_field import Where, fields, held, models, of_field
from tests.stacks.test_keys_have_effect import ELSEWHERE, buildable
from tests.support.environments import ROOT, validated

HIDDEN = {
    **ELSEWHERE,
    "AddonSpec.endpoints": "says what a network reaches: tests/stacks/test_reachability.py",
    "ChartSpec.provides": "names what objects may use: tests/stacks/test_charts.py",
    "ClusterSpec.provided_elsewhere": "names what objects may use: tests/stacks/test_charts.py",
    "SecurityGroupRuleSpec.ports": "a range shows as its two ends",
    "PrometheusSpec.configuration": "shows in Base64: tests/constructs/test_services.py",
    "RefreshSpec.bake_minutes": "shows in seconds",
    "RefreshSpec.checkpoint_minutes": "shows in seconds",
    "SelfManagedGroupSpec.max_lifetime_days": "shows in seconds",
    "ExistingNetworkSpec.cidr": "says what nodes reach without NAT",
    "ExistingNetworkSpec.vpc_id": "goes into values of controllers, which this file has none of",
}
"""Keys whose values do not show as they are, why, and what tests them."""


def own_values(value: Any, number: int) -> Iterator[tuple[Any, str]]:
    """Values like ``value`` that no other key has, each with the text to look for."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield from ((one, str(one)) for one in (number * 7 + 1000, number + 200, number + 30, number))
    elif isinstance(value, str):
        yield from _own_texts(value, number)
    elif isinstance(value, list) and value:
        yield from (([*value[:-1], one], text) for one, text in own_values(value[-1], number))
    elif isinstance(value, dict):
        for key, now in value.items():
            yield from (({**value, key: one}, text) for one, text in own_values(now, number))


def _own_texts(value: str, number: int) -> Iterator[tuple[str, str]]:
    if value.isdigit():
        yield str(int(value) + number), str(int(value) + number)
        return
    yield f"{value[:-5]}{number:03x}5c", f"{number:03x}5c"
    yield f"{value}q{number}z", f"q{number}z"
    if (found := re.match(r"(\D*)(\d+)(.*)$", value)) and len(found[2]) < 5:
        yield from ((f"{found[1]}{one}{found[3]}", f"{found[1]}{one}{found[3]}") for one in (number + 30, number))
    if found := re.match(r"(10|192|172)\.(\d+)\.", value):
        text = f"{found[1]}.{int(found[2]) + number % 7 + 1}."
        yield value.replace(found[0], text, 1), text


def accepted(data: dict[str, Any]) -> Environment | None:
    try:
        environment = validated(data)
        for cluster in environment.clusters:
            list(charts_of(cluster, environment))
    except (ValidationError, Misplaced, BadInput):
        return None
    assert isinstance(environment, Environment)
    return environment


class Rendered:
    """Everything that environments come to."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()

    def of(self, environment: Environment) -> Iterator[str]:
        folder = self._folder / str(next(self._numbers))
        context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:disable-asset-staging": True}
        app = cdk.App(
            context=context, outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False
        )
        platform = build(app, environment)
        app.synth()
        platform.write_manifests(folder / "manifests")
        platform.write_handouts(folder / "handouts")
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and (name.endswith(".template.json") or name.startswith(("manifests", "handouts"))):
                yield path.read_text()


def without_effect(data: dict[str, Any], rendered: Rendered) -> set[str]:
    """The keys of a file, among those that take a value of their own, whose value is nowhere in what the file comes to."""
    before = validated(data)
    text = "\n".join(rendered.of(before))
    changed, looked_for = data, dict[str, str]()
    for number, (where, model, name) in enumerate(fields(before), start=11):
        key = f"{model.__name__}.{name}"
        # A section shows by the keys in it; of several places of a key, the first that takes such a value is enough.
        if key in looked_for or models(model.model_fields[name].annotation):
            continue
        for value, own in own_values(held(data, where), number):
            if own not in text and _fits(model, name, value) and (right := _put(changed, where, value)):
                changed, looked_for[key] = right, own
                break
    environment = accepted(changed)
    assert environment
    text = "\n".join(rendered.of(environment))
    assert len(looked_for) > 70, "most keys take a value of their own"
    return {key for key, own in looked_for.items() if own not in text}


def _fits(model: type[BaseModel], name: str, value: Any) -> bool:
    try:
        of_field(model.model_fields[name]).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def _put(data: dict[str, Any], where: Where, value: Any) -> dict[str, Any] | None:
    """The file with another value, if it is right."""
    changed = copy.deepcopy(data)
    held(changed, where[:-1])[where[-1]] = value
    return changed if accepted(changed) else None


@pytest.mark.parametrize("number", range(len(FILES)))
def test_every_value_shows(number: int, tmp_path: Path) -> None:
    data = buildable(FILES[number])
    data.pop("overrides", None)  # tests/stacks/test_overrides.py
    assert sorted(without_effect(data, Rendered(tmp_path)) - HIDDEN.keys()) == []
