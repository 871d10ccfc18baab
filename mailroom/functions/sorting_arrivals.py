"""Puts S3's notifications of arrivals into the scanner's queue, with the bucket as message group."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from mailroom.batches import attempt, failed_records
from mailroom.errors import PermanentError
from mailroom.layout import RAW_PREFIX
from mailroom.notifications import stored_objects

__all__ = ["sort"]

_NOTHING: Final = ""
_BUCKET: Final = re.compile(r"[a-z0-9.-]{3,63}")


def sort(
    event: Mapping[str, Any], send: Callable[[Sequence[tuple[Mapping[str, Any], str]]], Collection[str]]
) -> dict[str, list[dict[str, str]]]:
    """Send every message of the batch on unchanged, with its bucket as message group; returns the unsent ones.

    S3's test event is dropped here. Other messages than S3's notifications, and releases by operators, are not sent: they go to the
    dead letters. The sender of a release is its requester, so a release goes to the scanner's queue directly.

    Args:
        event: the queue's event.
        send: puts messages into the scanner's queue; returns the ids of accepted ones.
    """
    groups = [(record, attempt(_group_of, record)) for record in event["Records"]]
    sent = send([(record, group) for record, group in groups if group])
    nothing = {record["messageId"] for record, group in groups if group == _NOTHING}
    return failed_records(
        event["Records"], lambda record: record["messageId"] in nothing or record["messageId"] in sent
    )


def _group_of(record: Mapping[str, Any]) -> str:
    """The (first) bucket of a notification; `_NOTHING` for a test event."""
    body = record["body"]
    buckets = [item.bucket for item in stored_objects(body, RAW_PREFIX, folder=True)]
    if not buckets:
        return _NOTHING
    if json.loads(body).get("release") is not None:
        raise PermanentError("queue message: a release must be sent to the scanner's own queue, got one among arrivals")
    if _BUCKET.fullmatch(buckets[0]) is None:
        raise PermanentError("queue message: a record must name a bucket, got what cannot be one")
    return buckets[0]
