"""Checks the ARNs of what moves a fleet: a pipeline and the roles for GitHub take most from their own account and partition."""

from eks_constructs.spec import Misplaced
from stacks.environment.aws_names import partition_of, region_problem

Named = tuple[tuple[str | int, ...], str | None]


def check_arns(key: str, account: str | None, region: str, named: list[Named]) -> None:
    """Checks ARNs of one stack; no account: they may be of any.

    Raises Misplaced for an ARN of another partition, of a region that AWS has not, or of another account.
    """
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
