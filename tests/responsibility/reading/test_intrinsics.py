"""Intrinsic functions, references between stacks, and what stays unknown."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responsibility.reading.functions import world_of
from responsibility.reading.intrinsics import World
from responsibility.reading.template import Template, parse
from responsibility.reading.values import Reference, Unknown

BODY: dict[str, Any] = {
    "Parameters": {
        "Size": {"Type": "Number", "Default": 3},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/aws/service/ami"},
        "Secret": {"Type": "String"},
    },
    "Mappings": {"Regions": {"eu-west-1": {"Cidr": "10.0.0.0/16"}}},
    "Conditions": {
        "Large": {"Fn::Equals": [{"Ref": "Size"}, "3"]},
        "Small": {"Fn::Not": [{"Condition": "Large"}]},
        "Either": {"Fn::Or": [{"Condition": "Small"}, {"Condition": "Large"}]},
        "Both": {"Fn::And": [{"Condition": "Small"}, {"Condition": "Large"}]},
        "Guess": {"Fn::Equals": [{"Ref": "Secret"}, "x"]},
        "Circle": {"Condition": "Circle"},
    },
    "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}},
    "Outputs": {
        "VpcId": {"Value": {"Ref": "Vpc"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-vpc"}}},
        "Name": {"Value": "blue"},
    },
}


@pytest.fixture
def world() -> World:
    other = {"Resources": {}, "Outputs": {"Far": {"Value": {"Fn::ImportValue": "base-vpc"}}}}
    return world_of(
        [Template("base", "base.json", BODY, "", region="eu-west-1"), Template("top", "top.json", other, "")]
    )


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"Ref": "Size"}, 3),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Vpc"}, Reference("base", "Vpc")),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, Reference("base", "Vpc", "CidrBlock")),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, Reference("base", "Vpc", "CidrBlock")),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":x"]]}, "arn:aws:x"),
        ({"Fn::Join": [",", [{"Ref": "Vpc"}]]}, Reference("base", "Vpc")),
        (
            {"Fn::Sub": "${AWS::StackName}/${Vpc}/${Vpc.CidrBlock}/${!Literal}"},
            f"base/{Reference('base', 'Vpc')}/{Reference('base', 'Vpc', 'CidrBlock')}/${{Literal}}",
        ),
        ({"Fn::Sub": ["${A}-${Size}", {"A": "x"}]}, "x-3"),
        ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}, "AZ 1"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Cidr"]}, "10.0.0.0/16"),
        ({"Fn::FindInMap": ["Regions", "nowhere", "Cidr", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]}, "10.1.1.0/24"),
        ({"Fn::If": ["Large", "big", "small"]}, "big"),
        ({"a": {"Fn::If": ["Small", "x", {"Ref": "AWS::NoValue"}]}, "b": 1}, {"b": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::ImportValue": "base-vpc"}, Reference("base", "Vpc")),
        ({"Fn::GetStackOutput": {"StackName": "base", "OutputName": "Name"}}, "blue"),
        ({"Fn::GetStackOutput": {"StackName": "top", "OutputName": "Far"}}, Reference("base", "Vpc")),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::Base64": "#!/bin/sh"}, "#!/bin/sh"),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_what_can_be_worked_out(world: World, raw: Any, value: Any) -> None:
    assert world.scopes["base"].value(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"Ref": "Secret"}, "no default"),
        ({"Ref": "Ami"}, "SSM"),
        ({"Ref": "Nothing"}, "neither a parameter nor a resource"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, "not a resource"),
        ({"Fn::If": ["Guess", 1, 2]}, "no default"),
        ({"Fn::If": ["Circle", 1, 2]}, "depends on itself"),
        ({"Fn::If": ["Missing", 1, 2]}, "not defined"),
        ({"Fn::ImportValue": "elsewhere"}, "not here"),
        ({"Fn::GetStackOutput": {"StackName": "elsewhere", "OutputName": "x"}}, "not here"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "not known"),
        ({"Fn::Select": [7, ["a"]]}, "cannot be worked out"),
        ("{{resolve:ssm:/some/name}}", "read at deploy"),
        ({"Fn::FindInMap": ["Regions", "nowhere", "Cidr"]}, "has no nowhere"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}, "does not hold"),
        ({"Fn::Cidr": ["10.0.0.0/8", 10**9, 1]}, "does not hold"),
        ({"Fn::Select": [float("inf"), {"Ref": "Zones"}]}, "cannot be worked out"),
    ],
)
def test_what_depends_on_the_account_is_unknown(world: World, raw: Any, reason: str) -> None:
    value = world.scopes["base"].value(raw)
    assert isinstance(value, Unknown)
    assert reason in value.reason


def test_a_text_with_a_gap_says_so(world: World) -> None:
    assert (
        world.scopes["base"].value({"Fn::Sub": "role-${Secret}"})
        == f"role-{Unknown('parameter Secret has no default')}"
    )


def test_short_forms_of_yaml() -> None:
    body = parse(
        "Resources:\n  A: {Type: T, Properties: {X: !GetAtt B.C.D, Y: !Sub 'a${Z}', W: !If [C, !Ref Q, 2025-01-01]}}\n",
        "t.yaml",
    )[0]
    assert body["Resources"]["A"]["Properties"] == {
        "X": {"Fn::GetAtt": ["B", "C.D"]},
        "Y": {"Fn::Sub": "a${Z}"},
        "W": {"Fn::If": ["C", {"Ref": "Q"}, "2025-01-01"]},
    }


FUNCTIONS = (
    "Ref",
    "Condition",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::If",
    "Fn::FindInMap",
    "Fn::Cidr",
)
NAMES = st.sampled_from(FUNCTIONS)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["Vpc", "Size", "Large", "Vpc.X", "10.0.0.0/8", "${Vpc}", "${"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=2),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(VALUES)
def test_no_template_breaks_the_reader(raw: Any) -> None:
    world_of([Template("base", "base.json", BODY, "")]).scopes["base"].value(raw)
