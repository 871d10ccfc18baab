"""Requests of the outbox: one item each, with its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import EXPIRES
from mailroom.outbox.model import Progress
from mailroom.store.keys import (
    BY_ACTIVITY,
    LATEST,
    LISTED,
    OUTBOX_PREFIX,
    PARTITION,
    REQUESTS,
    SORT,
    outbox_key,
    sortable,
)
from mailroom.store.states import OutboxState, end_of_request, move_on
from mailroom.store.table import ConflictError, Item, Table, UnderWayError, Write

__all__ = ["Request", "begin_request", "move_on", "progress_from", "request_of", "requests_of"]

_OVERDUE: Final = timedelta(minutes=15)
"""After this time, a due message is lost from the queue, for example by a purge of the dead letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request to send a message.

    Args:
        progress: its state.
        asked: time of the request.
        fingerprint: fingerprint of the message.
        sha256: SHA-256 of its bytes, in hexadecimal.
        filed: whether its thread has it.
        deadline: time at which it is refused if not sent; None without one before its first wait for SES.
        turn: number of its waits for SES.
        due: time of its next delivery by the queue; None before its first wait.
        name: display name added to a sender without one; "" for none.
        signature: digest of the appended signature; "" for none.
        files: number of the MIME part of each attachment, in their order.
        told: state of the last published event; "" for none.
        tracking: whether SES may track its opens and clicks.
        guarded: whether it is refused if it answers a message that must not be answered.
    """

    progress: Progress
    asked: datetime
    fingerprint: str
    sha256: str
    filed: bool = False
    deadline: datetime | None = None
    turn: int = 0
    due: datetime | None = None
    name: str = ""
    signature: str = ""
    files: tuple[str, ...] = ()
    told: str = ""
    tracking: bool = True
    guarded: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether the queue has a message for it, or delivered one a moment ago."""
        return self.due is not None and now <= self.due + _OVERDUE


def request_of(table: Table, id: str, *, eventually: bool = False) -> Request | None:
    """The request of an id; None where there is none. Raises RetryableError.

    Args:
        table: the tenant's.
        id: id of the request.
        eventually: whether it may be a moment old. Default: False.
    """
    item = table.get(outbox_key(id), eventually=eventually)
    if item is None:
        return None
    return Request(
        progress=progress_from(item),
        asked=datetime.fromisoformat(item["asked"]),
        fingerprint=item["fingerprint"],
        sha256=item["sha256"],
        filed=item.get("filed", False),
        deadline=_time(item, "deadline"),
        turn=item.get("turn", 0),
        due=_time(item, "due"),
        name=item.get("name", ""),
        signature=item.get("signature", ""),
        files=tuple(item.get("files", ())),
        told=item.get("told", ""),
        tracking=item.get("tracking", True),
        guarded=item.get("guarded", False),
    )


def progress_from(item: Item) -> Progress:
    """The state of an item's request."""
    return Progress(
        id=item[PARTITION].removeprefix(OUTBOX_PREFIX),
        state=OutboxState(item["state"]),
        at=datetime.fromisoformat(item["at"]),
        ses_id=item.get("ses_id", ""),
        reason=item.get("reason", ""),
        explanation=item.get("explanation", ""),
        message=item.get("message", ""),
        asked=datetime.fromisoformat(item["asked"]),
    )


def requests_of(
    table: Table, *, state: OutboxState | None, limit: int, after: Item | None
) -> tuple[list[Item], Item | None]:
    """Items of requests, latest first, and the position of the next page. Raises MailroomError."""
    return table.query(
        REQUESTS,
        index=BY_ACTIVITY,
        names=(LISTED, LATEST),
        backwards=True,
        limit=limit,
        after=after,
        where=("state", state.value) if state is not None else None,
    )


def begin_request(table: Table, request: Request) -> bool:
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
        LISTED: REQUESTS,
        LATEST: sortable(request.asked),
        **({"files": list(request.files)} if request.files else {}),
        EXPIRES: end_of_request(request.asked),
    }
    if request.deadline is not None:
        item["deadline"] = request.deadline.isoformat()
    item |= {name: value for name in ("name", "signature") if (value := getattr(request, name))}
    if not request.tracking:
        item["tracking"] = False
    if request.guarded:
        item["guarded"] = True
    try:
        table.change(Write(put=item, condition="attribute_not_exists(#pk)"))
    except UnderWayError as error:
        raise RetryableError(f"table {table.name}: a request is written by others; try again") from error
    except ConflictError:
        return False
    return True


def _time(item: Item, name: str) -> datetime | None:
    return datetime.fromisoformat(item[name]) if name in item else None
