"""Checks of the condition keys that policies test: whether EKS has them. Known keys are data: ``eks_condition_keys.yaml``."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from eks_facts.files import load
from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.iam import Policy, Role
from responsibility.reading.partly_known import fits
from responsibility.reading.policy_statements import Statement, read_statements
from responsibility.reading.resource import UnknownValue


@cache
def _known() -> dict[str, str]:
    """The keys by their lower-case form: IAM does not tell upper from lower case."""
    return {key.lower(): key for key in load("eks_condition_keys")["keys"]}


def _judge(statements: Iterable[Statement], unsaid: list[UnknownValue]) -> Answer | None:
    found, tested = [], []
    for statement in statements:
        for key in sorted(key for key in statement.condition_keys if key.startswith("eks:")):
            if any(fits(key, known) for known in _known()):
                tested.append(_known().get(key, key))
                continue
            near = get_close_matches(key, _known(), 1)
            meant = f" ({_known()[near[0]]} may be meant)" if near else ""
            found.append((f"tests {key}, which EKS does not have{meant}", statement.evidence))
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *(at for _, at in found))
    if tested and unsaid:
        raise unsaid[0]
    return met(f"tests {' and '.join(dict.fromkeys(tested))}") if tested else None


@check("EKR210", Role)
def role_tests_known_keys(role: Role) -> Answer | None:
    """Separate policies are EKR211: they may be a boundary, or be for people."""
    try:
        count = len(role.get("Policies", []))
    except UnknownValue:
        return None
    read = [read_statements(role, f"Policies.{index}.PolicyDocument") for index in range(count)]
    return _judge([one for said, _ in read for one in said], [one for _, unsaid in read for one in unsaid])


@check("EKR211", Policy)
def policy_tests_known_keys(policy: Policy) -> Answer | None:
    """Applies to ``AWS::IAM::Policy``, ``RolePolicy`` and ``ManagedPolicy``, whatever they are attached to."""
    return _judge(*read_statements(policy, "PolicyDocument"))
