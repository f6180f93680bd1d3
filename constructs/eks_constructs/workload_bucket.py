"""A private S3 bucket of a workload, and the rights of its service account: one prefix of it, and no more."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from eks_constructs.roles import Statement, allow, document

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
        bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[
                    s3.CfnBucket.ServerSideEncryptionRuleProperty(
                        bucket_key_enabled=True,
                        server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                            sse_algorithm="aws:kms"
                        ),
                    )
                ]
            ),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="OldVersionsAndUnfinishedUploads",
                        status="Enabled",
                        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                            noncurrent_days=OLD_VERSIONS_DAYS
                        ),
                        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=UPLOADS_DAYS
                        ),
                    )
                ]
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        )
        bucket.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else cdk.RemovalPolicy.DESTROY
        )
        s3.CfnBucketPolicy(
            self,
            "Policy",
            bucket=bucket.ref,
            policy_document=document(
                [
                    {
                        "Sid": "TlsOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [bucket.attr_arn, f"{bucket.attr_arn}/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ]
            ),
        )
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
