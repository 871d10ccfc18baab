"""Messages that must not be answered: mail of programs by anybody, and mailing lists and bulk mail by programs.

Two programs that answer each other never end.

Source: RFC 3834 2.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mailroom.messages.model import Kind
from mailroom.store.identifiers import items_naming
from mailroom.store.keys import message_key
from mailroom.store.table import Table

__all__ = ["answers_unanswered", "why_unanswered"]

_NEVER_ANSWERED: Final = {
    Kind.BOUNCE: "it is a bounce",
    Kind.AUTO_REPLY: "a machine answered with it",
    Kind.AUTO_GENERATED: "a program wrote it",
    Kind.READ_RECEIPT: "it is a read receipt",
    Kind.COMPLAINT: "it is a complaint",
}
_NEVER_ANSWERED_BY_PROGRAMS: Final = {
    **_NEVER_ANSWERED,
    Kind.LIST: "it came through a mailing list",
    Kind.BULK: "it is bulk mail",
}
_MOST_OF_ONE_ID: Final = 25


def why_unanswered(kinds: Collection[Kind], *, automatic: bool) -> str:
    """Why a message of these kinds must not be answered; "" if it may be.

    Args:
        kinds: kinds of the message.
        automatic: whether a program answers it.
    """
    reasons = _NEVER_ANSWERED_BY_PROGRAMS if automatic else _NEVER_ANSWERED
    return next((why for kind, why in reasons.items() if kind in kinds), "")


def answers_unanswered(table: Table, message_id: str, *, automatic: bool) -> bool:
    """Whether all received messages with this Message-ID must not be answered; False if there is none. Raises MailroomError.

    A sender can use the Message-ID of a stranger's message: one that may be answered is enough.
    """
    digests = {one["digest"] for one in items_naming(table, message_id, most=_MOST_OF_ONE_ID)}
    items = table.get_many(message_key(one) for one in sorted(digests)).values()
    received = [frozenset(map(Kind, item["kinds"])) for item in items if not item.get("sent")]
    return bool(received) and all(why_unanswered(kinds, automatic=automatic) for kinds in received)
