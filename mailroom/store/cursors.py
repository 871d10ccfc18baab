"""Tokens of page positions, which callers hand back. URLs and logs get them, so they have no address. Pure.

The caller names the partition; a token has the rest of the key: times, and digests of messages.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

from mailroom.store.keys import (
    AT_PREFIX,
    EVENT_PREFIX,
    LATEST,
    LISTED,
    OUTBOX_PREFIX,
    PARTITION,
    SORT,
    STATE,
    SUPPRESSED,
    SUPPRESSED_PREFIX,
    THREAD,
    address_key,
    sent_key,
)
from mailroom.store.table import Item

__all__ = [
    "Pages",
    "address_pages",
    "event_pages",
    "message_pages",
    "request_pages",
    "suppression_pages",
    "thread_pages",
]

_LONGEST: Final = 1000
_WRONG: Final = (
    "after must be the `next` of a page of the same call, got something else; leave it out for the first page"
)


class Pages:
    """The pages of one list.

    Args:
        kind: name of the list; tokens of another list are refused.
        prefix: of each sort key.
        partition: of all items of the list; "" where a page has items of several.
    """

    def __init__(self, kind: str, prefix: str, partition: str = "") -> None:
        self.kind = kind
        self.prefix = prefix
        self.partition = partition

    def token(self, position: Item | None) -> str:
        """The position as text; "" for none."""
        return _encoded([self.kind, position[SORT]]) if position else ""

    def position(self, token: str) -> Item | None:
        """The position of a token; None for "".

        Raises:
            ValueError: it is none of such a page. The text does not repeat it.
        """
        if not token:
            return None
        sort = _decoded(token, self.kind, 1)[0]
        if not sort.startswith(self.prefix):
            raise ValueError(_WRONG)
        return {PARTITION: self.partition, SORT: sort} if self.partition else {SORT: sort}


class IndexPages(Pages):
    """Pages in the order of the index.

    Args:
        kind: as in `Pages`.
        prefix: of each partition key.
        sort: sort key of each item.
    """

    def __init__(self, kind: str, prefix: str, sort: str) -> None:
        super().__init__(kind, prefix)
        self.sort = sort

    def token(self, position: Item | None) -> str:
        """The position as text; "" for none."""
        return _encoded([self.kind, position[PARTITION], position[LISTED], position[LATEST]]) if position else ""

    def position(self, token: str) -> Item | None:
        """The position of a token; None for "".

        Raises:
            ValueError: it is none of such a page. The text does not repeat it.
        """
        if not token:
            return None
        partition, listed, latest = _decoded(token, self.kind, 3)
        if not partition.startswith(self.prefix):
            raise ValueError(_WRONG)
        return {PARTITION: partition, SORT: self.sort, LISTED: listed, LATEST: latest}


def thread_pages() -> IndexPages:
    """Pages of threads."""
    return IndexPages("threads", f"{THREAD}#", THREAD)


def request_pages() -> IndexPages:
    """Pages of the outbox's requests."""
    return IndexPages("requests", OUTBOX_PREFIX, STATE)


def message_pages() -> Pages:
    """Pages of a thread's messages."""
    return Pages("messages", AT_PREFIX)


def address_pages(address: str) -> Pages:
    """Pages of an address's messages."""
    return Pages("address", AT_PREFIX, address_key(address))


def event_pages(ses_id: str) -> Pages:
    """Pages of the events of a sent message."""
    return Pages("events", EVENT_PREFIX, sent_key(ses_id))


def suppression_pages() -> Pages:
    """Pages of suppressions."""
    return Pages("suppressions", SUPPRESSED_PREFIX, SUPPRESSED)


def _encoded(parts: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _decoded(token: str, kind: str, parts: int) -> list[str]:
    """The parts of a token behind its kind."""
    # A longer token is forged, and could nest deeper than Python can read.
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise ValueError(_WRONG)
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, RecursionError, ValueError):
        raise ValueError(_WRONG) from None
    if not isinstance(found, list) or len(found) != parts + 1 or found[0] != kind:
        raise ValueError(_WRONG)
    if not all(isinstance(one, str) and one and one.isascii() for one in found):
        raise ValueError(_WRONG)
    return found[1:]
