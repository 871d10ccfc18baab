"""Entry of the tracking Lambda: a batch of queue messages in, the ones to try again out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3

from mailroom.batches import attempt, not_done
from mailroom.functions.tracking_settings import Settings
from mailroom.store.bounces import SUPPRESSING, suppress_recipient
from mailroom.store.engagements import note_engagement
from mailroom.store.table import Table
from mailroom.tracking.lines import engagement_of
from mailroom.waiting import try_again_after

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["on_event", "work_on"]

_AGAIN_SECONDS: Final = 90

logger = logging.getLogger("mailroom")
logger.setLevel(logging.INFO)


def on_event(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Work on one batch of the queue; returns the messages to bring again."""
    table, settings = _table()
    answer = work_on(event, table, settings)
    try_again_after(_sqs(), _AGAIN_SECONDS, event, answer)
    return answer


@cache
def _sqs() -> SQSClient:
    return boto3.client("sqs")


def work_on(
    event: Mapping[str, Any], table: Table, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dict[str, list[dict[str, str]]]:
    """Note every event of the batch; returns the messages that were not done. What is no event ends with the dead letters."""

    def note(line: str) -> bool:
        engagement = engagement_of(line, settings.configuration_set)
        note_engagement(table, engagement, settings.retention)
        logger.info("message %s: %s", engagement.ses_id, engagement.kind.value)
        if engagement.kind in SUPPRESSING:
            suppress_recipient(table, engagement, now(), plain=settings.plain_addresses, retention=settings.retention)
        return True

    return not_done(event["Records"], lambda record: attempt(note, str(record["body"])) is not None)


@cache
def _table() -> tuple[Table, Settings]:
    """What one sandbox keeps."""
    settings = Settings.from_environment(os.environ)
    return Table(client=boto3.client("dynamodb"), name=settings.table), settings
