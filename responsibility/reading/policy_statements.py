"""Statements of IAM policy documents, as far as they are known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from responsibility.findings import Evidence
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.facts import Fact
from responsibility.reading.partly_known import PartlyKnown, part, read
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, Unknown, all_known, gap_of, is_gap


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy document, every list spelled out."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    """As text: a reference is a part of it."""
    not_resources: tuple[str, ...]
    conditions: dict[str, Any]
    principals: tuple[tuple[str, str], ...]
    """Kind and value: ``("Service", "eks.amazonaws.com")``, ``("AWS", "*")``."""
    evidence: Evidence
    unread: str = ""
    """Why its conditions are not known; empty = they are."""

    @property
    def condition_keys(self) -> set[str]:
        """The keys its conditions test, in lower case; a pattern that everything matches is no test."""
        tests = [test for test in self.conditions.values() if isinstance(test, dict)]
        return {str(key).lower() for test in tests for key, values in test.items() if "*" not in _patterns(values)}

    @property
    def known_conditions(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Operator, key in lower case, and values of each test. Raises UnknownValue."""
        if self.unread:
            raise UnknownValue(self.evidence, self.unread)
        return [
            (operator, str(key).lower(), _texts(values))
            for operator, test in self.conditions.items()
            for key, values in test.items()
        ]

    def tests(self, *prefixes: str) -> bool:
        """Whether a condition limits it by a key that begins with one of these (in lower case; none = any key).

        A pattern that everything matches is no limit. Raises UnknownValue where it may be such a pattern.
        """
        unknown = ""
        for operator, key, values in self.known_conditions:
            if not key.startswith(prefixes or ""):
                continue
            if not operator.split(":")[-1].lower().startswith(("stringlike", "arn")):
                return True
            if any(_matches_all(key, value) for value in values):
                continue
            unsaid = [value for value in values if is_gap(value)]
            if not unsaid:
                return True
            unknown = unknown or gap_of(unsaid[0])
        if unknown:
            raise UnknownValue(self.evidence, f"Condition: {unknown}")
        return False

    @property
    def everywhere(self) -> bool:
        """Whether it is for every resource, or for all but some. Raises UnknownValue."""
        if self.not_resources or any(map(_is_everything, self.resources)):
            return True
        if any(map(_may_be_everything, self.resources)):
            raise UnknownValue(self.evidence, "its resources are not in the template")
        return False


def _matches_all(key: str, value: str) -> bool:
    """Whether a pattern of a condition lets everybody in: ``*``, or an ARN of any account as the source."""
    pattern = read(re.sub(r"\*{2,}", "*", value))
    return pattern == "*" or (
        key == "aws:sourcearn" and pattern.startswith("arn:") and [*pattern.split(":"), *"*****"][4] == "*"
    )


def _is_everything(resource: str) -> bool:
    """Whether a pattern is every resource of a service at least: ``*``, ``arn:*``, ``arn:aws:s3:::*``, ``arn:aws:iam::*:*``."""
    name = resource.split(":", 5)[-1]
    return (
        bool(resource)
        and not name.strip("*/")
        and all_known(resource)
        and (resource[0] == "*" or resource.startswith("arn:"))
    )


_BEFORE_NAME = 5
"""Colons of an ARN before what it names."""
OWN_ACCOUNT = part("AWS::AccountId")
"""The account that a stack is deployed to, where the template does not name it."""


def whole_account(principal: str) -> str:
    """Returns the account that a principal of the kind AWS is as a whole; empty = it is another principal.

    Raises UnknownValue.
    """
    fields = principal.split(":")
    if len(fields) > 1 and (fields[:1] != ["arn"] or fields[2:4] != ["iam", ""] or fields[5:] not in ([], ["root"])):
        return ""
    account = fields[4] if len(fields) > 4 else principal
    return account if account == OWN_ACCOUNT or re.fullmatch(r"\d{12}", account) else ""


def _may_be_everything(resource: str) -> bool:
    """Whether a gap decides if it is every resource; one in the name itself names something."""
    if not isinstance(resource, PartlyKnown) or not resource.gaps:
        return False
    head, tail = (one if isinstance(one, str) else "" for one in (resource.parts[0], resource.parts[-1]))
    return head.count(":") < _BEFORE_NAME and not tail.rpartition(":")[2].strip("*/")


At = Callable[[str], Evidence]
"""Returns where a path is."""


def statements(fact: Fact, path: str) -> list[Statement]:
    """Returns the statements of the policy document at a path of a fact, given as an object or as JSON text.

    Raises UnknownValue for a document that the template does not say, or that is not JSON.
    """
    found, unknown = _read(fact.get(path), fact.at, path)
    if unknown:
        raise unknown[0]
    return found


def read_statements(fact: Fact, path: str) -> tuple[list[Statement], list[UnknownValue]]:
    """Returns the statements of the policy document at a path of a fact, and what of it the template does not say."""
    try:
        return _read(fact.get(path), fact.at, path)
    except UnknownValue as unknown:
        return [], [unknown]


def _read(document: Any, where: At, path: str) -> tuple[list[Statement], list[UnknownValue]]:
    """Returns the statements of a policy document, and what of it the template does not say."""
    try:
        items = _items(document, where(path))
    except UnknownValue as unknown:
        return [], [unknown]
    found: list[Statement] = []
    unsaid: list[UnknownValue] = []
    for index, item in enumerate(items):
        here = where(f"{path}.Statement.{index}")
        if isinstance(item, dict) and item.get("Effect") in ("Allow", "Deny"):
            found.append(_statement(item, here))
        elif isinstance(item, dict):
            unsaid.append(UnknownValue(here, "whether it allows or denies is not known here"))
        else:
            why = (
                _why(item) if isinstance(item, Unknown | Reference) else "is no statement, as far as the template shows"
            )
            unsaid.append(UnknownValue(here, why))
    return found, unsaid


def _why(value: Unknown | Reference) -> str:
    return value.reason if isinstance(value, Unknown) else f"is given by {value.words}"


def _items(document: Any, evidence: Evidence) -> list[Any]:
    if isinstance(document, Unknown | Reference):
        raise UnknownValue(evidence, _why(document))
    if isinstance(document, str):
        try:
            document = json_in(document)
        except NoData:
            raise UnknownValue(evidence, "is not JSON, as far as the template shows") from None
    found = document.get("Statement", []) if isinstance(document, dict) else []
    return found if isinstance(found, list) else [found]


def _statement(item: dict[str, Any], evidence: Evidence) -> Statement:
    # Everybody but those that NotPrincipal names; IAM refuses it in a trust policy:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    principal = "*" if "NotPrincipal" in item else item.get("Principal", {})
    conditions = item.get("Condition") or {}
    # Of a value that is not known, and of a test that is not, the reason.
    tests = [conditions, *(conditions.values() if isinstance(conditions, dict) else [])]
    unread = next((f"Condition: {getattr(test, 'reason', test)}" for test in tests if not isinstance(test, dict)), "")
    pairs: list[tuple[str, str]] = []
    for kind, values in principal.items() if isinstance(principal, dict) else [("AWS", principal)]:
        pairs.extend((kind, value) for value in _texts(values))
    return Statement(
        allow=item.get("Effect") == "Allow",
        actions=_patterns(item.get("Action", [])),
        not_actions=_patterns(item.get("NotAction", [])),
        resources=_patterns(item.get("Resource", [])),
        not_resources=_patterns(item.get("NotResource", [])),
        conditions=conditions if isinstance(conditions, dict) else {},
        principals=tuple(pairs),
        evidence=evidence,
        unread=unread,
    )


def _patterns(value: Any) -> tuple[str, ...]:
    """Returns texts, of which `**` is no more than `*`."""
    return tuple(read(re.sub(r"\*{2,}", "*", text)) for text in _texts(value))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))
