"""What IAM says: AWS managed policies, services, actions, and words for them. All of it is data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal, get_args

from eks_facts.files import load, path

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


@cache
def _levels() -> dict[str, dict[str, frozenset[str]]]:
    text = path("access_levels").with_suffix(".json").read_text(encoding="utf-8")
    return {
        service: {level: frozenset(name.lower() for name in names) for level, names in levels.items()}
        for service, levels in json.loads(text)["services"].items()
    }


@cache
def access_levels(action: str) -> frozenset[str]:
    """Returns AWS's access levels of an action, or of all that a pattern such as ``ec2:Describe*`` fits.

    They are List, Read, Write, Tagging and Permissions management (service authorization reference). Empty = not in the data.
    """
    prefix, _, pattern = action.lower().partition(":")
    return frozenset(
        level
        for level, names in _levels().get(prefix, {}).items()
        if pattern in names or any(fnmatchcase(name, pattern) for name in names)
    )


def only_reads(action: str) -> bool:
    """Returns whether an action, or each that a pattern fits, lists or reads; of one that is not known, no."""
    return bool(levels := access_levels(action)) and levels <= {"List", "Read"}


@cache
def escalations() -> tuple[str, ...]:
    """Returns the actions each of which, on every resource, is enough to get any right."""
    return tuple(load("iam_words")["escalations"]["actions"])


def is_administrator(name: str) -> bool:
    """Returns whether an AWS managed policy makes an administrator of whoever has it."""
    return name.rsplit("/", 1)[-1] in load("managed_policies")["administrators"]
