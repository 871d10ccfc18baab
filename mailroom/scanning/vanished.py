"""A message that is to be sent and was deleted before anybody scanned it: whoever asked for it would wait for ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailroom.layout import ACTION_GONE, ACTION_MARK, OUTGOING_PREFIX
from mailroom.scanning.clean_objects import deliver, standing_at
from mailroom.scanning.events import RawObject
from mailroom.scanning.records import read_record
from mailroom.scanning.versions import kept_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["tell_gone"]

_REQUEST: Final = re.compile(re.escape(OUTGOING_PREFIX) + "[0-9a-f]{40}")


def tell_gone(s3: S3Client, item: RawObject) -> None:
    """Put a notice of it where the message would be delivered, by which its request is refused.

    Nothing where it is no message of an outbox; where it has a verdict, since it was scanned before it went; where something
    stands in its place already; or where another version of it waits, as of one that was asked for again.

    Args:
        s3: a client.
        item: the raw version that is gone.

    Raises:
        ClientError: S3 failed.
    """
    if (
        _REQUEST.fullmatch(item.key) is None
        or standing_at(s3, item) is not None
        or read_record(s3, item)[0] is not None
    ):
        return
    if any(
        one["Key"] == item.key and one["VersionId"] != item.version for one in kept_versions(s3, item.bucket, item.key)
    ):
        return
    said = {"raw-version": item.version, ACTION_MARK: ACTION_GONE}
    # Where something was put there meanwhile, that says more.
    deliver(s3, item, b"", metadata=said, headers={"ContentType": "message/rfc822"}, replaces=None)
