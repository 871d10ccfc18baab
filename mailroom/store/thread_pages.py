"""Pages of a thread, also while others become part of it."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.store.keys import AT_PREFIX, PARTITION, SORT, thread_key
from mailroom.store.table import Item, Table

__all__ = ["Cut", "read_parts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Places in a thread up to where all of its parts are known.

    Args:
        parts: threads that were read beside it.
        found: places by their sort keys.
        end: sort key of the last place up to which that is so; "" where nothing follows.
    """

    parts: frozenset[str]
    found: dict[str, Item]
    end: str


def read_parts(table: Table, root: Item, after_sort: str, wanted: int, *, backwards: bool) -> Cut:
    """What comes next in a thread and in those that became part of it. Raises MailroomError."""
    parts = set(root.get("fragments", ()))
    found: dict[str, Item] = {}
    ends: list[str] = []
    # What moves meanwhile moves into the thread itself: it is read last, and what is in both is one.
    for name in (*sorted(parts), root["thread"]):
        partition = thread_key(name)[0]
        position = {PARTITION: partition, SORT: after_sort} if after_sort else None
        items, following = table.query(partition, AT_PREFIX, backwards=backwards, limit=wanted, after=position)
        found |= {item[SORT]: item for item in items}
        ends += [following[SORT]] if following is not None else []
    # Nobody knows what a part has behind its end, so nothing of any other is shown from there on.
    end = (max(ends) if backwards else min(ends)) if ends else ""
    if end:
        found = {sort: item for sort, item in found.items() if (sort >= end if backwards else sort <= end)}
    return Cut(parts=frozenset(parts), found=found, end=end)
