"""Empties the bucket of a tenant whose config says that its data goes with its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["empty_bucket_of"]


def empty_bucket_of(tenant: Tenant, cell: Cell) -> int:
    """Delete every version of every object in the tenant's bucket, which CloudFormation does not do; returns how many.

    The bucket is read from the stack's outputs, in the account that the credentials are for. 0 when there is no stack.

    Raises:
        CommandError: the credentials are for another account than the cell's, or AWS refused.
    """
    try:
        account = boto3.client("sts", region_name=cell.region).get_caller_identity()["Account"]
        if cell.account is not None and account != cell.account:
            raise CommandError(
                "refused",
                f'cell "{cell.id}" is in account {cell.account}, the credentials are for {account}; use credentials of the cell',
                ExitCode.REFUSED,
            )
        bucket = _bucket_name(tenant, cell)
        return 0 if bucket is None else _delete_versions(boto3.client("s3", region_name=cell.region), bucket)
    except (BotoCoreError, ClientError) as error:
        raise CommandError(
            f'cannot empty the bucket of tenant "{tenant.id}"', str(error), ExitCode.CDK_FAILED
        ) from error


def _bucket_name(tenant: Tenant, cell: Cell) -> str | None:
    cloudformation = boto3.client("cloudformation", region_name=cell.region)
    try:
        stacks = cloudformation.describe_stacks(StackName=tenant_stack_name(tenant.id))["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    return outputs.get("BucketName")


def _delete_versions(s3: S3Client, bucket: str) -> int:
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if not objects:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
        if answer.get("Errors"):
            first = answer["Errors"][0]
            raise CommandError(
                f"cannot empty bucket {bucket}",
                f"{len(answer['Errors'])} versions were not deleted, the first with {first.get('Code')}: {first.get('Message')}",
                ExitCode.CDK_FAILED,
            )
        deleted += len(objects)
    return deleted
