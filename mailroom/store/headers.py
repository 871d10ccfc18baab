"""What a list shows of a thread: of the messages that live, and of no other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mailroom.lifetimes import ENDS_FIRST, EXPIRES, Standing
from mailroom.store.keys import AT_PREFIX, thread_key
from mailroom.store.table import Item, Table

__all__ = ["header", "header_of", "participants"]

_MOST_READ: Final = 100
"""Of a long thread, its subject and its authors come from the first messages that live."""
_MOST_ADDRESS: Final = 320
"""RFC 5321 4.5.3.1: 64 octets, an @ and 255."""


def header(table: Table, standing: Standing, thread: Item) -> dict[str, Any] | None:
    """Subject, authors and first time of a thread, and when the first of what they come from ends; None where nothing lives.

    The thread's item says so itself while all of that lives; afterwards its places do. Raises RetryableError.
    """
    if standing.is_whole(thread):
        return {name: thread[name] for name in ("subject", "participants", "first_at", ENDS_FIRST) if name in thread}
    return header_of(_living(table, standing, thread))


def header_of(places: Iterable[Item]) -> dict[str, Any] | None:
    """The same, from places of messages in any order; None where there are none."""
    ordered = sorted(places, key=lambda one: (one["at"], one["digest"]))
    if not ordered:
        return None
    ends = [one[EXPIRES] for one in ordered if EXPIRES in one]
    return {
        "subject": ordered[0]["subject"],
        "participants": participants(author["address"] for one in ordered for author in one["from"]),
        "first_at": ordered[0]["at"],
        **({ENDS_FIRST: min(ends)} if ends else {}),
    }


def _living(table: Table, standing: Standing, thread: Item) -> list[Item]:
    """The first places that live, in all parts of the thread."""
    found: dict[str, Item] = {}
    # What moves between two requests moves into the thread itself: it is read last.
    for name in (*sorted(thread.get("fragments", ())), thread["thread"]):
        partition, position = thread_key(name)[0], None
        living = 0
        while living < _MOST_READ:
            items, position = table.query(partition, AT_PREFIX, limit=_MOST_READ, after=position)
            alive = {item["digest"]: item for item in items if standing.lives(item)}
            found |= alive
            living += len(alive)
            if position is None:
                break
    return list(found.values())


def participants(addresses: Iterable[str]) -> list[str]:
    """Those that a list of threads shows: the first twenty in the order of the alphabet, whatever order they came in.

    Each is cut at the length of the longest address there may be: an item of the table holds 400 KB.
    """
    return sorted({address[:_MOST_ADDRESS] for address in addresses if address})[:20]
