"""Pages of a thread, also during a merge."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.store.keys import AT_PREFIX, PARTITION, SORT, thread_key
from mailroom.store.table import Item, Table

__all__ = ["Cut", "read_parts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Places in a thread, as far as all of its parts were read.

    Args:
        parts: merged threads that were read, too.
        found: places by their sort keys.
        end: sort key up to which all parts were read; "" at the end of the thread.
    """

    parts: frozenset[str]
    found: dict[str, Item]
    end: str


def read_parts(table: Table, root: Item, after_sort: str, wanted: int, *, backwards: bool) -> Cut:
    """The next places of a thread and of those merged into it. Raises MailroomError."""
    parts = set(root.get("fragments", ()))
    found: dict[str, Item] = {}
    ends: list[str] = []
    # Between two requests, places move into the thread itself: so it is read last, and double places are one.
    for name in (*sorted(parts), root["thread"]):
        partition = thread_key(name)[0]
        position = {PARTITION: partition, SORT: after_sort} if after_sort else None
        items, following = table.query(partition, AT_PREFIX, backwards=backwards, limit=wanted, after=position)
        found |= {item[SORT]: item for item in items}
        ends += [following[SORT]] if following is not None else []
    # Places behind the end of one part are unread: so no part is shown beyond the first end.
    end = (max(ends) if backwards else min(ends)) if ends else ""
    if end:
        found = {sort: item for sort, item in found.items() if (sort >= end if backwards else sort <= end)}
    return Cut(parts=frozenset(parts), found=found, end=end)
