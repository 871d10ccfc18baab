"""How far messages are that are to be sent: one item each, whose state only ever goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailroom.outbox.model import OutboxState, Progress
from mailroom.store.keys import EXPIRES, PARTITION, SORT, outbox_key
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = ["Request", "begin_request", "move_on", "request_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A message that is to be sent, as it was asked for.

    Args:
        progress: how far it is.
        asked: when it was asked for.
        fingerprint: of the message.
        sha256: of its octets, in hexadecimal.
        filed: whether it is recorded in its thread.
    """

    progress: Progress
    asked: datetime
    fingerprint: str
    sha256: str
    filed: bool = False


def request_of(table: Table, id: str) -> Request | None:
    """The request of that id; None where there is none. Raises RetryableError."""
    item = table.get(outbox_key(id))
    if item is None:
        return None
    return Request(
        progress=Progress(
            id=id,
            state=OutboxState(item["state"]),
            at=datetime.fromisoformat(item["at"]),
            ses_id=item.get("ses_id", ""),
            reason=item.get("reason", ""),
        ),
        asked=datetime.fromisoformat(item["asked"]),
        fingerprint=item["fingerprint"],
        sha256=item["sha256"],
        filed=item.get("filed", False),
    )


def begin_request(table: Table, request: Request, retention: timedelta | None = None) -> bool:
    """Write a new request; False where there is one of that id. Raises RetryableError."""
    partition, sort = outbox_key(request.progress.id)
    item: Item = {
        PARTITION: partition,
        SORT: sort,
        "state": request.progress.state.value,
        "at": request.progress.at.isoformat(),
        "asked": request.asked.isoformat(),
        "fingerprint": request.fingerprint,
        "sha256": request.sha256,
    }
    if retention is not None:
        item[EXPIRES] = int((request.asked + retention).timestamp())
    try:
        table.write([Write(put=item, condition="attribute_not_exists(#pk)")])
    except ConflictError:
        return False
    return True


def move_on(table: Table, id: str, before: OutboxState, after: OutboxState, at: datetime, **noted: Any) -> bool:
    """Take a request from one state to another; False where it is in a third. Raises RetryableError.

    Args:
        table: the tenant's.
        id: of the request.
        before: the state that it must be in.
        after: the state that it gets.
        at: now.
        noted: further attributes: `ses_id`, `reason`, `filed`.
    """
    changes = ", ".join(f"#{name} = :{name}" for name in ("state", "at", *noted))
    write = Write(
        update=(outbox_key(id), f"SET {changes}"),
        condition="#state = :before",
        values={":state": after.value, ":at": at.isoformat(), ":before": before.value}
        | {f":{name}": value for name, value in noted.items()},
    )
    try:
        table.write([write])
    except ConflictError:
        return False
    return True
