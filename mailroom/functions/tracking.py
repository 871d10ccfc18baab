"""Entry of the tracking function: a batch of queue messages in, the failed ones out."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3

from mailroom.events import EventPublisher
from mailroom.functions.tracking_notes import Notes
from mailroom.functions.tracking_settings import Settings
from mailroom.registry import Registry
from mailroom.sessions import Sessions
from mailroom.store.table import Table
from mailroom.tracking.tag import TAG
from mailroom.turns import send_all_again
from mailroom.waiting import try_again_after

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["on_event"]

_AGAIN_SECONDS: Final = 300
"""Five retries last longer than the outbox may take to record the recipients of a message, for which bounces wait."""

logging.getLogger("mailroom").setLevel(logging.INFO)


def on_event(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Process one batch of the queue; returns the failed messages."""
    answer = _notes().process_batch(event)
    try_again_after(_sqs(), _AGAIN_SECONDS, event, answer)
    return answer


@cache
def _sqs() -> SQSClient:
    return boto3.client("sqs")


@cache
def _notes() -> Notes:
    """The collaborators, once per sandbox."""
    settings = Settings.from_environment(os.environ)
    registry = Registry(ssm=boto3.client("ssm"), path=settings.registry_path, clock=_now)
    sessions = Sessions(sts=boto3.client("sts"), role_arn=settings.role_arn, tag=TAG, clock=_now)
    return Notes(
        entry_of=registry.of,
        table_of=lambda configuration_set, name: Table(client=sessions.dynamodb(configuration_set), name=name),
        send_again=lambda records: send_all_again(_sqs(), settings.queue_url, records),
        sets_arn=settings.sets_arn,
        publish=EventPublisher(events=boto3.client("events"), bus=settings.event_bus).publish,
        max_receives=settings.max_receives,
        clock=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
