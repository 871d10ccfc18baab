"""Entry of the sorting function: a batch of S3's notifications in, the failed ones out."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from mailroom.functions.sorting_arrivals import sort
from mailroom.turns import send_all_again
from mailroom.waiting import try_again_after

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["on_event"]

_AGAIN_SECONDS: Final = 60
_WITHIN: Final = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""A batch without an answer fails within the function's time-out, so that the queue learns its failed messages."""

logging.getLogger("mailroom").setLevel(logging.INFO)


def on_event(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Sort one batch into the scanner's queue; returns the failed messages."""
    answer = sort(event, lambda records: send_all_again(_sqs(), os.environ["SCANNER_QUEUE_URL"], records))
    try_again_after(_sqs(), _AGAIN_SECONDS, event, answer)
    return answer


@cache
def _sqs() -> SQSClient:
    return boto3.client("sqs", config=_WITHIN)
