"""Queue events about mail in quarantine. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from mailroom.errors import PermanentError
from mailroom.layout import RAW_PREFIX
from mailroom.notifications import StoredObject, stored_objects
from mailroom.scanning.release import Release, release_from

__all__ = [
    "SETUP_NOTIFICATION",
    "RawObject",
    "delivered_message",
    "look_message",
    "raw_objects",
    "rescan_message",
]

SETUP_NOTIFICATION: Final = f"{RAW_PREFIX}AMAZON_SES_SETUP_NOTIFICATION"
"""Object that SES writes at the creation of a receipt rule, as a test of its permission; no mail."""


@dataclass(frozen=True, slots=True, order=True)
class RawObject(StoredObject):
    """One version of one object in a tenant's quarantine: its key is below `raw/`.

    Args:
        release: request to deliver it even against the tenant's policy; None without one.
    """

    release: Release | None = field(default=None, compare=False)

    @property
    def message_id(self) -> str:
        """SES's id of the message: the key without its prefix."""
        return self.key.removeprefix(RAW_PREFIX)


def raw_objects(body: str, *, sender: str = "") -> Iterator[RawObject]:
    """The objects of one queue message, each once; none for the test events of S3 and SES.

    Args:
        body: of the queue message.
        sender: SQS's id of its sender. Default: unknown.

    Raises:
        PermanentError: the message is no notification of S3, or about an object outside the quarantine; its release is invalid, or
            of several objects.
    """
    found = list(stored_objects(body, RAW_PREFIX, folder=True))
    release = _release(body, found, sender) if found else None
    for item in found:
        if item.key != SETUP_NOTIFICATION:
            yield RawObject(item.bucket, item.key, item.version, item.rescan, by=item.by, release=release)


def rescan_message(item: RawObject) -> str:
    """The queue message for a rescan of `item`: S3's notification, the id of the request, and the release if there is one."""
    described = {
        "bucket": {"name": item.bucket},
        "object": {"key": quote_plus(item.key), "versionId": item.version},
    }
    message: dict[str, Any] = {"Records": [{"s3": described, "rescan": item.rescan}]}
    return json.dumps(message if item.release is None else {**message, "release": item.release.document})


def look_message(bucket: str, id: str) -> str:
    """The queue message for a rescan of a delivered message."""
    return json.dumps({"delivered": {"bucket": bucket, "id": id}})


def delivered_message(body: str) -> tuple[str, str] | None:
    """Bucket and id of the delivered message to rescan; None for another kind of queue message.

    Raises:
        PermanentError: the queue message names no bucket or id.
    """
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or "delivered" not in said:
        return None
    named = said["delivered"]
    bucket, name = (named.get("bucket"), named.get("id")) if isinstance(named, dict) else (None, None)
    if not (isinstance(bucket, str) and bucket and isinstance(name, str) and name):
        raise PermanentError("queue message: delivered must name bucket and id")
    return bucket, name


def _release(body: str, found: list[StoredObject], sender: str) -> Release | None:
    said = json.loads(body).get("release")
    if said is None:
        return None
    if len(found) != 1 or not found[0].rescan:
        raise PermanentError(f"queue message: a release must be a request about one object, got {len(found)}")
    try:
        return release_from(said, sender=sender)
    except ValueError as error:
        raise PermanentError(f"queue message: {error}") from error
