"""Queue messages that carry S3's notifications. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from mailroom.errors import PermanentError

__all__ = ["StoredObject", "stored_objects"]


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One version of one object in a tenant's bucket.

    Args:
        bucket: the tenant's.
        key: of the object.
        version: its id.
        rescan: id of the request to scan it anew; "" when it just arrived.
    """

    bucket: str
    key: str
    version: str
    rescan: str = ""


def stored_objects(body: str, prefix: str, *, folder: bool = False) -> Iterator[StoredObject]:
    """The objects that one queue message is about, each once, in the order of their events; none for S3's test event.

    Args:
        body: of the queue message.
        prefix: what their keys begin with.
        folder: whether the prefix itself may be a key, as S3's console makes it. Default: False.

    Raises:
        PermanentError: no notification of S3's, or one about an object elsewhere or without a version.

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
    yield from dict.fromkeys(_object(record, prefix, folder=folder) for record in records)


def _object(record: Any, prefix: str, *, folder: bool) -> StoredObject:
    try:
        part = record["s3"]
        found = StoredObject(
            bucket=part["bucket"]["name"],
            key=unquote_plus(part["object"]["key"], errors="strict"),
            version=part["object"]["versionId"],
            rescan=str(record.get("rescan", "")),
        )
    except (KeyError, TypeError, UnicodeDecodeError, AttributeError) as error:
        raise PermanentError("queue message: a record must name bucket, key and version") from error
    below = found.key.startswith(prefix) and (folder or found.key != prefix)
    if not below or not found.version or not found.bucket:
        raise PermanentError(f"queue message: {found.bucket}: key must be below {prefix}, got {found.key!r}")
    return found
