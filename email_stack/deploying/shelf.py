"""Snapshots and templates of runs in a bucket; each is written once, under a name with its revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.faults import GONE, code_of, fault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Shelf", "snapshot_key", "template_key"]


def snapshot_key(tenant: str, revision: int) -> str:
    """Key of the snapshot of a revision."""
    return f"snapshots/{tenant}/{revision}.json"


def template_key(tenant: str, revision: int, release: str) -> str:
    """Key of the template that a release makes of a revision."""
    return f"templates/{tenant}/{revision}-{release}.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """The bucket.

    Args:
        s3: a client.
        bucket: its name.
    """

    s3: S3Client
    bucket: str

    def get(self, key: str) -> bytes | None:
        """Content of an object; None where there is no object. Raises MailroomError."""
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            if code_of(error) in GONE:
                return None
            raise fault(error, action="s3:GetObject", resource=f"{self.bucket}/{key}") from error

    def put_once(self, key: str, content: bytes) -> None:
        """Write an object once: an existing one stays. Raises MailroomError."""
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*")
        except (BotoCoreError, ClientError) as error:
            if code_of(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise fault(error, action="s3:PutObject", resource=f"{self.bucket}/{key}") from error

    def url(self, key: str) -> str:
        """URL of an object for CloudFormation."""
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"
