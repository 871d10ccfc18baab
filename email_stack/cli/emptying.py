"""Empties the bucket of a tenant with `removal: destroy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import aws_failures
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant
from email_stack.operations.aws import aws_errors, check_account, session, stack_outputs
from email_stack.output.printable import counted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["delete_versions", "empty_bucket_of"]


def empty_bucket_of(tenant: Tenant, cell: Cell) -> int:
    """Delete every version of every object in the tenant's bucket, which CloudFormation does not do; returns the number.

    The bucket is read from the stack's outputs, in the account that the credentials are for. 0 when there is no stack.

    Raises:
        CommandError: the credentials are for another account than the cell's, or AWS refused.
    """
    doing = f'cannot empty the bucket of tenant "{tenant.id}"'
    with aws_failures(doing):
        check_account(cell)
        outputs = stack_outputs(tenant_stack_name(tenant.id), cell)
        bucket = outputs.get("BucketName") if outputs is not None else None
        with aws_errors(doing):
            return 0 if bucket is None else delete_versions(session().client("s3", region_name=cell.region), bucket)


def delete_versions(s3: S3Client, bucket: str) -> int:
    """Delete every version of every object; returns the number. Raises `CommandError` if S3 keeps one."""
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
                f"{counted(len(answer['Errors']), 'version')} not deleted, the first with {first.get('Code')}: "
                f"{first.get('Message')}",
                ExitCode.CDK_FAILED,
            )
        deleted += len(objects)
    return deleted
