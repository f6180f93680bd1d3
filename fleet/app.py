"""The stacks of a fleet: `-c fleet=NAME`."""

import aws_cdk as cdk

from fleet.github import GithubStack
from fleet.model import Fleet
from fleet.pipeline import PipelineStack, acknowledge
from safe_io.errors import BadInput
from stacks.environment.stack_names import fleet_github_stack, fleet_stack


def add_stacks(app: cdk.App, fleet: Fleet) -> None:
    """Adds the stacks that the fleet's file asks for. Raises BadInput: it asks for none."""
    spec = fleet.spec
    if spec.pipeline is None and spec.github is None:
        raise BadInput(
            f"{fleet.path}: has neither pipeline nor github, so there is nothing to synthesise; add one (docs/fleet.md)"
        )
    if spec.pipeline:
        acknowledge(PipelineStack(app, fleet_stack(spec.name), fleet, spec.pipeline))
    if spec.github:
        GithubStack(app, fleet_github_stack(spec.name), fleet, spec.github)
