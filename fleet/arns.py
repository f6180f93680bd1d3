"""Checks the ARNs of what moves a fleet: a pipeline and the roles for GitHub take most from their own account and partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eks_constructs.spec import Misplaced
from stacks.environment.aws_names import partition_of, region_problem

if TYPE_CHECKING:
    from fleet.spec import FleetSpec

_Named = tuple[tuple[str | int, ...], str | None]


def check_arns(fleet: FleetSpec) -> None:
    """Raises Misplaced for an ARN of another partition, of a region that AWS has not, or of another account than it has to be of."""
    if made := fleet.pipeline:
        own: list[_Named] = [
            (("pipeline", "iam", "permissions_boundary"), made.iam.permissions_boundary),
            (("pipeline", "source", "connection_arn"), made.source.connection_arn),
        ]
        _check("pipeline", made.account, made.region, own)
        _check("pipeline", None, made.region, list(_topics(fleet)))
    if roles := fleet.github:
        own = [
            (("github", "iam", "permissions_boundary"), roles.iam.permissions_boundary),
            # STS looks for the provider in the account of the role.
            (("github", "oidc_provider_arn"), roles.oidc_provider_arn),
        ]
        _check("github", roles.account, roles.region, own)


def _topics(fleet: FleetSpec) -> Iterator[_Named]:
    for index, wave in enumerate(fleet.waves):
        if wave.approval:
            yield ("waves", index, "approval", "notify"), wave.approval.notify


def _check(key: str, account: str | None, region: str, named: list[_Named]) -> None:
    """Checks ARNs of one stack; no account: they may be of any."""
    for where, arn in named:
        if arn is None:
            continue
        _, partition, _, its_region, its_account, *_ = arn.split(":")
        if its_region and (problem := region_problem(its_region)):
            raise Misplaced(problem, *where)
        if partition != partition_of(region):
            raise Misplaced(
                f"is in the partition {partition}, and the region of {key} in {partition_of(region)}; name one of that partition",
                *where,
            )
        if account and its_account not in (account, "aws"):
            raise Misplaced(f"is of account {its_account}; {key} is in {account}, and takes one of its own", *where)
