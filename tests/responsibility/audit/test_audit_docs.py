"""docs/audit.md has the policy of the calls that an audit makes, and nothing wider."""

import json
import re

from responsibility.account import permissions
from tests.support.environments import ROOT

POLICY = permissions.policy("audit")


def test_the_policy_in_the_docs_is_the_one_of_the_table() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)
    assert json.loads(block) == POLICY, 'write what permissions.policy("audit") gives'


def test_the_policy_only_reads() -> None:
    actions = [action.split(":")[1] for statement in POLICY["Statement"] for action in statement["Action"]]
    assert len(actions) == len(permissions.CALLS["audit"])
    assert all(action.startswith(("Describe", "List", "Get")) for action in actions)
