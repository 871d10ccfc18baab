"""How long everything of a tenant's mail lives: the one place that says so. Pure.

Each item says from when it is kept, and by which retention: both give its end. What several messages need lives as long as the one
that needs it longest. A changed retention counts from the moment it is noted, also for what its pass has not reached yet.

| what | kept from | for |
|---|---|---|
| message, its places in thread and addresses, its own identifier | its latest filing | the retention |
| delivery, and its recipients' places | its own filing | the retention |
| thread | its latest message's filing | the retention, and a day at most |
| an identifier's thread | the latest filing of a message that names it | the retention, and 30 days at most |
| attachments, documents | when they are written, again with each filing | the retention; S3 waits for the next midnight UTC |
| what was deleted or replaced in the bucket | that moment | a day |
| events, suppressions | when they happened, or when they were noted, if that is later | the retention |
| a request of the outbox | its last change | 400 days, whatever the retention |
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
"""Of a thread: when the first of the messages ends that its subject and its authors come from."""

NONCURRENT_DAYS: Final = 1
"""Of a retention in the bucket, the last day: S3 deletes the bytes of what it hid a day before.

S3's minimum. SES gives each message a new name, attachments and documents are replaced by equal bytes only, and a newer verdict
replaces the older one. Work on a version by its id ends within hours.
"""
REQUESTS: Final = timedelta(days=400)
"""Time for which a key of the outbox sends once. A request contains no address and no content."""
COPIES_APART: Final = timedelta(days=1)
"""While no retention is set, a copy that comes sooner than this changes nothing of the message that it is a copy of."""
THREADS_AHEAD: Final = timedelta(days=1)
"""A thread's expiry is written this far ahead, so that not each message must write it. Threads without messages are not shown."""
CLAIMS_AHEAD: Final = timedelta(days=30)
"""The same of an identifier's thread. It holds digests: the identifier's, the thread's, and the message's that has it."""


@overload
def readable_for(retention: timedelta) -> timedelta: ...
@overload
def readable_for(retention: None) -> None: ...
def readable_for(retention: timedelta | None) -> timedelta | None:
    """How long something can be read that is kept so long in all: S3 deletes its bytes with the last day. At least one day."""
    if retention is None:
        return None
    return max(retention - timedelta(days=NONCURRENT_DAYS), timedelta(days=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """From when something is kept, and for how long.

    Args:
        kept_from: the moment, with a time zone.
        retention: how long; None for ever.
    """

    kept_from: datetime
    retention: timedelta | None

    @classmethod
    def of(cls, happened: datetime, noted: datetime, retention: timedelta | None) -> Term:
        """The term of what happened at one time and is written down at another: it counts from the later one."""
        return cls(kept_from=max(happened, noted), retention=retention)

    @property
    def end(self) -> int | None:
        """Seconds since 1970; None for never."""
        return int((self.kept_from + self.retention).timestamp()) if self.retention is not None else None

    def ahead(self, most: timedelta) -> Term:
        """The same, some time longer: never longer than the retention itself."""
        further = most if self.retention is None else min(most, self.retention)
        return Term(kept_from=self.kept_from + further, retention=self.retention)

    @property
    def stamps(self) -> dict[str, int]:
        """What an item says of it."""
        end = self.end
        return {KEPT_FROM: int(self.kept_from.timestamp())} | ({EXPIRES: end} if end is not None else {})

    def outlives(self, end: int | None) -> bool:
        """Whether it ends later than something that ends then; None is never."""
        return end is not None and (self.end is None or self.end > end)

    def lengthens(self, item: Mapping[str, Any], end: int | None) -> bool:
        """Whether an item that ends then says too little of it: it ends sooner, or would once the retention is changed."""
        return self.outlives(end) or int(self.kept_from.timestamp()) > item.get(KEPT_FROM, 0)

    def longer(
        self, item: Mapping[str, Any], end: int | None, ahead: timedelta = timedelta()
    ) -> tuple[dict[str, int], list[str]]:
        """What an item says once it lives as long as this, too: what it says anew, and what it says no more.

        Args:
            item: what is there.
            end: when that ends, in seconds since 1970; None for never. It never ends sooner afterwards.
            ahead: how much longer, so that it need not be written again soon.
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
    """What readers and writers judge by: the time, and a retention that a pass has not brought to every item yet.

    Args:
        now: seconds since 1970.
        changed: when the retention was changed whose pass is under way; None where no pass is.
        retention: what it was changed to, in seconds; None for ever.
    """

    now: float
    changed: int | None = None
    retention: int | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any] | None, now: float) -> Standing:
        """By the item that notes the change; None where no retention was ever changed."""
        if state is None or state.get("done", False):
            return cls(now=now)
        return cls(now=now, changed=state["changed"], retention=state.get("seconds"))

    def end(self, item: Mapping[str, Any]) -> int | None:
        """When the item ends; None for never."""
        return self._soonest(item.get(EXPIRES), kept_from(item))

    def lives(self, item: Mapping[str, Any]) -> bool:
        """Whether the item is there for readers; DynamoDB deletes those that are not, days later."""
        end = self.end(item)
        return end is None or end > self.now

    def is_whole(self, thread: Mapping[str, Any]) -> bool:
        """Whether all messages live that a thread's subject and authors come from."""
        # Threads of before this was noted hold the last end alone: whoever reads them has to look.
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
