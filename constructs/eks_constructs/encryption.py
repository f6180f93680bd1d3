"""Customer managed keys, and log groups encrypted with them."""

from typing import Annotated, Any, Literal

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct
from pydantic import BeforeValidator

from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, account_principal, arn, document
from eks_constructs.spec import whole_number

LogRetention = Annotated[
    Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
    BeforeValidator(whole_number),
]
"""Days that CloudWatch Logs can keep events. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


def customer_key(
    scope: Construct,
    construct_id: str,
    *,
    description: str,
    alias: str,
    statements: tuple[Statement, ...] = (),
) -> kms.CfnKey:
    """Makes a KMS key that rotates every year, with an alias.

    The account decides who may use it (its root is the key's principal, so IAM policies count);
    ``statements`` add AWS services.
    """
    account: dict[str, Any] = {
        "Sid": "TheAccountDecidesByIam",
        "Effect": "Allow",
        "Principal": account_principal(),
        "Action": "kms:*",  # or nobody could manage the key again; who may do what is for IAM policies to say
        "Resource": "*",  # in a key policy: this key
    }
    key = kms.CfnKey(
        scope,
        construct_id,
        description=description,
        enable_key_rotation=True,
        pending_window_in_days=30,
        key_policy=document([account, *statements]),
    )
    kms.CfnAlias(scope, f"{construct_id}Alias", alias_name=alias, target_key_id=key.attr_key_id)
    return key


def log_writers(*name_patterns: str) -> Statement:
    """Returns the statement that lets CloudWatch Logs use a key for the log groups of this account that match the patterns.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    groups = [arn("logs", f"log-group:{pattern}") for pattern in name_patterns]
    return {
        "Sid": "CloudWatchLogsForTheseGroups",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{Aws.REGION}.amazonaws.com"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",  # in a key policy: this key
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }


def log_group(scope: Construct, construct_id: str, *, name: str, key_arn: str, days: int) -> logs.CfnLogGroup:
    """Makes an encrypted log group that keeps its events for ``days``."""
    return logs.CfnLogGroup(scope, construct_id, log_group_name=name, kms_key_id=key_arn, retention_in_days=days)
