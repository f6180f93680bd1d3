"""A region of AWS, in the files of environments and fleets."""

from typing import Annotated

from pydantic import AfterValidator

from eks_constructs.spec import pattern
from stacks.environment.aws_names import region_problem


def _known(name: str) -> str:
    if words := region_problem(name):
        raise ValueError(words)
    return name


Region = Annotated[
    str,
    pattern(r"[a-z]{2,4}(-[a-z]{1,20}){1,3}-\d", "must be an AWS region, such as eu-west-1"),
    AfterValidator(_known),
]
"""Name of a region that AWS has, such as eu-west-1."""
