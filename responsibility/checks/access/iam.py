"""Checks of what IAM roles may do: all roles that have to do with a cluster (``reading/uses.py``)."""

from collections.abc import Callable, Iterable

from eks_facts import iam_words
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import fits
from responsibility.reading.policy_statements import Statement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_NO_RESOURCES = frozenset(("ec2messages", "pricing", "ssmmessages"))
"""Services whose actions cannot be limited to a resource, and that only speak for the caller itself."""
_WHOLE = ("SecretsManagerReadWrite", "AWSLambdaExecute")
"""Policies with every action of a service, on every resource, whose name does not say so
(https://docs.aws.amazon.com/aws-managed-policy/latest/reference/)."""
_NO_NARROWER = ("AmazonFSxFullAccess",)
"""What AWS itself asks for, because it offers nothing less: fsx-csi.html."""
Problem = Callable[[Statement], str]
"""Says what is wrong with an Allow statement; empty = nothing. Raises UnknownValue."""


def _judge(
    role: Role,
    problem: Problem,
    fine: str,
    *managed: tuple[str, Evidence],
    wider: Problem = lambda _: "",
) -> Answer | None:
    """Asks every statement of the role's own policies. One that is wrong is open, whatever cannot be read beside it.

    Args:
        role: whose.
        problem: what is wrong with a statement.
        fine: what is said where nothing is.
        managed: what is wrong with the AWS managed policies that it has.
        wider: the code of the check that is asked about a statement that allows even more; empty = none.
    """
    if not role.uses:
        return None
    said, unsaid = role.allowances
    unknown = [*unsaid, *role.attached[1]]
    found = list(managed)
    elsewhere = ""
    for statement in said:
        try:
            words = problem(statement) if statement.allow else ""
            elsewhere = elsewhere or (wider(statement) if statement.allow else "")
        except UnknownValue as error:
            unknown.append(error)
            continue
        if words:
            found.append((words, statement.evidence))
    if found:
        words = "; ".join(dict.fromkeys(words for words, _ in found))
        return open_(words, *(evidence for _, evidence in found))
    if elsewhere:
        return not_applicable(f"is allowed more than this check asks about: {elsewhere}")
    if unknown:
        raise unknown[0]
    return met(fine) if said else None


def _every_action(action: str) -> bool:
    """Whether a pattern of an action is for every service: ``*``, ``*:*``."""
    return not action.strip("*:")


def _everything(statement: Statement) -> str:
    """The code of the check about statements that allow every action, or all but some. Raises UnknownValue."""
    whole = statement.not_actions or any(_every_action(action) for action in _actions(statement))
    return "EKR023" if whole and statement.everywhere else ""


def _whole_iam(statement: Statement) -> str:
    """The same, and of those about the whole of IAM. Raises UnknownValue."""
    if found := _everything(statement):
        return found
    return "EKR024" if any(action.lower() == "iam:*" for action in _actions(statement)) and statement.everywhere else ""


def _actions(statement: Statement) -> Iterable[str]:
    """Returns the actions of a statement. Raises UnknownValue where one of them is not known."""
    for action in statement.actions:
        if has_gap(action):
            raise UnknownValue(statement.evidence, "an action is not in the template")
    return statement.actions


def _condition(statement: Statement) -> str:
    return ", under a condition" if statement.conditions or statement.unread else ""


@check("EKR023", Role)
def not_everything(role: Role) -> Answer | None:
    """``NotAction`` allows everything but what it names."""

    def problem(statement: Statement) -> str:
        if any(_every_action(action) for action in _actions(statement)) and statement.everywhere:
            return f"is allowed every action on every resource{_condition(statement)}"
        if statement.not_actions and statement.everywhere:
            return f"is allowed every action but those that NotAction names{_condition(statement)}"
        return ""

    return _judge(role, problem, "its own policies name their actions or their resources")


@check("EKR024", Role)
def not_a_whole_service(role: Role) -> Answer | None:
    """A condition limits the statement; every action of every service is EKR023, the whole of IAM as a managed policy EKR026."""
    managed = [
        (f"has {name}", evidence)
        for name, evidence in role.attached[0]
        if ("FullAccess" in name or name in _WHOLE) and not (iam_words.is_administrator(name) or name in _NO_NARROWER)
    ]

    def problem(statement: Statement) -> str:
        services = [action.partition(":")[0].lower() for action in _actions(statement) if action.endswith(":*")]
        wide = [service for service in services if service.strip("*") and service not in _NO_RESOURCES]
        if wide and statement.everywhere and not statement.tests():
            return f"is allowed {' and '.join(f'{service}:*' for service in wide)} on every resource"
        return ""

    return _judge(role, problem, "no statement allows a whole service on every resource", *managed, wider=_everything)


@check("EKR025", Role)
def passes_named_roles(role: Role) -> Answer | None:
    """``iam:*`` and ``*`` allow more than that: EKR024 and EKR023 speak of them."""

    def problem(statement: Statement) -> str:
        passes = [action for action in _actions(statement) if _covers(action, "iam:PassRole")]
        if not passes:
            return ""
        if not (statement.everywhere or any(_every_role(resource) for resource in statement.resources)):
            return ""
        limited = statement.tests("iam:passedtoservice", "iam:associatedresourcearn")
        return "" if limited else "may pass every role to every service"

    return _judge(role, problem, "passes named roles, or none", wider=_whole_iam)


def _covers(pattern: str, action: str) -> bool:
    """Whether a pattern of some actions has one of them; the whole of IAM, and everything, are other checks'."""
    return bool(pattern.lower().strip("*:") not in ("", "iam")) and fits(action.lower(), pattern.lower())


def _every_role(resource: str) -> bool:
    return resource.startswith("arn:") and resource.endswith((":role/*", ":*"))


@check("EKR026", Role)
def no_administrator_policy(role: Role) -> Answer | None:
    """Policies that the template does not name may be such."""
    if not role.uses:
        return None
    named, unsaid = role.attached
    found = [(name, evidence) for name, evidence in named if iam_words.is_administrator(name)]
    if found:
        return open_(f"has {' and '.join(name for name, _ in found)}", *(evidence for _, evidence in found))
    if unsaid:
        raise unsaid[0]
    return met("has no policy for administrators")


@check("EKR038", Role)
def no_escalation(role: Role) -> Answer | None:
    """The whole of IAM is EKR024; a condition limits what can be changed."""

    def problem(statement: Statement) -> str:
        names = [name for action in _actions(statement) for name in iam_words.escalations() if _covers(action, name)]
        if names and statement.everywhere and not statement.tests():
            shown = " and ".join(sorted(set(names))[:2]) + (" and more" if len(set(names)) > 2 else "")
            return f"is allowed {shown} on every resource"
        return ""

    return _judge(role, problem, "changes no policies and no keys in IAM", wider=_whole_iam)
