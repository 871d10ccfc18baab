"""States of the outbox's requests, and their changes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from mailroom.errors import RetryableError
from mailroom.lifetimes import EXPIRES, REQUESTS
from mailroom.store.keys import outbox_key
from mailroom.store.table import ConflictError, Table, UnderWayError, Write

__all__ = ["OutboxState", "end_of_request", "move_on", "settle_request"]


class OutboxState(StrEnum):
    """State of a message in the outbox."""

    QUEUED = "queued"
    """Waits for the scanner, or for SES to take more: until the deadline at most, and then the reason is "quota"."""
    HELD = "held"
    """Waits in quarantine, where the scanner's verdict and the tenant's policy hold it, until an operator decides or it expires."""
    SENDING = "sending"
    """SES is being asked."""
    SENT = "sent"
    """SES took it."""
    REFUSED = "refused"
    """It will not be sent; the reason says why."""
    IN_DOUBT = "in-doubt"
    """SES's answer was lost: the message may have been sent. It is not sent again."""


def move_on(table: Table, id: str, before: OutboxState, after: OutboxState, at: datetime, **noted: Any) -> bool:
    """Take a request from one state to another; False where it is in a third. Repeating is harmless.

    Raises RetryableError.

    Args:
        table: the tenant's.
        id: id of the request.
        before: its required present state.
        after: its new state.
        at: now.
        noted: further attributes: `ses_id`, `reason`, `filed`, `deadline`, `turn`, `due`.
    """
    changes = ", ".join(f"#{name} = :{name}" for name in ("state", "at", EXPIRES, *noted))
    write = Write(
        update=(outbox_key(id), f"SET {changes}"),
        condition="#state = :before",
        values={
            ":state": after.value,
            ":at": at.isoformat(),
            ":before": before.value,
            f":{EXPIRES}": end_of_request(at),
        }
        | {f":{name}": value for name, value in noted.items()},
    )
    try:
        table.change(write)
    except UnderWayError as error:
        raise RetryableError(f"table {table.name}: request {id} is written by others; try again") from error
    except ConflictError:
        # An earlier try may have succeeded without an answer.
        found = table.get(outbox_key(id)) or {}
        return all(found.get(name[1:]) == value for name, value in write.values.items() if name != ":before")
    return True


def settle_request(table: Table, id: str, ses_id: str, at: datetime) -> bool:
    """Record that SES accepted a message, from SES's own event, in case its answer was lost. Returns whether that is new.

    Args:
        table: the tenant's.
        id: id of the request.
        ses_id: SES's id of the message.
        at: time of the acceptance, with a time zone.

    Raises:
        RetryableError: AWS failed.
    """
    for _ in OutboxState:
        known = table.get(outbox_key(id))
        if known is None or known["state"] not in {OutboxState.SENDING, OutboxState.IN_DOUBT}:
            return False
        if move_on(table, id, OutboxState(known["state"]), OutboxState.SENT, at, ses_id=ses_id):
            return True
    return False


def end_of_request(at: datetime) -> int:
    """Expiry of a request whose last change was at `at`, in seconds since 1970."""
    return int((at + REQUESTS).timestamp())
