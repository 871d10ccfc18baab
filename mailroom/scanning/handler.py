"""The scanner's batches: queue messages in, the failed ones out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.batches import attempt, failed_records
from mailroom.errors import MailroomError
from mailroom.metric_names import HELD
from mailroom.scanning.envelopes import Reduced, addressed_in, keep, reduced
from mailroom.scanning.events import RawObject, delivered_message, raw_objects
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.lanes import TooSlowError
from mailroom.scanning.recall import Recalls, Seen

__all__ = ["process_batch"]

logger = logging.getLogger(__name__)


def _is_ready() -> None:
    pass


def _is_none(_record: Mapping[str, Any], _bucket: str) -> bool:
    return False


def _is_refused(_record: Mapping[str, Any], _replacement: Reduced) -> bool:
    return False


def process_batch(
    event: Mapping[str, Any],
    intake: Intake,
    *,
    max_receives: int,
    ensure_ready: Callable[[], None] = _is_ready,
    recalls: Recalls | None = None,
    put_into_slow_lane: Callable[[Mapping[str, Any], str], bool] = _is_none,
    put_reduced: Callable[[Mapping[str, Any], Reduced], bool] = _is_refused,
) -> dict[str, list[dict[str, str]]]:
    """Process every object of a batch; returns the failed messages, which the queue delivers again.

    A failure does not affect the others. Any exception counts as a failure: the raw message stays in quarantine. At the last try
    the message is held, with a verdict and an alert. A message that cannot be held goes to the dead-letter queue, which has an
    alarm.

    Args:
        event: the queue's event.
        intake: the work on one object.
        max_receives: number of tries by the queue.
        ensure_ready: called before each message; raises `MailroomError` if no scan is possible. Default: always ready.
        recalls: the work on what was delivered. Default: None, there is none.
        put_into_slow_lane: sends a queue message on, in the turn of a bucket; says whether it is there. Default: there is no lane.
        put_reduced: sends what replaces a notification of SES's to the scanner's own queue; says whether it is there. Default: a
            sorter does so.
    """

    def done(record: Mapping[str, Any]) -> bool:
        last = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)) >= max_receives
        by_ses = reduced(record["body"])
        if by_ses is not None:
            return not by_ses.body or put_reduced(record, by_ses)
        if _done(record, intake, ensure_ready, recalls, put_into_slow_lane, last=last):
            return True
        intake.count("Failures", 1)
        return False

    return failed_records(event["Records"], done)


def _done(
    record: Mapping[str, Any],
    intake: Intake,
    ensure_ready: Callable[[], None],
    recalls: Recalls | None,
    put_into_slow_lane: Callable[[Mapping[str, Any], str], bool],
    *,
    last: bool,
) -> bool:
    """Process one queue message; returns whether no work is left."""

    def look(delivered: tuple[str, str]) -> Seen | None:
        ensure_ready()
        return recalls.look(*delivered) if recalls is not None else None

    try:
        delivered = delivered_message(record["body"])
        if delivered is not None:
            seen = attempt(look, delivered)
            logger.info("%s/%s: %s", *delivered, "failed" if seen is None else seen.value)
            return seen is not None
        addressed = addressed_in(record["body"])
        if addressed is not None:
            return attempt(lambda said: keep(intake.s3, intake.recipient_of, said), addressed) is not None
        items = list(raw_objects(record["body"], sender=record.get("attributes", {}).get("SenderId", "")))
    except MailroomError as error:
        logger.warning("%s: %s", type(error).__name__, error)
        return False

    def in_its_lane(work: Callable[[RawObject], Outcome]) -> Callable[[RawObject], Outcome]:
        return lambda item: _in_its_lane(work, item, record, put_into_slow_lane)

    def take(item: RawObject) -> Outcome:
        ensure_ready()
        return intake.take(item)

    done = True
    for item in items:
        outcome = attempt(in_its_lane(take), item)
        if outcome is None and last:
            outcome = attempt(in_its_lane(intake.hold), item)
        if outcome is None:
            done = False
        else:
            intake.count(HELD if outcome is Outcome.HELD else outcome.name.capitalize(), 1)
            logger.info("%s/%s version %s: %s", item.bucket, item.key, item.version, outcome.value)
    return done


def _in_its_lane(
    work: Callable[[RawObject], Outcome],
    item: RawObject,
    record: Mapping[str, Any],
    put_into_slow_lane: Callable[[Mapping[str, Any], str], bool],
) -> Outcome:
    """Work on an object, or put its queue message into the slow lane."""
    try:
        return work(item)
    except TooSlowError:
        # The slow lane's messages come from the scanner, so a release would lose its requester there.
        if item.release is None and put_into_slow_lane(record, item.bucket):
            return Outcome.SLOW
        raise
