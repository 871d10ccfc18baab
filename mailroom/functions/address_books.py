"""Entry of the address books' writer: for a deployed stack, on a schedule, or with an organisation's settings."""

from __future__ import annotations

import logging
import os
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol

import boto3

from mailroom.address_books.tag import TAG
from mailroom.address_books.writer import BookWriter
from mailroom.errors import RetryableError
from mailroom.registry import Registry
from mailroom.sessions import Sessions
from mailroom.store.run_time import Signature, run_time_from
from mailroom.store.table import Table

__all__ = ["on_event"]

_STACK: Final = re.compile(
    r"arn:[a-z-]{1,20}+:cloudformation:[a-z0-9-]{1,30}+:\d{12}:stack/[A-Za-z0-9-]{1,128}+/[a-f0-9-]{1,64}+"
)

_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")

logger = logging.getLogger("mailroom")
logger.setLevel(logging.INFO)


class _Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


def on_event(event: dict[str, Any], context: _Context) -> dict[str, bool] | None:
    """Write the books of the event's stack; without a stack, confirm those of all tenants.

    Run-time settings from the settings API's function are written beside a tenant's book; then the answer says whether the tenant
    has a table.

    Raises:
        MailroomError: a step failed. Lambda tries again twice, the next run again, and an alarm reports it.
    """
    if "run_time" in event:
        return {"held": _held(event["run_time"])}
    stack = event.get("detail", {}).get("stack-id", "")
    if stack:
        if not _STACK.fullmatch(stack):
            raise ValueError("event: must have the id of a stack")
        _writer().write(stack)
        return None
    number, failed = _writer().confirm_all(lambda: context.get_remaining_time_in_millis() / 1000)
    logger.info("address books: %s confirmed, %s failed", number - failed, failed)
    if failed:
        raise RetryableError(f"address books: {failed} of {number} could not be confirmed: see the log")
    return None


def _held(said: dict[str, Any]) -> bool:
    if not _STACK_NAME.fullmatch(said["stack"]):
        raise ValueError("event: must have the name of a stack")
    signatures = [Signature(text=text, html=html) for text, html in said["signatures"]]
    return _writer().hold(said["stack"], said["tenant"], run_time_from(said["now"]), signatures)


@cache
def _writer() -> BookWriter:
    """The writer, once per sandbox."""
    sessions = Sessions(sts=boto3.client("sts"), role_arn=os.environ["TABLES_ROLE_ARN"], tag=TAG, clock=_now)
    return BookWriter(
        cloudformation=boto3.client("cloudformation"),
        registry=Registry(ssm=boto3.client("ssm"), path=os.environ["REGISTRY_PATH"], clock=_now),
        table_of=lambda stack, name: Table(client=sessions.dynamodb(stack), name=name),
        clock=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
