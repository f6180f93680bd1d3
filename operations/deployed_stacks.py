"""The deployed stacks of an environment."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from delivery.account import Asked
from operations.environment import stack_names
from responsibility.account.errors import AccountError
from stacks.environment.model import Environment

TAG = "eks-platform/environment"
"""The tag of every stack of an environment."""
NEVER_CREATED = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED")
"""States of a listed stack whose creation never completed."""
_APPLIERS = ("Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart")


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Tag(_Answered):
    Key: str
    Value: str


class DeployedStack(_Answered):
    """A deployed stack, with CloudFormation's names of its properties."""

    StackName: str
    StackStatus: str
    EnableTerminationProtection: bool = False
    Tags: tuple[_Tag, ...] = ()


class Resource(_Answered):
    """A resource of a stack."""

    LogicalResourceId: str
    ResourceType: str
    ResourceStatus: str
    PhysicalResourceId: str = ""


class TemplateResource(_Answered):
    """A resource of a template."""

    Type: str = ""
    DeletionPolicy: Any = "Delete"
    Properties: dict[str, Any] = {}


class _Template(_Answered):
    Resources: dict[str, TemplateResource]


_Shape = TypeVar("_Shape")


class DeployedStacks:
    """The stacks of one environment."""

    def __init__(self, account: Asked, environment: Environment) -> None:
        """Lists them: those of its file by name, those that left the file by their tag. Raises AccountError."""
        self._account = account
        names = stack_names(environment)
        answered = account.items("cloudformation", "describe_stacks", "Stacks")
        self._stacks = {
            stack.StackName: stack
            for stack in _shaped(list[DeployedStack], answered, "cloudformation:DescribeStacks")
            if stack.StackName in names or _Tag(Key=TAG, Value=environment.name) in stack.Tags
        }

    def __iter__(self) -> Iterator[DeployedStack]:
        return iter(self._stacks.values())

    def find(self, name: str) -> DeployedStack | None:
        """Returns a stack; None if it does not exist."""
        return self._stacks.get(name)

    def created(self, name: str) -> bool:
        """Whether a stack exists and its creation completed."""
        stack = self.find(name)
        return stack is not None and stack.StackStatus not in NEVER_CREATED

    def template(self, name: str) -> dict[str, TemplateResource]:
        """Returns the resources of what a stack was deployed from, by logical id. Raises AccountError."""
        body = self._account.one("cloudformation", "get_template", "TemplateBody", StackName=name)
        try:
            content = json.loads(body) if isinstance(body, str) else body
        except (ValueError, RecursionError):
            content = None
        return _shaped(_Template, content, f"cloudformation:GetTemplate of {name}").Resources

    def resources(self, name: str) -> list[Resource]:
        """Returns the resources of a stack. Raises AccountError."""
        answered = self._account.items(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=name
        )
        found = _shaped(list[Resource], answered, "cloudformation:ListStackResources")
        return [one for one in found if one.ResourceStatus != "DELETE_COMPLETE"]

    def deletes_objects(self, name: str) -> bool:
        """Whether deleting a stack would delete Kubernetes objects. Raises AccountError."""
        if self.find(name) is None:
            return False
        return any(one.Type in _APPLIERS and one.DeletionPolicy != "Retain" for one in self.template(name).values())


def _shaped(shape: type[_Shape], answered: Any, action: str) -> _Shape:
    """Returns an answer as its shape. Raises AccountError: it has another one."""
    try:
        # Through JSON: boto3 answers with lists, and strict models want tuples.
        return TypeAdapter(shape).validate_json(json.dumps(answered, default=str))
    except (ValidationError, TypeError, ValueError):
        raise AccountError(f"{action}: the answer is not CloudFormation's. Check AWS_ENDPOINT_URL") from None
