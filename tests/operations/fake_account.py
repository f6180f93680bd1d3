"""An account of a test: answers by call, and what it was asked."""

from collections.abc import Mapping
from typing import Any

from responsibility.account.errors import AccountError


class FakeAccount:
    """Answers what a test gives it, and nothing to every other call."""

    region = "eu-west-1"

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        """By method, or method and the values of its parameters: `get_template t-workloads-c`."""

    def one(self, _service: str, method: str, _key: str, **parameters: Any) -> Any:
        names = " ".join([method, *(str(value) for value in parameters.values() if isinstance(value, str))])
        found = self.answers.get(names, self.answers.get(method))
        if isinstance(found, Exception):
            raise found
        return found

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any]:
        return self.one(service, method, key, **parameters) or []


def stack(
    name: str, status: str = "CREATE_COMPLETE", *, protected: bool = False, environment: str = "t"
) -> dict[str, Any]:
    tags = [{"Key": "eks-platform/environment", "Value": environment}]
    return {"StackName": name, "StackStatus": status, "EnableTerminationProtection": protected, "Tags": tags}


DENIED = AccountError("cloudformation:DescribeStacks in eu-west-1: not allowed", "AccessDenied")
