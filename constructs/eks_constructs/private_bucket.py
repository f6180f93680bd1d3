"""A bucket that nobody reads from outside: encrypted, versioned, owned by the account alone, over TLS alone."""

from aws_cdk import aws_s3 as s3
from constructs import Construct

from eks_constructs.roles import document


def private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    rule_id: str,
    old_versions_days: int,
    uploads_days: int,
    key_arn: str | None = None,
    expire_days: int | None = None,
) -> s3.CfnBucket:
    """Makes a bucket without public access, in which old versions and unfinished uploads end.

    Args:
        scope: where it is made.
        construct_id: of the bucket.
        rule_id: of its one lifecycle rule.
        old_versions_days: days until a version that is not the current one is deleted.
        uploads_days: days until an upload that nobody finished is deleted.
        key_arn: KMS key; default: that of S3 (aws/s3).
        expire_days: days until objects are deleted; default: never.
    """
    return s3.CfnBucket(
        scope,
        construct_id,
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    bucket_key_enabled=True,
                    server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                        sse_algorithm="aws:kms", kms_master_key_id=key_arn
                    ),
                )
            ]
        ),
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                s3.CfnBucket.RuleProperty(
                    id=rule_id,
                    status="Enabled",
                    expiration_in_days=expire_days,
                    noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                        noncurrent_days=old_versions_days
                    ),
                    abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                        days_after_initiation=uploads_days
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


def tls_alone(scope: Construct, construct_id: str, bucket: s3.CfnBucket, *, sid: str) -> None:
    """Makes the policy that refuses every request to a bucket without TLS."""
    refused = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.attr_arn, f"{bucket.attr_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.CfnBucketPolicy(scope, construct_id, bucket=bucket.ref, policy_document=document([refused]))
