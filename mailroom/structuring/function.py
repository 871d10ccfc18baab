"""Entry of the structuring Lambda: a batch of queue messages in, the ones to try again out."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from mailroom.announcements import Announcer
from mailroom.batches import attempt, not_done
from mailroom.errors import MailroomError
from mailroom.layout import CLEAN_PREFIX
from mailroom.notifications import StoredObject, stored_objects
from mailroom.structuring.settings import Settings
from mailroom.structuring.structure import Structuring

__all__ = ["on_event", "work_on"]

logger = logging.getLogger("mailroom")
logger.setLevel(logging.INFO)


def on_event(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Work on one batch of the queue; returns the messages to bring again."""
    return work_on(event, _structuring())


def work_on(event: Mapping[str, Any], structuring: Structuring) -> dict[str, list[dict[str, str]]]:
    """Make entities of every object that the batch is about; returns the messages that were not done.

    What never can be done ends in the dead-letter queue, where an alarm is; the mail itself stays under `clean/`.
    """

    def done(record: Mapping[str, Any]) -> bool:
        try:
            items = list(stored_objects(record["body"], CLEAN_PREFIX))
        except MailroomError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            return False
        return None not in [attempt(take, item) for item in items]

    def take(item: StoredObject) -> bool:
        filed = structuring.take(item)
        if filed is None:
            logger.info("%s/%s: gone", item.bucket, item.key)
        else:
            logger.info("%s/%s: message %s in thread %s", item.bucket, item.key, filed.digest, filed.thread)
        return True

    return not_done(event["Records"], done)


@cache
def _structuring() -> Structuring:
    """What one sandbox keeps."""
    settings = Settings.from_environment(os.environ)
    return Structuring(
        s3=boto3.client("s3"),
        dynamodb=boto3.client("dynamodb"),
        announce=Announcer(events=boto3.client("events"), bus=settings.event_bus).announce,
        tenant=settings.tenant,
        table=settings.table,
        retention=settings.retention,
        join_by=settings.join_by,
    )
