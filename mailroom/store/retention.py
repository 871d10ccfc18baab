"""Applies a changed retention to all items of a table, in a pass that continues after an interruption.

Readers apply the changed retention meanwhile, also to items that the pass has not reached. Expired items stay expired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from mailroom.lifetimes import ENDS_FIRST, EXPIRES, KEPT_FROM, kept_from, readable_for
from mailroom.store.keys import EVENT_PREFIX, PARTITION, RETENTION_KEY, SENT_PREFIX, SORT, SUPPRESSED
from mailroom.store.table import ConflictError, Item, Key, Table, Write

__all__ = ["SETTLED_SECONDS", "Pass", "begin_pass", "pass_of", "take_pages"]

SETTLED_SECONDS: Final = 5.0
"""Time between the note of a pass and its first page: functions have written by then what they read before the note."""
_PAGE: Final = 200
_OF_MESSAGES: Final = ("MESSAGE#", "THREAD#", "ID#", "ADDRESS#", SENT_PREFIX)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """Progress of a change of retention.

    Args:
        retention: the new one; None without limit.
        changed: time of the change, with a time zone.
        seen: number of visited items.
        position: key of the last visited item; None at the beginning, and at the end.
        done: whether all items are visited.
    """

    retention: timedelta | None
    changed: datetime
    seen: int = 0
    position: Key | None = None
    done: bool = False


def pass_of(table: Table) -> Pass | None:
    """The last change of retention; None without one. Raises MailroomError."""
    item = table.get(RETENTION_KEY)
    if item is None:
        return None
    return Pass(
        retention=timedelta(days=item["days"]) if "days" in item else None,
        changed=datetime.fromisoformat(item["at"]),
        seen=item["seen"],
        position=(item["position"][0], item["position"][1]) if "position" in item else None,
        done=item["done"],
    )


def begin_pass(table: Table, retention: timedelta | None, now: datetime) -> Pass:
    """Note a change of retention, which readers apply from now on.

    Args:
        table: the tenant's.
        retention: the new one, in whole days; None without limit.
        now: the time, with a time zone.

    Raises:
        ValueError: an earlier change is not done.
        MailroomError: AWS failed, or refuses.
    """
    before = pass_of(table)
    if before is not None and not before.done:
        raise ValueError(f"table {table.name}: another change of retention must be over first; take its pages")
    begun = Pass(retention=retention, changed=now)
    _note(table, begun)
    return begun


def take_pages(table: Table, begun: Pass, clock: Callable[[], datetime], told: Callable[[Pass], None]) -> Pass:
    """Give each item with a retention its new expiry; writers give it to copies of items that the pass has not reached.

    Args:
        table: the tenant's.
        begun: result of `pass_of` or `begin_pass`.
        clock: gives the time, with a time zone.
        told: called with the progress after each page; a later call goes on from there.

    Raises:
        MailroomError: AWS failed, or refuses; a later call goes on.
    """
    while not begun.done:
        items, position = table.scan(limit=_PAGE, after=begun.position)
        for item in items:
            write = _ended(item, begun, clock())
            if write is None:
                continue
            try:
                table.change(write)
            except ConflictError:
                # A concurrent writer gave it its expiry by the deployed retention.
                continue
        begun = replace(begun, seen=begun.seen + len(items), position=position, done=position is None)
        _note(table, begun)
        told(begun)
    return begun


def _note(table: Table, begun: Pass) -> None:
    seconds = readable_for(begun.retention)
    item: Item = {
        PARTITION: RETENTION_KEY[0],
        SORT: RETENTION_KEY[1],
        "at": begun.changed.isoformat(),
        "changed": int(begun.changed.timestamp()),
        "seen": begun.seen,
        "done": begun.done,
    }
    if begun.retention is not None and seconds is not None:
        item |= {"days": begun.retention.days, "seconds": int(seconds.total_seconds())}
    if begun.position is not None:
        item["position"] = list(begun.position)
    table.put(item)


def _ended(item: Item, begun: Pass, now: datetime) -> Write | None:
    """The write that gives an item its expiry; None where it is right, or the item has no retention."""
    partition, stored = item[PARTITION], item.get(EXPIRES)
    if not partition.startswith(_OF_MESSAGES) and (partition != SUPPRESSED or "digest" not in item):
        return None
    if stored is not None and stored <= now.timestamp():
        return None
    begin = _begin(item)
    since = begin if begin is not None else int(begun.changed.timestamp())
    if partition.startswith("ID#") and item[SORT] == "THREAD":
        # Without a retention, later messages that name the identifier did not move its start.
        since = max(since, int(begun.changed.timestamp()))
    life = begun.retention if _is_told(item) else readable_for(begun.retention)
    end = since + int(life.total_seconds()) if life is not None else None
    changes: dict[str, Any] = {} if begin == item.get(KEPT_FROM) and begin is not None else {KEPT_FROM: since}
    removed = []
    if end is None and stored is not None:
        removed.append(EXPIRES)
    elif end is not None and end != stored:
        changes[EXPIRES] = end
    if partition.startswith("THREAD#") and "subject" in item:
        first = item.get(ENDS_FIRST)
        # Some of its messages may have expired: readers check each.
        if first != 0 and (first is not None or end is not None or stored is not None):
            changes[ENDS_FIRST] = 0
    if not removed and (not changes or (set(changes) == {KEPT_FROM} and end is None)):
        return None
    expression = ("SET " + ", ".join(f"#{name} = :{name}" for name in changes)) if changes else ""
    expression += f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""
    same = (
        f"#{EXPIRES} = :before" if stored is not None else f"attribute_exists(#pk) AND attribute_not_exists(#{EXPIRES})"
    )
    values = {f":{name}": value for name, value in changes.items()}
    return Write(
        update=((partition, item[SORT]), expression.strip()),
        condition=same,
        values=values if stored is None else {**values, ":before": stored},
    )


def _begin(item: Item) -> int | None:
    """Start of an item's retention; None for old items without it."""
    begin = kept_from(item)
    if begin is not None:
        return begin
    if item[SORT].startswith(EVENT_PREFIX):
        return _seconds(item["at"])
    if item[PARTITION] == SUPPRESSED:
        return max(_seconds(item[name]) for name in ("bounced", "complained") if name in item)
    return None


def _is_told(item: Item) -> bool:
    """Whether the item is an event or suppression from SES: it has no object in the bucket, so it lives for the whole retention."""
    return item[PARTITION] == SUPPRESSED or str(item[SORT]).startswith(EVENT_PREFIX)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
