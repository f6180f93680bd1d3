"""What an environment file says of the AWS rights of pods: managed policies, statements, or a role that exists."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow
from eks_constructs.spec import POLICY_ARN, Misplaced, RoleArn, Spec, distinct_values, pattern

PolicyName = Annotated[
    str,
    pattern(
        rf"{POLICY_ARN}|([a-z-]{{1,40}}/)?[\w+=,.@-]{{1,128}}",
        "must be the name of an AWS managed policy (with its path, such as service-role/NAME), or the ARN of a policy",
    ),
]
Action = Annotated[
    str,
    pattern(r"\*|[a-z0-9-]{1,64}:[A-Za-z0-9*?]{1,128}", "must be an IAM action, such as dynamodb:GetItem or s3:Get*"),
]
Resource = Annotated[str, pattern(r"\*|arn:[!-~]{1,2040}", "must be an ARN, or * for every resource")]
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
ConditionOperator = Annotated[
    str,
    pattern(r"((ForAllValues|ForAnyValue):)?[A-Z][A-Za-z]{1,40}", "must be a condition operator, such as StringEquals"),
]
ConditionKey = Annotated[
    str, pattern(r"[A-Za-z0-9-]{1,64}:[!-~]{1,256}", "must be a condition key, such as aws:ResourceTag/team")
]

_PLACEHOLDER = re.compile(r"\$\{(AWS_ACCOUNT_ID|AWS_PARTITION|AWS_REGION)\}")


class AllowSpec(Spec):
    """What a statement of a policy allows."""

    actions: Annotated[list[Action], Field(min_length=1), AfterValidator(distinct_values)]
    """What is allowed: `SERVICE:ACTION`, such as `s3:GetObject`."""
    resources: Annotated[list[Resource], Field(min_length=1), AfterValidator(distinct_values)]
    """ARNs, wildcards allowed; `${AWS_PARTITION}`, `${AWS_REGION}` and `${AWS_ACCOUNT_ID}` are filled in."""
    conditions: Annotated[
        dict[ConditionOperator, Annotated[dict[ConditionKey, str | list[str]], Field(min_length=1)]],
        Field(examples=[{"StringEquals": {"aws:ResourceTag/team": "shop"}}]),
    ] = {}
    """As IAM spells them: operator, key, values."""


class MadeRoleSpec(Spec):
    """AWS rights of a role that is made."""

    policies: Annotated[list[PolicyName], AfterValidator(distinct_values)] = []
    """Names of AWS managed policies, or ARNs of policies, of the role that is made."""
    allow: list[AllowSpec] = []
    """What else that role may do."""


class RightsSpec(MadeRoleSpec):
    """AWS rights of one service account: a role that is made, or one that exists."""

    role_arn: RoleArn | None = None
    """A role of the cluster's account that exists, in place of one that is made. It must trust pods.eks.amazonaws.com
    (for pods on Fargate the cluster's OIDC provider)."""

    @property
    def gives_rights(self) -> bool:
        """Whether it says anything of a role."""
        return bool(self.policies or self.allow or self.role_arn)

    @model_validator(mode="after")
    def _one_role(self) -> "RightsSpec":
        if self.role_arn and (self.policies or self.allow):
            key = "policies" if self.policies else "allow"
            raise Misplaced(
                "cannot be combined with role_arn, whose rights are not made here; remove one of the two", key
            )
        return self


def statements_of(rights: Sequence[AllowSpec]) -> list[Statement]:
    """Returns the statements of a policy that allows ``rights``."""
    found: list[Statement] = []
    for number, one in enumerate(rights, start=1):
        conditions: dict[str, Any] = {"Condition": one.conditions} if one.conditions else {}
        found.append(
            {**allow(one.actions, [_filled(arn) for arn in one.resources], sid=f"Allow{number}"), **conditions}
        )
    return found


def _filled(arn: str) -> str:
    values = {"AWS_ACCOUNT_ID": Aws.ACCOUNT_ID, "AWS_PARTITION": Aws.PARTITION, "AWS_REGION": Aws.REGION}
    return _PLACEHOLDER.sub(lambda found: values[found[1]], arn)
