"""Entry of the scanner's function: each warm sandbox has one clamd."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import boto3

from mailroom.definitions.sets import current
from mailroom.errors import RetryableError
from mailroom.events import EventPublisher
from mailroom.functions.scanner_settings import Settings
from mailroom.metric_names import SCANNER
from mailroom.metrics import Metrics
from mailroom.scanning.dmarc_policies import DmarcPolicies
from mailroom.scanning.engine import WarmEngine
from mailroom.scanning.envelopes import Reduced
from mailroom.scanning.events import look_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Intake
from mailroom.scanning.lanes import QUICK_ENGINE, QuickLane
from mailroom.scanning.passes import Passes
from mailroom.scanning.recall import Recalls
from mailroom.scanning.recipients import Recipients
from mailroom.scanning.scan import AnswerCache
from mailroom.turns import send_all_again
from mailroom.waiting import try_again_after
from mailroom.workplace import claim_workplace

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["on_event"]

_AGAIN_SECONDS: Final = 360

logging.getLogger("mailroom").setLevel(logging.INFO)


class _Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


def on_event(event: dict[str, Any], context: _Context) -> dict[str, list[dict[str, str]]]:
    """Process one batch of the queue, or, on a schedule's event, delivered mail; returns the failed messages."""
    settings, engine, intake = _sandbox()
    metrics = Metrics(SCANNER, settings.scanner)
    recalls = Recalls(
        s3=intake.s3,
        sns=intake.sns,
        engine=engine,
        recipient_of=intake.recipient_of,
        clock=_now,
        cache=intake.cache,
        count=metrics.count,
        defer=_defer if settings.slow_queue_url else None,
    )
    try:
        if "Records" not in event:
            _go_on(settings, engine, recalls, metrics)
            return {"batchItemFailures": []}
        answer = process_batch(
            event,
            replace(intake, count=metrics.count, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000),
            max_receives=settings.max_receives,
            ensure_ready=lambda: engine.ensure_ready(metrics.count),
            recalls=recalls,
            put_into_slow_lane=_put_into_slow_lane,
            put_reduced=_put_reduced,
        )
    finally:
        metrics.flush()
    try_again_after(_sqs(), _AGAIN_SECONDS, event, answer)
    return answer


def _go_on(settings: Settings, engine: WarmEngine, recalls: Recalls, metrics: Metrics) -> None:
    """Recall known infected mail, and rescan delivered mail with the newest set."""
    ledger = settings.ledger(recalls.s3)
    if ledger is None:
        return

    def newest() -> str | None:
        manifest = current(recalls.s3, settings.definitions_bucket)
        return manifest.version if manifest is not None else None

    passes = Passes(
        ledger=ledger,
        recalls=recalls,
        newest=newest,
        ensure_ready=lambda: engine.ensure_ready(metrics.count),
        clock=_now,
    )
    passes.run()


def _put_into_slow_lane(record: Mapping[str, Any], bucket: str) -> bool:
    """Whether SQS says that it is there, in the turn of its bucket."""
    settings, _engine, _intake = _sandbox()
    return bool(send_all_again(_sqs(), settings.slow_queue_url, [(record, bucket)]))


def _put_reduced(record: Mapping[str, Any], replacement: Reduced) -> bool:
    """Whether SQS says that it is there. Only a scanner without a sorter gets SES's notifications itself."""
    settings, _engine, _intake = _sandbox()
    sent = [({**record, "body": replacement.body}, replacement.group)]
    return bool(settings.own_queue_url and send_all_again(_sqs(), settings.own_queue_url, sent))


def _defer(bucket: str, id: str) -> None:
    """Have the slow lane scan a delivered message. Raises RetryableError."""
    if not _put_into_slow_lane({"messageId": id, "body": look_message(bucket, id)}, bucket):
        raise RetryableError(f"{bucket}: delivery {id}: cannot be put into the slow lane; is tried again")


@cache
def _sqs() -> SQSClient:
    return boto3.client("sqs")


@cache
def _sandbox() -> tuple[Settings, WarmEngine, Intake]:
    """Collaborators of one sandbox. The first invocation makes them: it may take longer than Lambda's ten seconds to initialise."""
    settings = Settings.from_environment(os.environ)
    s3 = boto3.client("s3")
    engine = WarmEngine(
        s3=s3,
        bucket=settings.definitions_bucket,
        folder=claim_workplace("scanner"),
        max_age=settings.max_definitions_age,
        clock=_now,
        concurrent_reload=settings.concurrent_reload,
        limits=QUICK_ENGINE if settings.slow_queue_url else None,
    )
    intake = Intake(
        s3=s3,
        sns=boto3.client("sns"),
        engine=engine,
        recipient_of=Recipients(s3=s3, clock=_now).of,
        clock=_now,
        cache=AnswerCache(),
        dmarc_policy_of=DmarcPolicies().of,
        publish=EventPublisher(events=boto3.client("events"), bus=settings.event_bus).publish,
        ledger=settings.ledger(s3),
        quick=QuickLane() if settings.slow_queue_url else None,
    )
    return settings, engine, intake


def _now() -> datetime:
    return datetime.now(UTC)
