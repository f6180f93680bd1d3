"""A private S3 bucket of a workload, and the rights of its service account: one prefix of it, and no more."""

from collections.abc import Sequence

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.private_bucket import private_bucket, tls_alone
from eks_constructs.roles import Statement, allow

OLD_VERSIONS_DAYS = 30
UPLOADS_DAYS = 7


class WorkloadBucket(Construct):
    """A bucket that nobody outside of the account reaches, encrypted, with old versions kept for a month.

    Attributes:
        name: of the bucket.
    """

    def __init__(self, scope: Construct, construct_id: str, *, retain: bool) -> None:
        """Makes the bucket; with ``retain`` it outlives its stack. S3 deletes only empty buckets."""
        super().__init__(scope, construct_id)
        bucket = private_bucket(
            self,
            "Bucket",
            rule_id="OldVersionsAndUnfinishedUploads",
            old_versions_days=OLD_VERSIONS_DAYS,
            uploads_days=UPLOADS_DAYS,
        )
        bucket.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else cdk.RemovalPolicy.DESTROY
        )
        tls_alone(self, "Policy", bucket, sid="TlsOnly")
        self.name = bucket.ref
        self._arn = bucket.attr_arn

    def use_of(self, prefix: str) -> Sequence[Statement]:
        """Returns the rights to list, read and write what is below ``prefix``."""
        objects = allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{self._arn}/{prefix}/*", sid="UseObjectsOfThePrefix"
        )
        listing = {
            **allow(["s3:ListBucket"], self._arn, sid="ListThePrefix"),
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}/*"]}},
        }
        return [objects, listing]
