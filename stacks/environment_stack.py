"""What every stack of an environment has in common: its account and region, and how it is described."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.environment.model import Environment


class EnvironmentStack(cdk.Stack):
    """A stack in the account and region of its environment."""

    def __init__(
        self, scope: Construct, construct_id: str, environment: Environment, contents: str, **options: Any
    ) -> None:
        """Makes an empty stack. ``contents`` ends its description; ``options`` are the CDK's."""
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=environment.account, region=environment.region),
            description=f"EKS platform {environment.name}: {contents}",
            **options,
        )
