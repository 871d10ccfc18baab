"""Queue messages that carry S3's notifications. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

from mailroom.errors import PermanentError

__all__ = ["NO_VERSION", "StoredObject", "stored_objects"]

NO_VERSION: Final = "null"
"""S3's name for the version of an object from before its bucket's versioning took effect."""


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One version of one object in a tenant's bucket.

    Args:
        bucket: the tenant's.
        key: of the object.
        version: its id; `NO_VERSION` where the bucket gave it none.
        rescan: id of the request for a rescan; "" for an arrival.
        by: S3's id of its writer; "" if S3 gives none.
    """

    bucket: str
    key: str
    version: str
    rescan: str = ""
    by: str = field(default="", compare=False, kw_only=True)


def stored_objects(body: str, prefix: str, *others: str, folder: bool = False) -> Iterator[StoredObject]:
    """The objects of one queue message, each once, in the order of their events; none for S3's test event.

    Args:
        body: of the queue message.
        prefix: required prefix of their keys.
        others: further prefixes, of which each key may have one instead.
        folder: whether the prefix itself may be a key, as S3's console makes it. Default: False.

    Raises:
        PermanentError: the message is no notification of S3, or about an object elsewhere.

    Source: S3 user guide, "Event message structure": keys are URL-encoded, as forms are; `versionId` is there "if bucket is
    versioning-enabled". "Using versioning in S3 buckets": that takes up to 15 minutes after it was asked for.
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
    yield from dict.fromkeys(_object(record, (prefix, *others), folder=folder) for record in records)


def _object(record: Any, prefixes: tuple[str, ...], *, folder: bool) -> StoredObject:
    try:
        part = record["s3"]
        found = StoredObject(
            bucket=_text(part["bucket"]["name"]),
            key=unquote_plus(_text(part["object"]["key"]), errors="strict"),
            version=_version(part["object"]),
            rescan=str(record.get("rescan", "")),
            by=_principal(record),
        )
    except (KeyError, TypeError, UnicodeDecodeError, AttributeError) as error:
        raise PermanentError("queue message: a record must name bucket and key") from error
    below = found.key.startswith(prefixes) and (folder or found.key not in prefixes)
    if not below:
        allowed = " or ".join(prefixes)
        raise PermanentError(f"queue message: {found.bucket}: key must be below {allowed}, got {found.key!r}")
    return found


def _principal(record: Mapping[str, Any]) -> str:
    identity = record.get("userIdentity")
    principal = identity.get("principalId") if isinstance(identity, Mapping) else None
    return principal if isinstance(principal, str) else ""


def _version(described: Mapping[str, Any]) -> str:
    version = described.get("versionId")
    return NO_VERSION if version is None else _text(version)


def _text(value: object) -> str:
    """The value, if it is text and not empty. Raises TypeError."""
    if not isinstance(value, str) or not value:
        raise TypeError
    return value
