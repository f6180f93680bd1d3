"""The stacks of an environment that are there, as CloudFormation knows them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from delivery.account import Asked
from operations.environment import stack_names
from responsibility.account.errors import AccountError
from stacks.environment import Environment

TAG = "eks-platform/environment"
"""The tag of every stack of an environment."""
NOT_MADE = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED")
"""Of a stack that is listed, and whose first creation never came to its end."""


@dataclass(frozen=True)
class StackThere:
    """A stack that is there."""

    name: str
    status: str
    protected: bool
    """Termination protection."""


@dataclass(frozen=True)
class Resource:
    """A resource of a stack."""

    logical_id: str
    type: str
    physical_id: str


class There:
    """The stacks of one environment."""

    def __init__(self, account: Asked, environment: Environment) -> None:
        """Asks for them: those of its file by name, those that left the file by their tag. Raises AccountError."""
        names = stack_names(environment)
        self._account = account
        self._stacks: dict[str, StackThere] = {}
        for stack in account.items("cloudformation", "describe_stacks", "Stacks"):
            tags = {tag.get("Key"): tag.get("Value") for tag in stack.get("Tags") or ()}
            name = str(stack["StackName"])
            if name in names or tags.get(TAG) == environment.name:
                protected = bool(stack.get("EnableTerminationProtection"))
                self._stacks[name] = StackThere(name, str(stack["StackStatus"]), protected)

    def __iter__(self) -> Iterator[StackThere]:
        return iter(self._stacks.values())

    def find(self, name: str) -> StackThere | None:
        """Returns a stack; None if it is not there."""
        return self._stacks.get(name)

    def template(self, name: str) -> dict[str, Any]:
        """Returns what a stack was deployed from. Raises AccountError."""
        body = self._account.one("cloudformation", "get_template", "TemplateBody", StackName=name)
        try:
            found = json.loads(body) if isinstance(body, str) else body
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise AccountError(f"cloudformation:GetTemplate: what {name} was deployed from is no JSON template")
        return found

    def resources(self, name: str) -> list[Resource]:
        """Returns the resources of a stack. Raises AccountError."""
        found = self._account.items("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=name)
        return [
            Resource(one["LogicalResourceId"], one["ResourceType"], one.get("PhysicalResourceId") or "")
            for one in found
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def deletes_objects(self, name: str) -> bool:
        """Whether a stack applies Kubernetes objects, and would delete them on the way out. Raises AccountError."""
        if self.find(name) is None:
            return False
        return any(
            resource.get("Type") in ("Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart")
            and resource.get("DeletionPolicy") != "Retain"
            for resource in self.template(name).get("Resources", {}).values()
        )
