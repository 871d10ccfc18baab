"""Batches of a queue: each message by itself, none keeps another from being done."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mailroom.errors import MailroomError

__all__ = ["attempt", "failed_records"]

T = TypeVar("T")
R = TypeVar("R")
logger = logging.getLogger(__name__)


def failed_records(
    records: Iterable[Mapping[str, Any]], done: Callable[[Mapping[str, Any]], bool]
) -> dict[str, list[dict[str, str]]]:
    """The answer that has the queue bring the messages again that were not done.

    Source: Lambda developer guide, "Implementing partial batch responses".
    """
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records if not done(record)]}


def attempt(work: Callable[[T], R], item: T) -> R | None:
    """What came of it; None when it failed, which the log says without a word of any sender's."""
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
