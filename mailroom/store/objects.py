"""What is too big for a table: attachments and big documents, as objects in the tenant's bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

__all__ = ["Objects"]

_THERE: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """Objects of one bucket; each is written once.

    Args:
        client: of S3.
        bucket: the tenant's.
    """

    client: S3Client
    bucket: str

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object, unless it is there: its key names its content. Raises RetryableError."""
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                # Should it ever be opened in a browser: as a file, never as a page.
                ContentDisposition="attachment",
                IfNoneMatch="*",
            )
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _THERE:
                return
            raise RetryableError(f"{self.bucket}/{key}: cannot be written: {_code(error)}; try again") from error

    def open(self, key: str) -> StreamingBody:
        """The object's octets, to be read and closed. Raises RetryableError."""
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"{self.bucket}/{key}: cannot be read: {_code(error)}") from error


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
