"""What EKS rejects: one table of rules, each with AWS's page about it.

A rule is a function under ``@rule``, whose docstring says what EKS demands; it yields the message of each refusal. Messages are
EKS's own where they are known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from emulator.engine.account import Account
from emulator.engine.eks.state import Record, Refused, State

GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"
API = "https://docs.aws.amazon.com/eks/latest/APIReference/"

INVALID, IN_USE, REQUEST = "InvalidParameterException", "ResourceInUseException", "InvalidRequestException"
LIMIT = "ResourceLimitExceededException"


@dataclass(frozen=True)
class Call:
    """A request, and the account that it is for."""

    operation: str
    parameters: dict[str, Any]
    state: State
    account: Account

    @property
    def cluster_name(self) -> str:
        """Name of the cluster that the request is about."""
        name = self.parameters.get("clusterName") or self.parameters.get("name") or ""
        return str(name)

    @property
    def cluster(self) -> Record:
        """The cluster that the request is about. Raises Refused."""
        return self.state.cluster(self.cluster_name)

    def get(self, *path: str) -> Any:
        """Returns a parameter, or None."""
        value: Any = self.parameters
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


Check = Callable[[Call], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule of EKS."""

    name: str
    operations: tuple[str, ...]
    says: str
    """What EKS demands, in a sentence."""
    page: str
    code: str
    check: Check


RULES: list[Rule] = []


def rule(*operations: str, page: str, code: str = INVALID) -> Callable[[Check], Check]:
    """Adds the decorated function to the table."""

    def add(function: Check) -> Check:
        RULES.append(Rule(function.__name__, operations, function.__doc__ or "", page, code, function))
        return function

    return add


def check(operation: str, parameters: dict[str, Any], state: State, account: Account) -> None:
    """Checks a request against the table. Raises Refused."""
    call = Call(operation, parameters, state, account)
    for candidate in RULES:
        if operation in candidate.operations:
            for message in candidate.check(call):
                raise Refused(candidate.code, message)


def role_problem(call: Call, arn: str | None, service: str, *actions: str) -> str:
    """Returns why an AWS service cannot assume a role, or nothing."""
    role = call.account.role(arn or "")
    if role is None:
        return f"The role with name {(arn or '').split('/')[-1]} cannot be found."
    if not role.trusts(service, *actions):
        return (
            f"Role with arn: {arn} could not be assumed because it does not exist or the trusted entity is not correct:"
            f" {service} needs {', '.join(actions)}"
        )
    return ""
