"""What IAM says, in words: AWS managed policies, services, actions. The words are data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from eks_facts.files import load

Breadth = Literal["narrow", "broad", "admin", "unknown"]
_ORDER: tuple[Breadth, ...] = ("narrow", "broad", "unknown", "admin")


@dataclass(frozen=True, slots=True)
class Policy:
    """An AWS managed policy, or an access policy of EKS."""

    does: str
    """A phrase that starts with a verb in the third person."""
    breadth: Breadth


def broadest(*found: Breadth) -> Breadth:
    """Returns the broadest of some; what is not known may be anything but what is known to be everything."""
    return max(found, key=_ORDER.index, default="narrow")


@cache
def _policies(kind: str) -> dict[str, Policy]:
    rows = load("managed_policies")[kind]
    wrong = [name for name, row in rows.items() if row["breadth"] not in get_args(Breadth)]
    if wrong:
        raise ValueError(f"managed_policies.yaml: {wrong[0]}: breadth is none of {', '.join(get_args(Breadth))}")
    return {name: Policy(row["does"], row["breadth"]) for name, row in rows.items()}


def managed_policy(name: str) -> Policy | None:
    """Returns what an AWS managed policy allows, by its name with or without a path; None = it is not in the data."""
    known = _policies("policies")
    return known.get(name) or _by_last_name("policies").get(name.rsplit("/", 1)[-1])


@cache
def _by_last_name(kind: str) -> dict[str, Policy]:
    return {name.rsplit("/", 1)[-1]: policy for name, policy in _policies(kind).items()}


def access_policies() -> frozenset[str]:
    """Returns the names of all access policies of EKS: those of ``access_policy``, and those of other services."""
    return frozenset([*_policies("access_policies"), *load("managed_policies")["other_access_policies"]])


def managed_policies() -> frozenset[str]:
    """Returns the names, with their paths, of the AWS managed policies that are known."""
    return frozenset(_policies("policies"))


def access_policy(name: str) -> Policy | None:
    """Returns what an access policy of EKS allows; None = it is not in the data."""
    return _policies("access_policies").get(name)


def service(prefix: str) -> str:
    """Returns what a service is about: ``s3`` -> ``S3 buckets and objects``."""
    return str(load("iam_words")["services"].get(prefix, prefix))


def principal(name: str) -> str:
    """Returns who a service principal is."""
    return str(load("iam_words")["principals"].get(name, name))


@cache
def _actions() -> dict[str, str]:
    return {action.lower(): row["words"] for action, row in load("iam_words")["actions"].items()}


def action(name: str) -> str:
    """Returns the words for an action that deserves them; empty = it does not."""
    return _actions().get(name.lower(), "")
