"""Entry of the ingest function: a batch of queue messages in, the failed ones out."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from mailroom.batches import attempt, failed_records
from mailroom.errors import MailroomError, PermanentError
from mailroom.events import EventPublisher
from mailroom.functions.ingest_settings import Settings
from mailroom.ingest.ingest import Ingest
from mailroom.ingest.recipients import LOOKS
from mailroom.layout import APPROVED_PREFIX, CLEAN_PREFIX, RECIPIENTS_PREFIX
from mailroom.lifetimes import readable_for
from mailroom.notifications import StoredObject, stored_objects
from mailroom.outbox.again import Again
from mailroom.outbox.line import Line
from mailroom.outbox.sending import Sending
from mailroom.store import WriteResult
from mailroom.waiting import try_again_after

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["Work", "on_event", "process_batch"]

_AGAIN_SECONDS: Final = 180

logger = logging.getLogger("mailroom")
logger.setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Work:
    """Collaborators of one sandbox: for delivered mail, and for outgoing mail; None for a tenant that does not send."""

    ingest: Ingest
    sending: Sending | None


def on_event(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Process one batch of the queue; returns the failed messages."""
    answer = process_batch(event, _work())
    try_again_after(_sqs(), _seconds, event, answer)
    return answer


def _seconds(record: Mapping[str, Any]) -> int:
    """Wait of a failed message: recipients that came before their message look for it sooner."""
    try:
        items = list(stored_objects(record["body"], CLEAN_PREFIX, RECIPIENTS_PREFIX))
    except MailroomError:
        return _AGAIN_SECONDS
    if not any(item.key.startswith(RECIPIENTS_PREFIX) for item in items):
        return _AGAIN_SECONDS
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return LOOKS[min(max(receives, 1), len(LOOKS)) - 1]


@cache
def _sqs() -> SQSClient:
    return boto3.client("sqs")


def process_batch(event: Mapping[str, Any], work: Work) -> dict[str, list[dict[str, str]]]:
    """Ingest every object of the batch, and send outgoing mail; returns the failed messages.

    A permanent failure goes to the dead-letter queue, which has an alarm; the mail itself stays under `clean/`.
    """

    def done(record: Mapping[str, Any]) -> bool:
        try:
            again = Again.of(record["body"])
            if again is not None:
                return attempt(once_more, again) is not None
            items = list(stored_objects(record["body"], CLEAN_PREFIX, RECIPIENTS_PREFIX))
        except MailroomError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            return False
        return None not in [attempt(take, item) for item in items]

    def take(item: StoredObject) -> bool:
        return told(item, _send(item) if item.key.startswith(APPROVED_PREFIX) else work.ingest.take(item))

    def once_more(again: Again) -> bool:
        return told(again.item, _send(again.item, again))

    def told(item: StoredObject, filed: WriteResult | None) -> bool:
        if filed is None:
            logger.info("%s/%s: nothing to do now", item.bucket, item.key)
        else:
            logger.info("%s/%s: message %s in thread %s", item.bucket, item.key, filed.digest, filed.thread)
        return True

    def _send(item: StoredObject, again: Again | None = None) -> WriteResult | None:
        if work.sending is None:
            raise PermanentError(f"{item.bucket}/{item.key}: this function sends nothing")
        return work.sending.take(item, again)

    return failed_records(event["Records"], done)


@cache
def _work() -> Work:
    """The collaborators, made in the first invocation of a sandbox."""
    settings = Settings.from_environment(os.environ)
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    publish = EventPublisher(events=boto3.client("events"), bus=settings.event_bus).publish
    ingest = Ingest(
        s3=s3,
        dynamodb=dynamodb,
        publish=publish,
        tenant=settings.tenant,
        table=settings.table,
        retention=readable_for(settings.retention),
        join_by=settings.join_by,
        subdomain=settings.subdomain,
    )
    if not settings.configuration_set:
        return Work(ingest, None)
    sending = Sending(
        s3=s3,
        ses=boto3.client("sesv2", config=Config(retries={"total_max_attempts": 1})),
        dynamodb=dynamodb,
        clock=lambda: datetime.now(UTC),
        tenant=settings.tenant,
        table=settings.table,
        configuration_set=settings.configuration_set,
        region=settings.region,
        retention=readable_for(settings.retention),
        join_by=settings.join_by,
        publish=publish,
        put_back=Line(sqs=boto3.client("sqs"), url=settings.queue_url).put_back,
    )
    return Work(ingest, sending)
