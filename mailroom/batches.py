"""Batches of a queue: each message is processed independently of the others."""

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
    """The answer that makes the queue deliver the failed messages again.

    Source: Lambda developer guide, "Implementing partial batch responses".
    """
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records if not done(record)]}


def attempt(work: Callable[[T], R], item: T) -> R | None:
    """The result of `work`; None after a failure, which is logged without text of senders."""
    try:
        return work(item)
    except MailroomError as error:
        logger.warning("%s: %s", type(error).__name__, error)
    except Exception as error:  # noqa: BLE001 - the other messages of the batch go on
        # Its text, also in the traceback, may hold a sender's text: the log has kind and place only.
        logger.error("unexpected %s at %s", type(error).__name__, _place(error))  # noqa: TRY400 - see above
    return None


def _place(error: BaseException) -> str:
    """File and line that raised the error."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
