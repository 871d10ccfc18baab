"""Permission to send a message: it has one author, answers a message that may be answered, and its organisation allows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import EXPIRES
from mailroom.messages import parse
from mailroom.messages.model import Kind
from mailroom.outbox.composed import recipients_in
from mailroom.outbox.model import OutboxState
from mailroom.outbox.requests import Request, request_of
from mailroom.outbox.unanswered import answers_unanswered
from mailroom.store.keys import PARTITION, SORT, same_key
from mailroom.store.run_time import RunTime, read_run_time
from mailroom.store.table import ConflictError, Table, Write

__all__ = ["Forbidden", "forbidden", "permitted"]

_TRIES: Final = 5
_KEPT: Final = timedelta(days=1)
"""Life of the item beyond the window: DynamoDB deletes within days."""


class Forbidden(StrEnum):
    """Reason of an organisation's settings against a message."""

    OFF = "off"
    """The sender's address or domain is switched off."""
    RECIPIENT = "recipient"
    """A recipient is not an allowed one."""
    REPEATED = "repeated"
    """The same message was requested within the time for repeated mail."""


def permitted(table: Table, request: Request, raw: bytes) -> tuple[str, str]:
    """The message's author, and the reason for not sending it, "" if there is none. Raises MailroomError."""
    message = parse(raw)
    authors = message.from_
    if len(authors) != 1:
        return "", "sender"
    if request.guarded:
        automatic = Kind.AUTO_REPLY in message.kinds
        if any(answers_unanswered(table, one, automatic=automatic) for one in message.in_reply_to):
            return authors[0].address, "automatic"
    why = forbidden(table, request, authors[0].address, recipients_in(raw))
    return authors[0].address, why.value if why is not None else ""


def forbidden(table: Table, request: Request, sender: str, recipients: Iterable[str]) -> Forbidden | None:
    """Reason of the organisation's present settings against the message; None where they allow it.

    Args:
        table: the tenant's.
        request: of the message.
        sender: address of its only author.
        recipients: all recipients.

    Raises:
        MailroomError: AWS failed, or concurrent requests for the same message go on.
    """
    run_time = read_run_time(table)
    if run_time is None:
        return None
    if not run_time.is_on(sender):
        return Forbidden.OFF
    if run_time.allowed is not None and not {one.lower() for one in recipients} <= run_time.allowed:
        return Forbidden.RECIPIENT
    return Forbidden.REPEATED if _repeats(table, request, run_time) else None


def _repeats(table: Table, request: Request, run_time: RunTime) -> bool:
    """Whether another request for the same message was made within the time; else this one is recorded as the last.

    The times of the requests count, and not the time in the queue.
    """
    within = run_time.repeated_within
    if not within:
        return False
    partition, sort = same_key(request.fingerprint)
    for _ in range(_TRIES):
        known = table.get((partition, sort))
        condition, values = "attribute_not_exists(#pk)", {}
        if known is not None:
            if known["id"] == request.progress.id:
                return False
            asked = datetime.fromisoformat(known["asked"])
            other = request_of(table, known["id"])
            refused = other is None or other.progress.state is OutboxState.REFUSED
            if not refused and abs(request.asked - asked) < within:
                return True
            if not refused and request.asked < asked:
                return False
            condition, values = "#id = :known", {":known": known["id"]}
        item = {
            PARTITION: partition,
            SORT: sort,
            "id": request.progress.id,
            "asked": request.asked.isoformat(),
            EXPIRES: int((request.asked + within + _KEPT).timestamp()),
        }
        try:
            table.change(Write(put=item, condition=condition, values=values))
        except ConflictError:
            continue
        return False
    raise RetryableError(f"table {table.name}: the same message is asked for by others; try again")
