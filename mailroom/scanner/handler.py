"""The scanner's Lambda: a batch of queue messages in, the ones to try again out."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mailroom.errors import MailroomError
from mailroom.metric_names import HELD
from mailroom.scanner.events import RawObject, raw_objects
from mailroom.scanner.intake import Intake, Outcome

__all__ = ["work_on"]

logger = logging.getLogger(__name__)


def _is_ready() -> None:
    pass


def work_on(
    event: Mapping[str, Any],
    intake: Intake,
    *,
    max_receives: int,
    ensure_ready: Callable[[], None] = _is_ready,
) -> dict[str, list[dict[str, str]]]:
    """Take every object that the batch is about; returns the messages that were not done, which the queue brings again.

    One that cannot be done keeps none of the others from being done. Whatever is raised counts as not done: the raw message
    stays in quarantine. At the last try it is held, with a verdict and an alert; what cannot even be held ends in the dead-letter
    queue, where an alarm is.

    Args:
        event: as the queue hands it over.
        intake: the work on one object.
        max_receives: how often the queue hands one message out.
        ensure_ready: called before each message; raises `MailroomError` when nothing can be scanned. Default: it is.

    Source: Lambda developer guide, "Implementing partial batch responses".
    """
    failures = []
    for record in event["Records"]:
        last = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)) >= max_receives
        if not _done(record["body"], intake, ensure_ready, last=last):
            intake.count("Failures", 1)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _done(body: str, intake: Intake, ensure_ready: Callable[[], None], *, last: bool) -> bool:
    """Whether nothing is left to do of one queue message."""
    try:
        items = list(raw_objects(body))
    except MailroomError as error:
        logger.warning("%s: %s", type(error).__name__, error)
        return False

    def take(item: RawObject) -> Outcome:
        ensure_ready()
        return intake.take(item)

    done = True
    for item in items:
        outcome = _attempt(take, item)
        if outcome is None and last:
            outcome = _attempt(intake.hold, item)
        if outcome is None:
            done = False
        else:
            intake.count(HELD if outcome is Outcome.HELD else outcome.name.capitalize(), 1)
            logger.info("%s/%s version %s: %s", item.bucket, item.key, item.version, outcome.value)
    return done


def _attempt(work: Callable[[RawObject], Outcome], item: RawObject) -> Outcome | None:
    """What came of it; None when it failed."""
    try:
        return work(item)
    except MailroomError as error:
        logger.warning("%s: %s", type(error).__name__, error)
    except Exception as error:  # noqa: BLE001 - the other messages of the batch are worked on all the same
        # Its text, and the traceback that ends with it, may hold what a sender wrote: kind and place must do.
        logger.error("unexpected %s at %s", type(error).__name__, _place(error))  # noqa: TRY400 - see above
    return None


def _place(error: BaseException) -> str:
    """File and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
