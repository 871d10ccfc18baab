"""The storing of one message: its input, its present items, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailroom.lifetimes import KEPT_FROM, Standing, Term
from mailroom.store.entries import Identifiers, InboundMessage
from mailroom.store.keys import delivery_key, message_key
from mailroom.store.table import Item, Key

__all__ = ["Work", "WriteResult"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteResult:
    """Result of storing a message.

    Args:
        digest: id of the message.
        thread: id of its thread.
        new: whether this delivery was not stored before.
        first: whether the message was not stored before, by any delivery.
        published: whether the event of this delivery is published.
    """

    digest: str
    thread: str
    new: bool
    first: bool
    published: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One message to write, and its items in the table."""

    arrival: InboundMessage
    term: Term
    standing: Standing
    identifiers: Identifiers
    found: Mapping[Key, Item]
    """Items that were read for it."""

    @property
    def stored(self) -> Item | None:
        """The message's item, expired or not."""
        return self.found.get(message_key(self.digest))

    @property
    def delivered(self) -> Item | None:
        """The item of this delivery; None if the message has expired, even if parts of it remain."""
        there = self.found.get(delivery_key(self.digest, self.arrival.ses_id))
        return there if self.known is not None else None

    @property
    def digest(self) -> str:
        """Id of the message."""
        return self.arrival.message.digest

    @property
    def known(self) -> Item | None:
        """The message's item unless it has expired."""
        return self.stored if self.stored is not None and self.standing.lives(self.stored) else None

    def longer(self, item: Item, ahead: timedelta = timedelta()) -> tuple[dict[str, int], list[str]]:
        """Changes that let an item live as long as the message: attributes to set, and attributes to remove."""
        return self.term.longer(item, self.standing.end(item), ahead)

    @property
    def unchanged(self) -> tuple[str, dict[str, Any]]:
        """The condition that the message's item has not changed, and its values."""
        if self.stored is None:
            return "attribute_not_exists(#pk)", {}
        name = KEPT_FROM if KEPT_FROM in self.stored else "received"
        return f"#{name} = :was AND #thread = :there", {":was": self.stored[name], ":there": self.stored["thread"]}
