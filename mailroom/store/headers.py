"""A thread's header in lists: from messages that have not expired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mailroom.lifetimes import ENDS_FIRST, EXPIRES, Standing
from mailroom.store.keys import AT_PREFIX, thread_key
from mailroom.store.table import Item, Table

__all__ = ["FIRST", "first_of", "header", "header_of", "participants"]

FIRST: Final = "first"
"""Attribute of a thread: digest of its first message, if it is not the one that began the thread."""
_MOST_READ: Final = 100
"""Unexpired messages that give a long thread its subject and authors: the first ones."""
_MOST_ADDRESS: Final = 320
"""RFC 5321 4.5.3.1: 64 octets, an @ and 255."""


def header(table: Table, standing: Standing, thread: Item) -> dict[str, Any] | None:
    """Subject, authors and first time of a thread, and the first expiry of their messages; None where all have expired.

    The thread's item has them until one of these messages expires; afterwards its places have. Raises RetryableError.
    """
    if standing.is_whole(thread):
        return {
            name: thread[name] for name in ("subject", "participants", "first_at", FIRST, ENDS_FIRST) if name in thread
        }
    return header_of(_living(table, standing, thread))


def first_of(thread: Mapping[str, Any]) -> tuple[str, str]:
    """Time and digest of the message that gives a thread its subject, in the order of lists."""
    return thread["first_at"], thread.get(FIRST, thread["thread"])


def header_of(places: Iterable[Item]) -> dict[str, Any] | None:
    """The header from places of messages in any order; None without places."""
    ordered = sorted(places, key=lambda one: (one["at"], one["digest"]))
    if not ordered:
        return None
    ends = [one[EXPIRES] for one in ordered if EXPIRES in one]
    return {
        "subject": ordered[0]["subject"],
        "participants": participants(author["address"] for one in ordered for author in one["from"]),
        "first_at": ordered[0]["at"],
        FIRST: ordered[0]["digest"],
        **({ENDS_FIRST: min(ends)} if ends else {}),
    }


def _living(table: Table, standing: Standing, thread: Item) -> list[Item]:
    """The first unexpired places in all parts of the thread."""
    found: dict[str, Item] = {}
    # Between two requests, places move into the thread itself: so it is read last.
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
    """Addresses for a list of threads: the alphabet's first twenty, in any order of arrival.

    Each is cut at the length of the longest possible address: an item of the table holds 400 KB.
    """
    return sorted({address[:_MOST_ADDRESS] for address in addresses if address})[:20]
