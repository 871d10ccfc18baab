"""Which messages have a Message-ID, as a store notes it."""

from __future__ import annotations

from mailroom.store.keys import id_digest, id_key
from mailroom.store.table import Item, Table

__all__ = ["items_naming"]


def items_naming(table: Table, message_id: str, *, most: int | None = None) -> list[Item]:
    """Items that name the messages with a Message-ID: its claim names the first one, a note each other one.

    The claim of an older store names no message, and is left out; there each message has a note.

    Args:
        table: the tenant's.
        message_id: without angle brackets.
        most: number of items to read. Default: None, all of them.

    Raises:
        MailroomError: AWS failed.
    """
    partition, _ = id_key(id_digest(message_id))
    items, position = table.query(partition, limit=most)
    while position is not None and most is None:
        some, position = table.query(partition, after=position)
        items += some
    return [item for item in items if "digest" in item]
