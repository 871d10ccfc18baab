"""Puts notifications of arrivals into the scanner's queue, with the bucket as message group: S3's whole, SES's reduced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from mailroom.batches import attempt, failed_records
from mailroom.errors import PermanentError
from mailroom.layout import RAW_PREFIX
from mailroom.notifications import stored_objects
from mailroom.scanning.envelopes import NOTHING, Reduced, reduced

__all__ = ["sort"]

_BUCKET: Final = re.compile(r"[a-z0-9.-]{3,63}")


def sort(
    event: Mapping[str, Any], send: Callable[[Sequence[tuple[Mapping[str, Any], str]]], Collection[str]]
) -> dict[str, list[dict[str, str]]]:
    """Send every message of the batch on, with its bucket as message group; returns the unsent ones.

    S3's notifications stay as they are. Of SES's, only bucket, key and recipients are sent, where the message's header does not say
    the same. Test events of both are dropped here. Other messages than these, and releases by operators, are not sent: they go to
    the dead letters. The sender of a release is its requester, so a release goes to the scanner's queue directly.

    Args:
        event: the queue's event.
        send: puts messages into the scanner's queue; returns the ids of accepted ones.
    """
    turns = [(record, attempt(_turn_of, record)) for record in event["Records"]]
    sent = send(
        [({**record, "body": turn.body}, turn.group) for record, turn in turns if turn is not None and turn.body]
    )
    nothing = {record["messageId"] for record, turn in turns if turn == NOTHING}
    return failed_records(
        event["Records"], lambda record: record["messageId"] in nothing or record["messageId"] in sent
    )


def _turn_of(record: Mapping[str, Any]) -> Reduced:
    """The queue message to send, in the turn of its (first) bucket."""
    body = record["body"]
    by_ses = reduced(body)
    if by_ses is not None:
        return by_ses
    buckets = [item.bucket for item in stored_objects(body, RAW_PREFIX, folder=True)]
    if not buckets:
        return NOTHING
    if json.loads(body).get("release") is not None:
        raise PermanentError("queue message: a release must be sent to the scanner's own queue, got one among arrivals")
    if _BUCKET.fullmatch(buckets[0]) is None:
        raise PermanentError("queue message: a record must name a bucket, got what cannot be one")
    return Reduced(body, buckets[0])
