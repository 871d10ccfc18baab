"""Attachments and documents too big for the table, as objects in the tenant's bucket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.faults import TAKEN, THERE, code_of, fault
from mailroom.store.table import pause

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from mailroom.errors import MailroomError

__all__ = ["Objects", "put_unless_there"]

_MEETS_ANOTHER: Final = TAKEN - THERE
"""Codes of a concurrent write or deletion of the same object, which may fail: the next try shows the result."""
_TRIES: Final = 6


def put_unless_there(write: Callable[[], object], where: str) -> None:
    """Write an object if it does not exist; an existing one is a success, too.

    Args:
        write: the request.
        where: bucket and key, for the text of errors.

    Raises:
        MailroomError: AWS failed, or refuses; or concurrent writes of the same object go on.

    Source: S3 user guide, "Conditional writes": upon 409 ConditionalRequestConflict, the upload is tried again.
    """
    for attempt in range(_TRIES):
        try:
            write()
        except (BotoCoreError, ClientError) as error:
            code = code_of(error)
            if code in THERE:
                return
            if code not in _MEETS_ANOTHER or attempt + 1 == _TRIES:
                raise fault(error, action="s3:PutObject", resource=where, where=where) from error
        else:
            return
        pause(attempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """Objects of one bucket.

    Args:
        client: of S3.
        bucket: the tenant's.
    """

    client: S3Client
    bucket: str

    def put(self, key: str, data: bytes) -> None:
        """Write an object, also over an earlier one, which restarts its lifetime. Raises MailroomError."""
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType="application/octet-stream",
                # A browser saves it as a file and never opens it as a page.
                ContentDisposition="attachment",
            )
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, "s3:PutObject", key) from error

    def open(self, key: str) -> StreamingBody:
        """A stream of the object's bytes, for the caller to read and close. Raises MailroomError."""
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, "s3:GetObject", key) from error

    def _fault(self, error: BotoCoreError | ClientError, action: str, key: str) -> MailroomError:
        where = f"{self.bucket}/{key}"
        return fault(error, action=action, resource=where, where=where)
