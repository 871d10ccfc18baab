"""Lifetimes of a tenant's data, in one place. Pure.

An item has the start of its retention, and its end. An item of several messages lives as long as the longest-lived of them. A
changed retention counts from its note on, also for items that its pass has not reached yet.

| what | kept from | for |
|---|---|---|
| message, its places in thread and addresses, its own identifier | its latest filing | the retention |
| delivery, and its recipients' places | its own filing | the retention |
| thread | its latest message's filing | the retention, and a day at most |
| an identifier's thread | the latest filing of a message that names it | the retention, and 30 days at most |
| attachments, documents | when they are written, again with each filing | the retention; S3 waits for the next midnight UTC |
| deleted or replaced objects in the bucket | deletion or replacement | a day |
| events, suppressions | when they happened, or when they were noted, if that is later | the retention |
| a request of the outbox | its last change | 400 days, with any retention |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, overload

__all__ = [
    "CLAIMS_AHEAD",
    "COPIES_APART",
    "ENDS_FIRST",
    "EVERYTHING_LIVES",
    "EXPIRES",
    "KEPT_FROM",
    "NONCURRENT_DAYS",
    "REQUESTS",
    "THREADS_AHEAD",
    "Standing",
    "Term",
    "kept_from",
    "readable_for",
]

EXPIRES: Final = "expires"
"""Seconds since 1970 after which DynamoDB deletes the item."""
KEPT_FROM: Final = "kept_from"
"""Seconds since 1970 from which the retention of the item counts."""
ENDS_FIRST: Final = "ends_first"
"""Of a thread: the first expiry among the messages that give its subject and authors."""

NONCURRENT_DAYS: Final = 1
"""Last days of a retention in the bucket: S3 hides an object first, and deletes its bytes a day later.

S3's minimum. SES gives each message a new name, attachments and documents are replaced by equal bytes only, and a newer verdict
replaces the older one. Work on a version by its id ends within hours.
"""
REQUESTS: Final = timedelta(days=400)
"""Time for which a key of the outbox sends once. A request contains no address and no content."""
COPIES_APART: Final = timedelta(days=1)
"""Without a retention, a copy that comes sooner than this does not change the message's items."""
THREADS_AHEAD: Final = timedelta(days=1)
"""A thread's expiry is written this far ahead, so that not each message must write it. Threads without messages are not shown."""
CLAIMS_AHEAD: Final = timedelta(days=30)
"""The same for an identifier's claim. It has digests only: of the identifier, the thread, and the message."""


@overload
def readable_for(retention: timedelta) -> timedelta: ...
@overload
def readable_for(retention: None) -> None: ...
def readable_for(retention: timedelta | None) -> timedelta | None:
    """Readable time of data with this retention: the last day is S3's, for the deletion of bytes. At least one day."""
    if retention is None:
        return None
    return max(retention - timedelta(days=NONCURRENT_DAYS), timedelta(days=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Start and length of a retention.

    Args:
        kept_from: start, with a time zone.
        retention: length; None without limit.
    """

    kept_from: datetime
    retention: timedelta | None

    @classmethod
    def of(cls, happened: datetime, noted: datetime, retention: timedelta | None) -> Term:
        """The term of an event: it starts at the later of the event and its record."""
        return cls(kept_from=max(happened, noted), retention=retention)

    @property
    def end(self) -> int | None:
        """End in seconds since 1970; None without one."""
        return int((self.kept_from + self.retention).timestamp()) if self.retention is not None else None

    def ahead(self, most: timedelta) -> Term:
        """The term, longer by the smaller of `most` and the retention."""
        further = most if self.retention is None else min(most, self.retention)
        return Term(kept_from=self.kept_from + further, retention=self.retention)

    @property
    def stamps(self) -> dict[str, int]:
        """Attributes of an item with this term."""
        end = self.end
        return {KEPT_FROM: int(self.kept_from.timestamp())} | ({EXPIRES: end} if end is not None else {})

    def outlives(self, end: int | None) -> bool:
        """Whether the term ends later than `end`; None is no end."""
        return end is not None and (self.end is None or self.end > end)

    def lengthens(self, item: Mapping[str, Any], end: int | None) -> bool:
        """Whether an item needs longer stamps: it ends sooner than the term, or would after a change of the retention."""
        return self.outlives(end) or int(self.kept_from.timestamp()) > item.get(KEPT_FROM, 0)

    def longer(
        self, item: Mapping[str, Any], end: int | None, ahead: timedelta = timedelta()
    ) -> tuple[dict[str, int], list[str]]:
        """Changes that let an item live as long as the term: attributes to set, and attributes to remove.

        Args:
            item: the present item.
            end: its end in seconds since 1970; None without one. The changes never shorten its life.
            ahead: further time, so that the next write comes later.
        """
        if not self.lengthens(item, end):
            return {}, []
        further = self.ahead(ahead)
        said = {KEPT_FROM: max(item.get(KEPT_FROM, 0), int(further.kept_from.timestamp()))}
        last = max(end, further.end) if end is not None and further.end is not None else None
        if last is not None:
            return said | {EXPIRES: last}, []
        return said, [EXPIRES] if EXPIRES in item else []


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Judges expiry by the time, and by a changed retention whose pass is under way.

    Args:
        now: seconds since 1970.
        changed: time of the change whose pass is under way, in seconds since 1970; None without a pass.
        retention: the changed one, in seconds; None without limit.
    """

    now: float
    changed: int | None = None
    retention: int | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any] | None, now: float) -> Standing:
        """From the item with the last change of retention; None without one."""
        if state is None or state.get("done", False):
            return cls(now=now)
        return cls(now=now, changed=state["changed"], retention=state.get("seconds"))

    def end(self, item: Mapping[str, Any]) -> int | None:
        """End of an item; None without one."""
        return self._soonest(item.get(EXPIRES), kept_from(item))

    def given(self, item: Mapping[str, Any], *, several: bool = False) -> dict[str, Any]:
        """The item with the end that the pass gives it: a copy of it may be where the pass has been before.

        Args:
            item: an item that lives.
            several: whether it is of several messages: a later message moves its start, and an older one gave it its end. Default:
                False; an item that begins after the change has the right end.
        """
        begin = kept_from(item)
        if self.changed is None or begin is None or (begin > self.changed and not several):
            return dict(item)
        end = {EXPIRES: begin + self.retention} if self.retention is not None else {}
        return {name: value for name, value in item.items() if name != EXPIRES} | end

    def lives(self, item: Mapping[str, Any]) -> bool:
        """Whether an item has not expired. DynamoDB deletes expired items days later."""
        end = self.end(item)
        return end is None or end > self.now

    def is_whole(self, thread: Mapping[str, Any]) -> bool:
        """Whether no message has expired that gives the thread its subject and authors."""
        # Older threads lack this attribute: readers check their messages.
        first = thread.get(ENDS_FIRST, 0 if EXPIRES in thread else None)
        end = self._soonest(first, _moment(thread.get("first_at")))
        return end is None or end > self.now

    def _soonest(self, stored: int | None, begin: int | None) -> int | None:
        if self.changed is None or self.retention is None or begin is None or begin > self.changed:
            return stored
        changed = begin + self.retention
        return changed if stored is None else min(stored, changed)


EVERYTHING_LIVES: Final = Standing(now=0)
"""Judges that nothing has ended."""


def kept_from(item: Mapping[str, Any]) -> int | None:
    """Seconds since 1970 from which the item is kept; None where it does not say. Items of before are kept from their receipt."""
    return item[KEPT_FROM] if KEPT_FROM in item else _moment(item.get("received"))


def _moment(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) if text else None
