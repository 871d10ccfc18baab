"""The base of all buckets of the platform."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

__all__ = ["private_bucket"]


def private_bucket(
    scope: Construct,
    id: str,
    *,
    rules: Sequence[s3.LifecycleRule],
    removal_policy: cdk.RemovalPolicy,
    encryption_key: kms.IKey | None = None,
    versioned: bool = False,
    access_logs: tuple[str, str] | None = None,
) -> s3.Bucket:
    """Make a bucket without public access and ACLs, encrypted, for requests over TLS only.

    Args:
        scope: parent.
        id: of the construct.
        rules: lifecycle rules of its objects.
        removal_policy: for the deletion of its stack.
        encryption_key: key of its objects. Default: None, S3's own encryption.
        versioned: whether it keeps replaced objects. Default: False.
        access_logs: bucket that receives its access logs, and their prefix. Default: None, no logs.
    """
    bucket = s3.Bucket(
        scope,
        id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED if encryption_key is None else s3.BucketEncryption.KMS,
        encryption_key=encryption_key,
        bucket_key_enabled=None if encryption_key is None else True,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=versioned,
        lifecycle_rules=list(rules),
        removal_policy=removal_policy,
    )
    resource = bucket.node.default_child
    if access_logs is not None and isinstance(resource, s3.CfnBucket):
        name, prefix = access_logs
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=name, log_file_prefix=prefix
        )
    return bucket
