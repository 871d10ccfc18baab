"""Queue events about mail in quarantine. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote_plus

from mailroom.layout import RAW_PREFIX
from mailroom.notifications import StoredObject, stored_objects

__all__ = ["SETUP_NOTIFICATION", "RawObject", "raw_objects", "rescan_message"]

SETUP_NOTIFICATION: Final = f"{RAW_PREFIX}AMAZON_SES_SETUP_NOTIFICATION"
"""What SES writes when a receipt rule is made, to see whether it may; no mail."""


class RawObject(StoredObject):
    """One version of one object in a tenant's quarantine: its key is below `raw/`."""

    __slots__ = ()

    @property
    def message_id(self) -> str:
        """SES's id of the message: the key without its prefix."""
        return self.key.removeprefix(RAW_PREFIX)


def raw_objects(body: str) -> Iterator[RawObject]:
    """The objects that one queue message is about, each once; none for S3's test event and SES's.

    Raises:
        PermanentError: no notification of S3's, or one about an object outside the quarantine or without a version.
    """
    for item in stored_objects(body, RAW_PREFIX, folder=True):
        if item.key != SETUP_NOTIFICATION:
            yield RawObject(item.bucket, item.key, item.version, item.rescan)


def rescan_message(item: RawObject) -> str:
    """The queue message that has `item` scanned anew: as S3's notification, and the id of the request."""
    described = {
        "bucket": {"name": item.bucket},
        "object": {"key": quote_plus(item.key), "versionId": item.version},
    }
    return json.dumps({"Records": [{"s3": described, "rescan": item.rescan}]})
