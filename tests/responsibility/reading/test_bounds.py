"""Templates that are small and stand for work without end: the work is counted, bounded, and the bound is named.

Steps are counted, never timed: what is counted here is what a function or a loop makes.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from responsibility import bounds
from responsibility.bounds import Budget
from responsibility.reading import sources
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.functions import world_of
from responsibility.reading.joining import cluster_joined
from responsibility.reading.loops import write_out
from responsibility.reading.partly_known import _CLOSE as CLOSE
from responsibility.reading.partly_known import _OPEN as OPEN
from responsibility.reading.partly_known import holes, without_gaps
from responsibility.reading.reader import read as read_facts
from responsibility.reading.resource import Resource, label
from responsibility.reading.template import BadSource, Template
from responsibility.reading.values import Reference, Unknown, references

Body = dict[str, Any]


def nested(depth: int, wrap: Any, core: Any) -> Any:
    for _ in range(depth):
        core = wrap(core)
    return core


def chain(count: int, make: Any, first: Any) -> Body:
    """``V0`` is ``first``; each further one is made of the one before."""
    return {"V0": first, **{f"V{n}": make(f"V{n - 1}") for n in range(1, count)}}


def outputs(values: Body) -> Body:
    return {
        "Resources": {"R": {"Type": "T", "Properties": {"P": {"Fn::ImportValue": f"V{len(values) - 1}"}}}},
        "Outputs": {name: {"Value": value, "Export": {"Name": name}} for name, value in values.items()},
    }


def of(value: Any, **sections: Any) -> Body:
    return {"Resources": {"R": {"Type": "T", "Properties": {"P": value}}}, **sections}


def imported(name: str) -> Any:
    return {"Fn::ImportValue": name}


GROWING: dict[str, tuple[Body, str]] = {
    "Fn::Sub in Fn::Sub": (of(nested(30, lambda v: {"Fn::Sub": ["${a}" * 4, {"a": v}]}, "x" * 9)), "text"),
    "a text that doubles from output to output": (
        outputs(chain(60, lambda name: {"Fn::Join": ["", [imported(name)] * 2]}, "xx")),
        "text",
    ),
    "a list that doubles from output to output": (outputs(chain(60, lambda name: [imported(name)] * 2, ["x"])), "values"),
    "JSON of a list that doubles": (
        outputs(chain(60, lambda name: {"Fn::ToJsonString": [imported(name)] * 2}, "x")),
        "text",
    ),
    "a list that is split ten thousand times": (
        of([{"Fn::Split": [",", {"Ref": "List"}]}] * 10_000, Parameters={"List": {"Type": "String", "Default": "x," * 5_000}}),
        "values",
    ),
    "a mapping that is found ten thousand times": (
        of([{"Fn::FindInMap": ["M", "a", "b"]}] * 10_000, Mappings={"M": {"a": {"b": ["x"] * 1_000}}}),
        "values",
    ),
    "a chain of conditions": (
        of({"Fn::If": ["V300", 1, 2]}, Conditions=chain(301, lambda name: {"Fn::Not": [{"Condition": name}]}, {"Fn::Equals": [1, 1]})),
        "chain",
    ),
    "a value that grows deeper from output to output": (
        outputs(chain(40, lambda name: [[[imported(name)]]], "x")),
        "depth",
    ),
    "a chain of outputs": (outputs(chain(5_000, imported, "x")), "chain"),
}  # fmt: skip


@pytest.mark.parametrize("what", GROWING)
def test_what_grows_without_end_is_refused_after_so_many_steps(what: str) -> None:
    body, bound = GROWING[what]
    world = world_of([Template("s", "s.json", body, "")], "s.json")
    with pytest.raises(BadSource, match=rf"^s\.json.*\(bound: {bound}\)$"):
        world.scopes["s"].value(body["Resources"]["R"]["Properties"])
    # The text that is too much is refused before it is there: at most one value more than the bound was counted.
    assert world.budget.values <= bounds.VALUES.most + 10_000
    assert world.budget.letters <= 2 * bounds.TEXTS.most


WORKED_OUT: dict[str, tuple[Body, int]] = {
    "a condition that a thousand values ask": (
        of(
            [{"Fn::If": ["V20", 1, 2]}] * 1_000,
            Conditions=chain(21, lambda name: {"Fn::And": [{"Condition": name}] * 9}, {"Fn::Equals": [1, 1]}),
        ),
        2_000,
    ),
    "a variable that stands in a text a thousand times": (
        of({"Fn::Sub": ["${a}" * 1_000, {"a": {"Fn::Sub": ["${b}", {"b": {"Fn::Join": ["", ["x", "y"]]}}]}}]}),
        0,
    ),
    "exports that import each other": (outputs({"V0": imported("V1"), "V1": [imported("V0")] * 50}), 1_000),
    "a block that is worked out from itself": (
        {"Resources": {
            "R": {"Type": "T", "Properties": {"P": {"Fn::GetAtt": ["V", "CidrBlock"]}}},
            "V": {"Type": "T", "Properties": {"CidrBlock": {"Fn::Select": [0, {"Fn::Cidr": [{"Fn::GetAtt": ["V", "CidrBlock"]}, 1, 8]}]}}},
        }},
        1_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WORKED_OUT)
def test_a_value_that_many_ask_for_is_worked_out_once(what: str) -> None:
    body, most = WORKED_OUT[what]
    world = world_of([Template("s", "s.json", body, "")], "s.json")
    for resource in body["Resources"].values():
        world.scopes["s"].value(resource["Properties"])
    assert world.budget.values <= most
    assert world.budget.letters <= 10_000


def loop(name: str, items: Any, body: Body) -> Body:
    return {f"Fn::ForEach::{name}": [name, items, body]}


MANY = [str(number) for number in range(1_000)]
LOOPS: dict[str, tuple[Body, str]] = {
    "loops that make nothing": ({"Resources": loop("A", MANY, loop("B", MANY, loop("C", [], {})))}, "loop-turns"),
    "loops over an empty body": ({"Resources": loop("A", MANY, loop("B", MANY, {}))}, "loop-turns"),
    "a large body, copied": (
        {"Resources": loop("A", MANY, {"R${A}": {"Type": "T", "Properties": {"P": ["x"] * 10_000}}})},
        "values",
    ),
    "a long item, put in many places": (
        {"Resources": loop("A", ["x" * 10_000], {"R": {"Type": "T", "Properties": {"P": "${A}" * 1_000}}})},
        "text",
    ),
}


@pytest.mark.parametrize("what", LOOPS)
def test_loops_are_counted_even_if_they_make_nothing(what: str) -> None:
    body, bound = LOOPS[what]
    with pytest.raises(BadSource, match=rf"^t\.json: Resources.*\(bound: {bound}\)$"):
        write_out(body, "t.json")


OPENED = OPEN * 200_000
WORDS = "x/a." * 200_000
LONG: dict[str, Any] = {
    "placeholders that nobody closes": lambda: [*holes(OPENED), *references(OPENED)],
    "placeholders in placeholders": lambda: without_gaps(OPENED + CLOSE * 200_000),
    "a reference of many parts": lambda: list(references(OPEN + WORDS)),
    "references of many parts": lambda: list(references((OPEN + "x/a-" * 50) * 4_000)),
    "a script of beginnings": lambda: joined("kind: NodeConfig\n  cluster:\n  name: \n" * 600),
    "a script of settings": lambda: joined("settings.kubernetes cluster-name " * 600),
    "a script of open references": lambda: joined(("/etc/eks/bootstrap.sh " + OPEN * 3) * 600),
    "a logical id of hexadecimal letters": lambda: label("A" * 500_000),
    "lines without end": lambda: Template("s", "s.yaml", {"Resources": {"A": {}}}, "\n" * 500_000 + "A:").line(
        "A", "b.0"
    ),
    "a line of spaces": lambda: Template("s", "s.yaml", {"Resources": {"A": {}}}, " " * 500_000 + "A").line("A", "b.0"),
    "JSON of beginnings": lambda: Template("s", "s.json", {"Resources": {"A": {}}}, "[" * 900 + '"' * 500_000).line(
        "A"
    ),
}


def joined(script: str) -> str:
    template = Resource("s", "T", "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"UserData": script}})
    named = {"LaunchTemplate": {"LaunchTemplateId": template}}
    return cluster_joined(Resource("s", "G", "AWS::AutoScaling::AutoScalingGroup", named), {template.key: template})


@pytest.mark.parametrize("what", LONG)
def test_a_long_text_is_read_in_one_pass(what: str) -> None:
    """With an expression that looks anew from every place these would take minutes to hours."""
    LONG[what]()


def test_the_innermost_placeholder_counts_where_one_is_left_open() -> None:
    assert list(holes("a${${b}c}${", "${", "}")) == [(3, 7, "b")]
    assert (
        without_gaps(f"${{{Unknown('gap')}/{Reference('s', 'Id', 'Arn')} {OPEN}AWS::Region{CLOSE}")
        == "${.../Id ${AWS::Region}"
    )


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5_000, '{"a": 1, "a": 2}', "NaN", "{"])
def test_json_inside_of_a_text_is_bounded(text: str) -> None:
    with pytest.raises(NoData):
        json_in(text)


def test_a_value_counts_wherever_it_is_used() -> None:
    budget = Budget("x")
    shared = ["a", "b"]
    budget.made({"one": shared, "two": shared})
    assert budget.values == 2 + 2 + 2


def test_functions_of_another_shape_are_unknown() -> None:
    world = world_of([Template("s", "s.json", of(1), "")])
    for name in ("Fn::Join", "Fn::Split", "Fn::Select", "Fn::If", "Fn::Equals", "Fn::And", "Fn::FindInMap", "Fn::Cidr"):
        for argument in (None, 7, "x", [], {}, [None], [[], {}], [{}, [], 1, 2, 3], ["", 7]):
            found = world.scopes["s"].value({name: argument})
            assert isinstance(found, Unknown | str | int | bool), (name, argument)


def test_a_chain_of_deep_links_is_refused(tmp_path: Path) -> None:
    values = chain(90, lambda name: nested(30, lambda inner: {"Fn::Join": ["", ["a", inner]]}, imported(name)), "x")
    (tmp_path / "s.json").write_text(json.dumps(outputs(values)))
    with pytest.raises(BadSource, match=r"\(bound: chain\)$"):
        read_facts(sources.read(str(tmp_path / "s.json")), date(2026, 11, 24))
