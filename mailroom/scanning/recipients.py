"""Looks up the tenant of a bucket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.scanning.tags import Recipient, recipient_from

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Recipients"]

_KEPT: Final = timedelta(minutes=5)
_MOST_KEPT: Final = 10_000


@dataclass(slots=True)
class Recipients:
    """Looks up tenants, and caches each for five minutes.

    Args:
        s3: a client.
        clock: the time now.
    """

    s3: S3Client
    clock: Callable[[], datetime]
    known: dict[str, tuple[datetime, Recipient]] = field(default_factory=dict)

    def of(self, bucket: str) -> Recipient:
        """The tenant of a bucket.

        Raises:
            RetryableError: the tags cannot be read, or are incomplete: mail stays in quarantine until they are right.
        """
        now = self.clock()
        since, recipient = self.known.get(bucket, (now - _KEPT, None))
        if recipient is not None and now - since < _KEPT:
            return recipient
        try:
            answer = self.s3.get_bucket_tagging(Bucket=bucket)
            found = recipient_from({tag["Key"]: tag["Value"] for tag in answer["TagSet"]})
        except (BotoCoreError, ClientError, ValueError) as error:
            raise RetryableError(f"{bucket}: cannot tell whose it is: {error}; deploy its tenant again") from error
        if len(self.known) >= _MOST_KEPT:
            self.known.clear()
        self.known[bucket] = (now, found)
        return found
