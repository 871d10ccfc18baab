"""What is too big for a table: attachments and big documents, as objects in the tenant's bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.faults import THERE, code_of, fault

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from mailroom.errors import MailroomError

__all__ = ["Objects"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """Objects of one bucket; each is written once.

    Args:
        client: of S3.
        bucket: the tenant's.
    """

    client: S3Client
    bucket: str

    def put(self, key: str, data: bytes, *, renew: bool = False) -> None:
        """Write an object, unless it is there: its key names its content. Raises MailroomError.

        Args:
            key: its key.
            data: its octets.
            renew: whether it is written also where it is there, so that its time begins anew. Default: False.
        """
        unless: Any = {} if renew else {"IfNoneMatch": "*"}
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType="application/octet-stream",
                # Should it ever be opened in a browser: as a file, never as a page.
                ContentDisposition="attachment",
                **unless,
            )
        except (BotoCoreError, ClientError) as error:
            if code_of(error) in THERE:
                return
            raise self._fault(error, "s3:PutObject", key) from error

    def open(self, key: str) -> StreamingBody:
        """The object's octets, to be read and closed. Raises MailroomError."""
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, "s3:GetObject", key) from error

    def _fault(self, error: BotoCoreError | ClientError, action: str, key: str) -> MailroomError:
        where = f"{self.bucket}/{key}"
        return fault(error, action=action, resource=where, where=where)
