"""Which AWS API calls each command may make. The IAM policy in docs/lock.md is made of this table.

An :class:`~responsibility.account.session.Account` refuses a call that does not stand here, so the policy cannot lack one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CALLS: dict[str, tuple[str, ...]] = {
    "lock-addons": ("eks:DescribeAddonVersions",),
    "refresh versions": ("eks:DescribeClusterVersions",),
}
"""IAM actions by command. None of them works on a resource, so a policy must say "*":
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html"""


def policy(commands: Iterable[str] = CALLS) -> dict[str, Any]:
    """Returns the IAM policy that lets these commands run, and no more."""
    actions = sorted({action for command in commands for action in CALLS[command]})
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "ReadVersions", "Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
