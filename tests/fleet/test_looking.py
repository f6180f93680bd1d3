"""What a wave would change: counted from templates that are deployed and those of a synth; what cannot be seen is not nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fleet.loading import load_fleet
from fleet.looking import replacements
from fleet.model import Member
from safe_io.errors import BadInput
from tests.operations.fake_account import DENIED, FakeAccount, stack
from tests.support.environments import TODAY

HERE = Path(__file__).parent
THERE = {
    "describe_stacks": [
        stack("dev-network", environment="dev"),
        stack("dev-foundation", "ROLLBACK_COMPLETE", environment="dev"),
    ],
    "get_template dev-network": {
        "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}
    },
}


class Programs:
    """A synth and a review: what they were given, and what they answer."""

    def __init__(self, *changes: str, codes: Mapping[str, int] | None = None) -> None:
        self.changes, self.codes = changes, codes or {}
        self.base: dict[str, Any] = {}
        self.ran: list[str] = []

    def __call__(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        what = "synth" if command[1].endswith("app.py") else "review"
        self.ran.append(what)
        if what == "synth":
            assert json.loads(environment["CDK_CONTEXT_JSON"])["env"].endswith("dev.yaml")
        else:
            base = Path(command[command.index("--baseline") + 1])
            self.base = {path.name: json.loads(path.read_text()) for path in base.iterdir()}
            evidence = {"type": "AWS::EC2::VPC", "stack": "dev-network", "resource": "Vpc"}
            changes = [{"change": one, "because": ["CidrBlock"], "evidence": evidence} for one in self.changes]
            Path(command[command.index("-o") + 1]).write_text(json.dumps({"baseline": {"changes": changes}}))
        return self.codes.get(what, 0)


def looked(programs: Programs, answers: Mapping[str, Any]) -> tuple[int, list[str]]:
    fleet = load_fleet(HERE / "good.yaml", today=TODAY)
    members: list[Member] = list(fleet.waves[0].members)
    said: list[str] = []
    return replacements(members, lambda _: FakeAccount(answers), run=programs, say=said.append), said


def test_what_is_replaced_or_removed_is_counted_and_named() -> None:
    programs = Programs("replaced", "modified", "added", "removed")
    found, said = looked(programs, THERE)
    assert found == 2
    assert "dev: replaced: AWS::EC2::VPC dev-network/Vpc (CidrBlock)" in said
    assert said[-1] == "dev: 4 resources change, 2 of them are replaced or removed"
    assert programs.base == {"dev-network.template.json": THERE["get_template dev-network"]}, (
        "a stack that never was is no base"
    )


def test_of_a_new_environment_nothing_is_replaced() -> None:
    programs = Programs()
    assert looked(programs, {}) == (0, ["dev: is new: nothing is replaced"])
    assert programs.ran == ["synth"]


@pytest.mark.parametrize(
    ("codes", "answers", "words"),
    [
        ({"synth": 2}, THERE, "its synth failed"),
        ({"review": 70}, THERE, "its review failed"),
        ({}, {"describe_stacks": DENIED}, "nobody knows what it would change: cloudformation:DescribeStacks"),
    ],
)
def test_what_cannot_be_seen_is_not_nothing(codes: dict[str, int], answers: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        looked(Programs(codes=codes), answers)
