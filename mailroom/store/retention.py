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

__all__ = ["Pass", "begin_pass", "pass_of", "take_pages"]

_PAGE: Final = 200
_OF_MESSAGES: Final = ("MESSAGE#", "THREAD#", "ID#", "ADDRESS#", SENT_PREFIX)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """How far a change of retention is.

    Args:
        retention: what it was changed to; None for ever.
        changed: when, with a time zone.
        seen: number of items that it looked at.
        position: key of the last of them; None at the beginning, and at the end.
        done: whether it has seen all.
    """

    retention: timedelta | None
    changed: datetime
    seen: int = 0
    position: Key | None = None
    done: bool = False


def pass_of(table: Table) -> Pass | None:
    """The last change of retention; None where there never was one. Raises MailroomError."""
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
    """Note a change of retention: from now on readers judge by it.

    Args:
        table: the tenant's.
        retention: what it is changed to, in whole days; None for ever.
        now: the time, with a time zone.

    Raises:
        ValueError: another change has not come to every item yet.
        MailroomError: AWS failed, or refuses.
    """
    before = pass_of(table)
    if before is not None and not before.done:
        raise ValueError(f"table {table.name}: another change of retention must be over first; take its pages")
    begun = Pass(retention=retention, changed=now)
    _note(table, begun)
    return begun


def take_pages(table: Table, begun: Pass, clock: Callable[[], datetime], told: Callable[[Pass], None]) -> Pass:
    """Give each item that is kept for a time its end by the changed retention.

    Args:
        table: the tenant's.
        begun: what `pass_of` or `begin_pass` gave.
        clock: gives the time, with a time zone.
        told: learns of each page once it is noted, from which a later call goes on.

    Raises:
        MailroomError: AWS failed, or refuses; the same call goes on later.
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
                # Whoever wrote it meanwhile gave it its end by the retention that is deployed.
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
    """The write that gives an item its end; None where it has the right one, or none."""
    partition, stored = item[PARTITION], item.get(EXPIRES)
    if not partition.startswith(_OF_MESSAGES) and (partition != SUPPRESSED or "digest" not in item):
        return None
    if stored is not None and stored <= now.timestamp():
        return None
    begin = _begin(item)
    since = begin if begin is not None else int(begun.changed.timestamp())
    if partition.startswith("ID#") and item[SORT] == "THREAD":
        # Messages name it that were filed later than it says, while nothing ended.
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
        # Some of its messages may have ended: whoever reads the thread looks which live.
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
    """From when it is kept; None for items of before that do not say."""
    begin = kept_from(item)
    if begin is not None:
        return begin
    if item[SORT].startswith(EVENT_PREFIX):
        return _seconds(item["at"])
    if item[PARTITION] == SUPPRESSED:
        return max(_seconds(item[name]) for name in ("bounced", "complained") if name in item)
    return None


def _is_told(item: Item) -> bool:
    """Whether SES told it: nothing in the bucket belongs to it, so it is kept for the whole retention."""
    return item[PARTITION] == SUPPRESSED or str(item[SORT]).startswith(EVENT_PREFIX)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
