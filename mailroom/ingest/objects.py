"""Reads objects of a tenant's bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.faults import GONE, code_of
from mailroom.layout import MAX_MESSAGE_OCTETS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["read_object"]


def read_object(s3: S3Client, bucket: str, key: str, version: str, *, where: str) -> dict[str, Any] | None:
    """An object with its bytes, of a version or the latest ("" for that); None if it was deleted.

    Raises:
        RetryableError: S3 failed.
        PermanentError: the object is bigger than SES's limit for mail.
    """
    named: Any = {"VersionId": version} if version else {}
    try:
        answer: dict[str, Any] = {**s3.get_object(Bucket=bucket, Key=key, **named)}
        if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
            raise PermanentError(f"{where}: has {answer['ContentLength']} bytes, more than SES accepts")
        return {**answer, "Body": answer["Body"].read()}
    except (BotoCoreError, ClientError) as error:
        if code_of(error) in GONE:
            return None
        raise RetryableError(f"{where}: cannot be read: {code_of(error)}") from error
