"""Past the keys of an environment file: `overrides:`, and an environment's own Python module."""

import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks import hook
from stacks.environment.override_spec import OverrideSpec
from stacks.overrides import apply


@pytest.fixture
def stack() -> cdk.Stack:
    stack = cdk.Stack(cdk.App(context={"aws:cdk:disable-asset-staging": True}), "one")
    iam.Role(
        stack,
        "Role",
        assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        description="before",
        max_session_duration=cdk.Duration.hours(2),
    )
    ec2.CfnSecurityGroup(
        stack, "Group", group_description="a",
        security_group_ingress=[{"ipProtocol": "tcp", "fromPort": 1}, {"ipProtocol": "tcp", "fromPort": 2}],
    )  # fmt: skip
    cdk.Tags.of(stack).add("team", "shop")
    return stack


def override(path: str, name: str, value: object) -> OverrideSpec:
    return OverrideSpec.model_validate(
        {"path": path, "property": name, "value": value, "reason": "a test that has a reason"}
    )


def test_overrides_come_last_and_leave_a_mark(stack):
    apply(
        stack.node.root,  # type: ignore[arg-type]
        [
            override("one/Role", "Description", "after"),
            override("one/Role/Resource", "MaxSessionDuration", None),
            override("one/Role", "Tags", [{"Key": "team", "Value": "other"}]),
            override("one/Group", "SecurityGroupIngress.1.FromPort", 3),
            override("one/Role", "AssumeRolePolicyDocument.Statement.0.Principal.Service", {"Ref": "AWS::NoValue"}),
        ],
    )
    resources = Template.from_stack(stack).to_json()["Resources"]
    role, group = (next(one for one in resources.values() if one["Type"].endswith(kind)) for kind in ("Role", "Group"))
    assert role["Properties"]["Description"] == "after"
    assert role["Properties"]["Tags"] == [{"Key": "team", "Value": "other"}]
    assert "MaxSessionDuration" not in role["Properties"]
    assert [rule["FromPort"] for rule in group["Properties"]["SecurityGroupIngress"]] == [1, 3]
    reason = "a test that has a reason"
    assert group["Metadata"]["eks-platform/overrides"] == [
        {"Property": "SecurityGroupIngress.1.FromPort", "Reason": reason}
    ]
    assert [one["Property"] for one in role["Metadata"]["eks-platform/overrides"]] == [
        "Description", "MaxSessionDuration", "Tags", "AssumeRolePolicyDocument.Statement.0.Principal.Service",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "where", "words"),
    [
        ([("one/Rolle", "Path", "/")], (0, "path"), "no resource has this path. The nearest: one/Role"),
        ([("two/Role", "Path", "/")], (0, "path"), "The nearest: one/Role"),
        ([("one/Role/Resource/More", "Path", "/")], (0, "path"), "no resource has this path"),
        ([("one/Role", "Descripton", "a")], (0, "property"), "AWS::IAM::Role has no property Descripton. Did you mean Description?"),
    ],
)  # fmt: skip
def test_what_matches_nothing_is_refused_with_the_nearest(stack, overrides, where, words):
    with pytest.raises(Misplaced) as refusal:
        apply(stack.node.root, [override(*one) for one in overrides])
    assert refusal.value.where == ("overrides", *where)
    assert words in str(refusal.value)


def called(folder: Path, text: str) -> list[str]:
    (folder / "platform.yaml").write_text("name: a\n")
    (folder / "platform.py").write_text(text)
    seen: list[str] = []
    before = list(sys.path)
    try:
        hook.customize(folder / "platform.yaml", seen)  # type: ignore[arg-type]
    finally:
        assert sys.path == before
    return seen


def test_the_module_beside_the_file_gets_the_finished_stacks(tmp_path):
    (tmp_path / "beside_it.py").write_text("WORD = 'beside'")
    text = "import platform\nfrom beside_it import WORD\ndef customize(stacks):\n    stacks += [platform.python_version(), WORD]\n"
    assert called(tmp_path, text) == [sys.version.split()[0], "beside"]


def test_a_file_without_a_module_has_none(tmp_path):
    hook.customize(tmp_path / "platform.yaml", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def other(): pass", "platform.py:1: has no function customize(platform)"),
        ("def customize(a):\n    b = 1\n    a.none", "platform.py:3: AttributeError: "),
        ("def customize(a):\n    len(1)", "platform.py:2: TypeError: "),
        ("import no_such_module", "platform.py:1: ModuleNotFoundError: "),
        ("def customize(a:\n", "platform.py:1: "),
        ("def customize(): pass", "platform.py:1: TypeError: "),
    ],
)
def test_what_the_module_does_wrong_is_one_line_with_its_place(tmp_path, text, words):
    with pytest.raises(BadInput) as refusal:
        called(tmp_path, text)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
