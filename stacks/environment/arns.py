"""Checks ARNs of an environment file: partition and region must be those of the deployment."""

import re
from collections.abc import Iterator
from typing import Any

from eks_constructs.spec import Misplaced
from stacks.environment.aws_names import partition_of, region_problem

_OF_REGION = {"kms": "key", "acm": "certificate"}
# https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
_OF_IDENTITY_CENTER = re.compile(r"role/aws-reserved/sso\.amazonaws\.com/(?P<region>[a-z0-9-]+)/")
_ANYWHERE = ("resources", "copy_to")
"""Keys of what can be in another region: what a role may use, and copies of backups."""


def check_arns(data: dict[str, Any], region: str | None) -> None:
    """Raises Misplaced for an ARN that cannot be used.

    Args:
        data: an environment as plain data.
        region: that is deployed to; None: that of the credentials.
    """
    partition = partition_of(region) if region else ""
    for where, arn in _arns(data):
        _, its_partition, service, its_region, *_ = arn.split(":", 4)
        if its_partition.startswith("${"):  # filled in when it is deployed
            continue
        if re.fullmatch("[a-z0-9-]+", its_region) and (problem := region_problem(its_region)):
            raise Misplaced(problem, *where)
        partition = partition or its_partition
        if its_partition != partition:
            other = f"the region {region} is in" if region else "other ARNs of this file are of"
            raise Misplaced(
                f"is in the partition {its_partition}, and {other} {partition}; name one of that partition", *where
            )
        if region and its_region and its_region != region and not {*_ANYWHERE} & {*where}:
            what = _OF_REGION.get(service, "resource")
            raise Misplaced(
                f"is a {what} of region {its_region}; the cluster is in {region}: name a {what} of that region", *where
            )

    for where, text in _texts(data, ()):
        if (found := _OF_IDENTITY_CENTER.search(text)) and (problem := region_problem(found["region"])):
            raise Misplaced(problem, *where)


def _arns(data: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields every ARN and the way to it."""
    yield from ((where, text) for where, text in _texts(data, ()) if text.startswith("arn:") and text.count(":") >= 5)


def _texts(value: Any, where: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields every text and the way to it."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in ("configuration", "values"):  # of add-ons and charts: whatever it means there
                yield from _texts(one, (*where, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, (*where, index))
