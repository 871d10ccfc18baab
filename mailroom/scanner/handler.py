"""The scanner's Lambda: a batch of queue messages in, the ones to try again out."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from mailroom.errors import MailroomError
from mailroom.scanner.events import raw_objects
from mailroom.scanner.intake import Intake

__all__ = ["work_on"]

logger = logging.getLogger(__name__)


def work_on(event: dict[str, Any], intake: Intake) -> dict[str, list[dict[str, str]]]:
    """Take every object that the batch is about; returns the messages that were not done, which the queue brings again.

    One that cannot be done keeps none of the others from being done. Whatever is raised counts as not done: the raw message
    stays in quarantine, and its queue message ends in the dead-letter queue, where an alarm is.

    Source: Lambda developer guide, "Implementing partial batch responses".
    """
    failures = []
    for record in event["Records"]:
        try:
            for item in raw_objects(record["body"]):
                outcome = intake.take(item)
                logger.info("%s/%s version %s: %s", item.bucket, item.key, item.version, outcome.value)
        except MailroomError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            failures.append({"itemIdentifier": record["messageId"]})
        except Exception as error:  # noqa: BLE001 - the other messages of the batch are worked on all the same
            # Its text, and the traceback that ends with it, may hold what a sender wrote: kind and place must do.
            logger.error("unexpected %s at %s", type(error).__name__, _place(error))  # noqa: TRY400 - see above
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _place(error: BaseException) -> str:
    """File and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
