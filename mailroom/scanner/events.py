"""Queue events that carry S3's notifications. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from mailroom.errors import PermanentError
from mailroom.scanner.layout import RAW_PREFIX

__all__ = ["SETUP_NOTIFICATION", "RawObject", "raw_objects", "rescan_message"]

SETUP_NOTIFICATION: Final = f"{RAW_PREFIX}AMAZON_SES_SETUP_NOTIFICATION"
"""What SES writes when a receipt rule is made, to see whether it may; no mail."""


@dataclass(frozen=True, slots=True, order=True)
class RawObject:
    """One version of one object in a tenant's quarantine.

    Args:
        bucket: the tenant's.
        key: below `raw/`.
        version: its id.
        rescan: id of the request to scan it anew; "" when it just arrived.
    """

    bucket: str
    key: str
    version: str
    rescan: str = ""

    @property
    def message_id(self) -> str:
        """SES's id of the message: the key without its prefix."""
        return self.key.removeprefix(RAW_PREFIX)


def raw_objects(body: str) -> Iterator[RawObject]:
    """The objects that one queue message is about, each once, in the order of their events; none for S3's test event and SES's.

    Raises:
        PermanentError: no notification of S3's, or one about an object outside the quarantine or without a version.

    Source: S3 user guide, "Event message structure": keys are URL-encoded, as forms are.
    """
    try:
        event = json.loads(body)
    except ValueError as error:
        raise PermanentError("queue message: must be a notification of S3's, got no JSON") from error
    if isinstance(event, Mapping) and event.get("Event") == "s3:TestEvent":
        return
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not records:
        raise PermanentError("queue message: must be a notification of S3's, got no records")
    objects = dict.fromkeys(_object(record) for record in records)
    yield from (item for item in objects if item.key != SETUP_NOTIFICATION)


def rescan_message(item: RawObject) -> str:
    """The queue message that has `item` scanned anew: as S3's notification, and the id of the request."""
    described = {
        "bucket": {"name": item.bucket},
        "object": {"key": quote_plus(item.key), "versionId": item.version},
    }
    return json.dumps({"Records": [{"s3": described, "rescan": item.rescan}]})


def _object(record: Any) -> RawObject:
    try:
        part = record["s3"]
        found = RawObject(
            bucket=part["bucket"]["name"],
            key=unquote_plus(part["object"]["key"], errors="strict"),
            version=part["object"]["versionId"],
            rescan=str(record.get("rescan", "")),
        )
    except (KeyError, TypeError, UnicodeDecodeError, AttributeError) as error:
        raise PermanentError("queue message: a record must name bucket, key and version") from error
    if not found.key.startswith(RAW_PREFIX) or not found.message_id or not found.version or not found.bucket:
        raise PermanentError(f"queue message: {found.bucket}: key must be below {RAW_PREFIX}, got {found.key!r}")
    return found
