"""Events of sent messages, recorded from SES in any order and with repetitions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from mailroom.lifetimes import EXPIRES, Term
from mailroom.store.keys import EVENT_PREFIX, PARTITION, SORT, event_key, sent_key
from mailroom.store.table import Item, Table
from mailroom.tracking.model import SendingEvent, SendingEventKind

__all__ = ["record_sending_event", "sending_events_of"]

_ORDER: Final = {kind: number for number, kind in enumerate(SendingEventKind)}
"""Order of events of one millisecond: SES accepts a message before it delivers it."""


def record_sending_event(
    table: Table, sending_event: SendingEvent, retention: timedelta | None, now: datetime | None = None
) -> None:
    """Write one event; a repeated event changes nothing. Raises RetryableError.

    Args:
        table: the tenant's.
        sending_event: the event, stored as it is: it has no personal data.
        retention: lifetime from the later of the event and now; None without limit.
        now: the time, with a time zone. Default: time of the event.
    """
    item: Item = {
        PARTITION: sent_key(sending_event.ses_id),
        SORT: event_key(sending_event.at, sending_event.kind, sending_event.link, sending_event.event),
        "kind": sending_event.kind.value,
        "at": sending_event.at.isoformat(),
        **({"link": sending_event.link} if sending_event.link else {}),
        **({"bot": True} if sending_event.bot else {}),
        **({"subtype": sending_event.subtype} if sending_event.subtype else {}),
        **({"feedback": sending_event.feedback} if sending_event.feedback else {}),
    }
    term = Term.of(sending_event.at, now or sending_event.at, retention)
    if term.kept_from > sending_event.at:
        # Otherwise `at` is the start.
        item |= term.stamps
    elif term.end is not None:
        item[EXPIRES] = term.end
    table.put(item)


def sending_events_of(
    table: Table, ses_id: str, *, limit: int | None = None, after: Item | None = None
) -> tuple[list[tuple[SendingEvent, int | None]], Item | None]:
    """Events of one message in their order of time, each with its expiry; and the position of the next page.

    Raises RetryableError.
    """
    items, following = table.query(sent_key(ses_id), EVENT_PREFIX, limit=limit, after=after)
    found = [(_sending_event(item, ses_id), item.get(EXPIRES)) for item in items]
    return sorted(found, key=lambda one: (one[0].at, _ORDER[one[0].kind])), following


def _sending_event(item: Item, ses_id: str) -> SendingEvent:
    return SendingEvent(
        kind=SendingEventKind(item["kind"]),
        ses_id=ses_id,
        at=datetime.fromisoformat(item["at"]),
        link=item.get("link", ""),
        bot=item.get("bot", False),
        subtype=item.get("subtype", ""),
        feedback=item.get("feedback", ""),
    )
