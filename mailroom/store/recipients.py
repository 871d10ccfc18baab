"""Adds envelope recipients to a delivery that is stored already.

They have an item of their own, so that no writer of the delivery loses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailroom.lifetimes import EXPIRES, KEPT_FROM, Standing
from mailroom.store.documents import unpacked
from mailroom.store.entries import MOST_ADDRESS, snippet_of
from mailroom.store.keys import (
    RETENTION_KEY,
    body_key,
    delivery_key,
    message_key,
    recipients_key,
)
from mailroom.store.merging import Threads
from mailroom.store.objects import Objects
from mailroom.store.pieces import found_by
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = ["Addressed", "Addressing"]

_LONGER: Final = f"attribute_not_exists(#pk) OR #{KEPT_FROM} < :from"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """A delivery whose recipients are known.

    Args:
        thread: thread of its message.
        recipients: number of its recipients.
        told: whether others have heard of all of them.
    """

    thread: str
    recipients: int
    told: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressing:
    """Adds recipients to deliveries.

    Args:
        table: the tenant's.
        objects: of the tenant's bucket.
        clock: gives the time, with a time zone.
    """

    table: Table
    objects: Objects
    clock: Callable[[], datetime]

    def add(self, digest: str, ses_id: str, recipients: Sequence[str]) -> Addressed | None:
        """Add recipients to a delivery, and list its message under each of them; None where the delivery is not stored.

        Repeating is harmless. What is added lives as long as the delivery.

        Args:
            digest: the message's.
            ses_id: SES's id of the delivery.
            recipients: addresses, at least one.

        Raises:
            MailroomError: AWS failed.
        """
        keys = [message_key(digest), delivery_key(digest, ses_id), RETENTION_KEY]
        found = self.table.get_many(keys)
        standing = Standing.of(found.get(RETENTION_KEY), self.clock().timestamp())
        item, delivery = found.get(keys[0]), found.get(keys[1])
        if item is None or delivery is None or not standing.lives(item) or not standing.lives(delivery):
            return None
        given = standing.given(delivery)
        life: Item = {name: given[name] for name in (KEPT_FROM, EXPIRES) if name in given}
        for place in self._places(item, life, recipients):
            self._put(place)
        known = self._note(digest, ses_id, life, recipients)
        everybody = {*delivery["recipients"], *known["recipients"]}
        # Whoever files the message with all of them tells them with the message.
        told = len(everybody) == len(set(delivery["recipients"])) or known.get("told", 0) >= len(everybody)
        root = Threads(self.table, standing).root(item["thread"])
        return Addressed(
            thread=root["thread"] if root is not None else item["thread"], recipients=len(everybody), told=told
        )

    def mark_told(self, digest: str, ses_id: str, recipients: int) -> None:
        """Note that others have heard of so many recipients. Raises MailroomError."""
        told = Write(
            update=(recipients_key(digest, ses_id), "SET #told = :number"),
            condition="attribute_exists(#pk) AND (attribute_not_exists(#told) OR #told < :number)",
            values={":number": recipients},
        )
        try:
            self.table.change(told)
        except ConflictError:
            # Another worker told as many or more.
            return

    def _places(self, item: Item, life: Item, recipients: Sequence[str]) -> list[Item]:
        """Copies of the message under its recipients."""
        document = item.get("document") or self.objects.open(body_key(item["digest"])).read()
        named = [one for one in recipients if len(one) <= MOST_ADDRESS]
        plain = {name: value for name, value in item.items() if name not in (KEPT_FROM, EXPIRES)}
        return found_by({**plain, **life}, snippet_of(unpacked(document)), named)

    def _put(self, place: Item) -> None:
        """Write a copy, unless one is there that lives as long."""
        condition, values = (_LONGER, {":from": place[KEPT_FROM]}) if KEPT_FROM in place else ("", {})
        try:
            self.table.change(Write(put=place, condition=condition, values=values))
        except ConflictError:
            return

    def _note(self, digest: str, ses_id: str, life: Item, recipients: Sequence[str]) -> Item:
        """Add to the delivery's recipients; returns the item as it is then."""
        key = recipients_key(digest, ses_id)
        values: dict[str, Any] = {":ses_id": ses_id, ":more": set(recipients)}
        values |= {f":{name}": value for name, value in life.items()}
        kept = ", ".join(f"#{name} = :{name}" for name in ("ses_id", *life))
        self.table.change(Write(update=(key, f"SET {kept} ADD #recipients :more"), values=values))
        return self.table.get(key) or {"recipients": set(recipients)}
