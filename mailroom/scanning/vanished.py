"""Outgoing messages that were deleted before their scan: without a notice, their requests would stay queued for ever."""

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
    """Put a notice at the place of delivery, by which the message's request is refused.

    No notice is written for other objects than the outbox's; for a scanned message, which has a verdict; where an object is in the
    place; and where another version waits, as after a repeated request.

    Args:
        s3: a client.
        item: the deleted raw version.

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
    # An object that was put there meanwhile stays: it says more.
    deliver(s3, item, b"", metadata=said, headers={"ContentType": "message/rfc822"}, replaces=None)
