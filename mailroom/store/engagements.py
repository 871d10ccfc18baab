"""Events of sent messages, recorded from SES in any order and with repetitions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from mailroom.lifetimes import EXPIRES, Term
from mailroom.store.keys import EVENT_PREFIX, PARTITION, SORT, event_key, sent_key
from mailroom.store.table import Item, Table
from mailroom.tracking.model import Engagement, EngagementKind

__all__ = ["engagements_of", "note_engagement"]

_ORDER: Final = {kind: number for number, kind in enumerate(EngagementKind)}
"""As SES makes them: it accepts a message before it delivers it, also within one millisecond."""


def note_engagement(
    table: Table, engagement: Engagement, retention: timedelta | None, now: datetime | None = None
) -> None:
    """Write one event; the same one again changes nothing. Raises RetryableError.

    Args:
        table: the tenant's.
        engagement: the event. All of it is kept, and nothing else: there is nothing of a person in it.
        retention: how long it is kept from when it happened, or from now where that is later; None until somebody deletes it.
        now: the time, with a time zone. Default: when it happened.
    """
    item: Item = {
        PARTITION: sent_key(engagement.ses_id),
        SORT: event_key(engagement.at, engagement.kind, engagement.link, engagement.event),
        "kind": engagement.kind.value,
        "at": engagement.at.isoformat(),
        **({"link": engagement.link} if engagement.link else {}),
        **({"bot": True} if engagement.bot else {}),
        **({"subtype": engagement.subtype} if engagement.subtype else {}),
        **({"feedback": engagement.feedback} if engagement.feedback else {}),
    }
    term = Term.of(engagement.at, now or engagement.at, retention)
    if term.kept_from > engagement.at:
        # Otherwise `at` says it.
        item |= term.stamps
    elif term.end is not None:
        item[EXPIRES] = term.end
    table.put(item)


def engagements_of(
    table: Table, ses_id: str, *, limit: int | None = None, after: Item | None = None
) -> tuple[list[tuple[Engagement, int | None]], Item | None]:
    """Events of one message in the order they happened, each with when it expires; and where the next page begins.

    Raises RetryableError.
    """
    items, following = table.query(sent_key(ses_id), EVENT_PREFIX, limit=limit, after=after)
    found = [(_engagement(item, ses_id), item.get(EXPIRES)) for item in items]
    return sorted(found, key=lambda one: (one[0].at, _ORDER[one[0].kind])), following


def _engagement(item: Item, ses_id: str) -> Engagement:
    return Engagement(
        kind=EngagementKind(item["kind"]),
        ses_id=ses_id,
        at=datetime.fromisoformat(item["at"]),
        link=item.get("link", ""),
        bot=item.get("bot", False),
        subtype=item.get("subtype", ""),
        feedback=item.get("feedback", ""),
    )
