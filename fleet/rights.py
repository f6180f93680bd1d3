"""Policies that allow to assume the roles of the bootstrap, of few accounts or of hundreds."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain

import aws_cdk as cdk

from eks_constructs.roles import Statement, allow
from fleet.access import bootstrap_roles
from fleet.spec import FleetSpec
from fleet.stages import chunks
from safe_io.errors import BadInput

_NAMED = 40
"""Roles that a policy names one by one, at most: it has 6,144 characters, and an ARN has about 90."""
_ACCOUNTS, _REGIONS = 100, 8
"""Of a statement, at most: about 3,500 characters."""
_CHARACTERS = 5_000
"""Of the statements of a policy, which leaves some for the policy's other statements."""
_POLICIES = 8
"""Of a role; IAM takes 10. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_OF_MANY = "A policy has no place for the names of so many roles: a condition names the accounts, and a pattern kind and region."


def may_assume(spec: FleetSpec, kinds: Sequence[str], partition: str) -> list[list[Statement]]:
    """Returns the statements, policy by policy, that allow to assume roles of the bootstrap of each account and region; no kinds: none.

    A few roles are named. The roles of many accounts are too many for a policy: then one statement allows accounts that have the
    same regions. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount

    Raises BadInput: the regions of the accounts are so various that it takes more policies than a role may have.
    """
    named = [
        one
        for account, found in spec.accounts.items()
        for one in bootstrap_roles(account, found, found.bootstrap, kinds, partition)
    ]
    if not named:
        return []
    if len(named) <= _NAMED:
        return [[allow(["sts:AssumeRole"], named, sid="RolesOfTheBootstrap")]]
    policies: list[list[Statement]] = []
    left = 0
    for statement in _of_many(spec, kinds, partition):
        size = len(json.dumps(statement, separators=(",", ":")))
        if size > left:
            policies.append([])
            left = _CHARACTERS
        policies[-1].append({"Sid": f"RolesOfTheBootstrap{sum(map(len, policies)) + 1}", **statement})
        left -= size
    if len(policies) > _POLICIES:
        raise BadInput(
            f"{spec.name}: its accounts have so many different sets of bootstrap regions that a role would need {len(policies)} policies"
            f" to assume their roles; it may have {_POLICIES}: split the fleet, or give more accounts the same regions"
        )
    return policies


def _of_many(spec: FleetSpec, kinds: Sequence[str], partition: str) -> Iterator[Statement]:
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for number, account in spec.accounts.items():
        alike.setdefault((account.qualifier, tuple(sorted(account.bootstrap))), []).append(number)
    for (qualifier, regions), numbers in alike.items():
        for some in chunks(numbers, _ACCOUNTS):
            for places in chunks(regions, _REGIONS):
                yield {
                    "Effect": "Allow",
                    "Action": ["sts:AssumeRole"],
                    "Resource": [
                        f"arn:{partition}:iam::*:role/cdk-{qualifier}-{kind}-role-*-{region}"
                        for region in places
                        for kind in kinds
                    ],
                    "Condition": {"StringEquals": {"aws:ResourceAccount": list(some)}},
                }


def acknowledge(stack: cdk.Stack, role: str, policies: Sequence[Sequence[Statement]]) -> None:
    """Accepts the wildcards in the policies of a role, of which the construct is called ``role``."""
    found = chain.from_iterable(one["Resource"] for one in chain.from_iterable(policies))
    rules = [f"AwsSolutions-IAM5[Resource::{one}]" for one in dict.fromkeys(found) if "*" in one]
    for index in range(len(policies) if rules else 0):
        policy = stack.node.find_child(f"{role}Policy{index + 1 if index else ''}")
        cdk.Validations.of(policy).acknowledge(*(cdk.Acknowledgment(id=rule, reason=_OF_MANY) for rule in rules))
