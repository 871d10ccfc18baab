"""Buckets: the properties that ministack's CloudFormation drops, a deletion that spares data, AWS's own KMS key.

Ministack's own handler makes the bucket with its versioning, notifications, CORS, website and public access block. The
rest is applied here through the S3 API, in its shapes. A bucket that still holds objects is not deleted, as on AWS. A
write that asks for KMS without naming a key gets `aws/s3`, which the CDK's bootstrap bucket lives on and ministack lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from emulator.extension import s3_lifecycle, upstream
from emulator.extension.upstream import Properties, Provisioned

BUCKET = "AWS::S3::Bucket"
ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = f"{ALGORITHM}-aws-kms-key-id"
BY_MINISTACK = (
    "BucketName",
    "CorsConfiguration",
    "NotificationConfiguration",
    "PublicAccessBlockConfiguration",
    "VersioningConfiguration",
    "WebsiteConfiguration",
)
TAKEN_AND_LEFT = ("AccessControl",)  # the CDK's bootstrap stack sets it; ACLs have no effect
NOT_EMULATED = (
    "AccelerateConfiguration",
    "AnalyticsConfigurations",
    "IntelligentTieringConfigurations",
    "InventoryConfigurations",
    "MetadataConfiguration",
    "MetadataTableConfiguration",
    "MetricsConfigurations",
    "ObjectLockConfiguration",
    "ObjectLockEnabled",
    "ReplicationConfiguration",
)


@dataclass(frozen=True)
class Setting:
    """A property, the API call that sets it, that call's argument, and the call that removes it."""

    prop: str
    put: str
    argument: str
    convert: Callable[[Any], Any]
    delete: str | None


def install() -> None:
    """Put the missing properties behind ministack's own handlers."""
    upstream.replace("services.s3", "_resolve_sse_write_headers", _with_aws_key)
    s3_lifecycle.install()
    own = upstream.handlers(BUCKET)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        _check(properties)
        made: Provisioned = own["create"](logical_id, properties, stack_name)
        try:
            _apply(made[0], {}, properties)
        except (ClientError, ValueError):
            upstream.client("s3").delete_bucket(Bucket=made[0])  # a bucket that was not created is not deleted
            raise
        return made

    def update(physical_id: str, old: Properties, new: Properties) -> Provisioned:
        _check(new)
        made: Provisioned = own["update"](physical_id, old, new, "")
        _apply(physical_id, old, new)
        return made

    upstream.register(
        upstream.ResourceType(
            name=BUCKET,
            properties=frozenset(
                (*BY_MINISTACK, *TAKEN_AND_LEFT, *NOT_EMULATED, *(setting.prop for setting in SETTINGS))
            ),
            create=create,
            update=update,
            delete=_delete,
            replacing=("BucketName",),
            tags="Tags",
        )
    )
    upstream.attribute("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")[BUCKET]["import"] = own["import"]


def _with_aws_key(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(headers: dict[str, str], bucket: str) -> Any:
        if headers.get(ALGORITHM) == "aws:kms" and not headers.get(KEY_ID):
            own = f"arn:aws:kms:{upstream.region()}:{upstream.account()}:alias/aws/s3"
            headers = {**headers, KEY_ID: own}
        return original(headers, bucket)

    return resolve


def _check(properties: Properties) -> None:
    if missing := sorted(properties.keys() & set(NOT_EMULATED)):
        raise ValueError(f"{BUCKET}: {missing[0]} is not emulated")


def _apply(bucket: str, old: Properties, new: Properties) -> None:
    s3 = upstream.client("s3")
    for setting in SETTINGS:
        if new.get(setting.prop) == old.get(setting.prop):
            continue
        if setting.prop in new:
            value = setting.convert(new[setting.prop])
            getattr(s3, setting.put)(Bucket=bucket, **{setting.argument: value})
        elif setting.delete:
            getattr(s3, setting.delete)(Bucket=bucket)
        else:  # the API takes the setting away by an empty one
            getattr(s3, setting.put)(Bucket=bucket, **{setting.argument: {}})
    status = (new.get("VersioningConfiguration") or {}).get("Status")
    if status == "Suspended" or (not status and old.get("VersioningConfiguration")):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def _delete(physical_id: str, _properties: Properties) -> None:
    try:
        upstream.client("s3").delete_bucket(Bucket=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "NoSuchBucket"):
            raise


def _encryption(value: Any) -> dict[str, Any]:
    rules = []
    for given in value["ServerSideEncryptionConfiguration"]:
        rule = {"BucketKeyEnabled": upstream.flag(given.get("BucketKeyEnabled", False))}
        if default := given.get("ServerSideEncryptionByDefault"):
            rule["ApplyServerSideEncryptionByDefault"] = default
        rules.append(rule)
    return {"Rules": rules}


def _logging(value: Any) -> dict[str, Any]:
    target = value.get("DestinationBucketName")
    return (
        {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": value.get("LogFilePrefix", "")}} if target else {}
    )


SETTINGS = (
    Setting(
        "BucketEncryption",
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
        "delete_bucket_encryption",
    ),
    Setting(
        "LifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        s3_lifecycle.lifecycle,
        "delete_bucket_lifecycle",
    ),
    Setting("LoggingConfiguration", "put_bucket_logging", "BucketLoggingStatus", _logging, None),
    Setting(
        "OwnershipControls",
        "put_bucket_ownership_controls",
        "OwnershipControls",
        lambda value: value,
        "delete_bucket_ownership_controls",
    ),
    Setting("Tags", "put_bucket_tagging", "Tagging", lambda value: {"TagSet": value}, "delete_bucket_tagging"),
)
