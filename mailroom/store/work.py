"""One message that is stored: what is written, what stands in the table already, and what came of it."""

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
    """Where it is.

    Args:
        digest: names the message.
        thread: names its thread.
        new: whether this delivery was not filed before.
        first: whether the message was not there before, by any delivery.
        published: whether others were told of this delivery.
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
    """What was read for it."""

    @property
    def stored(self) -> Item | None:
        """The message's item, whether or not its time is over."""
        return self.found.get(message_key(self.digest))

    @property
    def delivered(self) -> Item | None:
        """The item of this delivery of a message that is there; what is left of one that is gone says nothing of it."""
        there = self.found.get(delivery_key(self.digest, self.arrival.ses_id))
        return there if self.known is not None else None

    @property
    def digest(self) -> str:
        """Names the message."""
        return self.arrival.message.digest

    @property
    def known(self) -> Item | None:
        """The message, where it is there for readers."""
        return self.stored if self.stored is not None and self.standing.lives(self.stored) else None

    def longer(self, item: Item, ahead: timedelta = timedelta()) -> tuple[dict[str, int], list[str]]:
        """What an item says once it lives as long as the message, too: what it says anew, and what it says no more."""
        return self.term.longer(item, self.standing.end(item), ahead)

    @property
    def unchanged(self) -> tuple[str, dict[str, Any]]:
        """The condition that the message's item is what it was, and its values."""
        if self.stored is None:
            return "attribute_not_exists(#pk)", {}
        name = KEPT_FROM if KEPT_FROM in self.stored else "received"
        return f"#{name} = :was AND #thread = :there", {":was": self.stored[name], ":there": self.stored["thread"]}
