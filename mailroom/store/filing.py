"""Files messages under their threads: each once, whatever fails and whoever writes at the same time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.messages import Message
from mailroom.messages.joining import JoinBy, link_of
from mailroom.store.keys import (
    EXPIRES,
    LISTED,
    PARTITION,
    SORT,
    address_key,
    at_key,
    attachment_key,
    body_key,
    delivery_key,
    id_digest,
    id_key,
    message_key,
    sortable,
    thread_key,
)
from mailroom.store.linking import Place, Threads, participants
from mailroom.store.objects import Objects
from mailroom.store.table import ConflictError, Item, Table, Write
from mailroom.threads import Link

__all__ = ["Arrival", "Filed", "Filing"]

INLINE_OCTETS: Final = 16_000
"""Bigger documents are objects: writing one costs as much as writing about this much to the table."""
MOST_IDENTIFIERS: Final = 60
MOST_ADDRESSES: Final = 25
"""Both so that one message is one transaction, of a hundred writes at most; further addresses are written in front of it."""
_MOST_FOUND_BY: Final = 5000
_TRIES: Final = 20
_MOST_DATE_BEHIND: Final = timedelta(days=30)
_SUBJECT: Final = 300
_SNIPPET: Final = 200
_SHOWN_AUTHORS: Final = 5
_MOST_ADDRESS: Final = 320


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A message that came.

    Args:
        message: as it was read.
        source: key of the message in the bucket.
        ses_id: SES's id of this delivery.
        received: when, with a time zone.
        octets: of the message.
        sent: whether the tenant sent it. Default: it came.
        verdict: what the scanner found before it delivered the message. Default: "", nobody knows.
        risks: classes of active content that the message was delivered with, as the scanner calls them. Default: none.
    """

    message: Message
    source: str
    ses_id: str
    received: datetime
    octets: int
    sent: bool = False
    verdict: str = ""
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """Where it is.

    Args:
        digest: names the message.
        thread: names its thread.
        new: whether this delivery was not filed before.
        first: whether the message was not there before, by any delivery.
        announced: whether others were told of this delivery.
    """

    digest: str
    thread: str
    new: bool
    first: bool
    announced: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Filing:
    """Writes to a tenant's store.

    Args:
        table: the tenant's.
        objects: of the tenant's bucket.
        retention: how long messages are kept from when they were received; None until somebody deletes them.
        join_by: what else than identifiers makes one thread of messages. Default: nothing.
    """

    table: Table
    objects: Objects
    retention: timedelta | None = None
    join_by: frozenset[JoinBy] = frozenset()

    def file(self, arrival: Arrival) -> Filed:
        """File a message; filing it again changes nothing.

        First the objects, then the threads that it joins, then, in one transaction, everything that readers see; last, messages of
        joined threads move together. Whatever was done before is found again.

        Raises:
            RetryableError: AWS failed, or others wrote to the same thread all the time.
        """
        digest = arrival.message.digest
        for attempt in range(_TRIES):
            items = self.table.get_many([message_key(digest), delivery_key(digest, arrival.ses_id)])
            known = items.get(message_key(digest))
            delivery = items.get(delivery_key(digest, arrival.ses_id))
            if known is None and not attempt:
                self._write_objects(arrival)
            try:
                if known is None:
                    self._write_first(arrival, again=attempt > 0)
                elif delivery is None:
                    self._write_delivery(arrival, known)
            except ConflictError:
                continue
            thread = self._settled(digest)
            return Filed(
                digest=digest,
                thread=thread,
                new=delivery is None,
                first=delivery["first"] if delivery is not None else known is None,
                announced=delivery is not None and delivery["announced"],
            )
        raise RetryableError(f"table {self.table.name}: message {digest} cannot be filed while others write; try again")

    def mark_announced(self, digest: str, ses_id: str) -> None:
        """Note that others were told of the delivery. Raises RetryableError."""
        told = Write(
            update=(delivery_key(digest, ses_id), "SET #announced = :yes"),
            condition="attribute_exists(#pk)",
            values={":yes": True},
        )
        try:
            self.table.write([told])
        except ConflictError as error:
            raise RetryableError(
                f"table {self.table.name}: delivery {ses_id} is written by others; try again"
            ) from error

    def _write_objects(self, arrival: Arrival) -> None:
        message = arrival.message
        for number, attachment in enumerate(message.attachments, start=1):
            self.objects.put(attachment_key(message.digest, number), bytes(attachment.data))
        document = _document(message)
        if len(document) > INLINE_OCTETS:
            self.objects.put(body_key(message.digest), document, "application/json")

    def _write_first(self, arrival: Arrival, *, again: bool) -> None:
        """Everything of a message that is not there yet. Raises ConflictError."""
        message, digest = arrival.message, arrival.message.digest
        at = _at(message, arrival.received)
        link = link_of(message, digest, self.join_by)
        identifiers = _identifiers(link)
        joined = list(dict.fromkeys((*identifiers.own, *identifiers.above, *identifiers.also)))
        # A thread of that name can be there already: the message was, and its time passed.
        place = Threads(self.table).place(joined, begins=digest if again else "")
        thread = place.thread["thread"] if place.thread is not None else digest
        addresses = _addresses(arrival)
        summary = self._kept(_summary(arrival, at, identifiers), arrival)
        document = _document(message)
        inline = {"document": document.decode("utf-8")} if len(document) <= INLINE_OCTETS else {}
        partition, sort = message_key(digest)
        writes = [
            Write(
                put={**summary, PARTITION: partition, SORT: sort, "thread": thread, "source": arrival.source, **inline},
                condition="attribute_not_exists(#pk)",
            ),
            Write(put=self._delivery(arrival, first=True), condition="attribute_not_exists(#pk)"),
            Write(put={**summary, PARTITION: thread_key(thread)[0], SORT: at_key(at, digest)}),
            self._thread(place, thread, arrival, at),
            *self._claims(place, thread, arrival),
            *(
                Write(put=self._kept({PARTITION: id_key(one)[0], SORT: partition, "digest": digest}, arrival))
                for one in identifiers.own
            ),
            *(
                Write(put={**summary, PARTITION: address_key(address), SORT: at_key(at, digest)})
                for address in addresses[:MOST_ADDRESSES]
            ),
        ]
        # Before the message itself: whoever fails between them files it again, and the same items once more.
        for begin in range(MOST_ADDRESSES, len(addresses), MOST_ADDRESSES):
            some = addresses[begin : begin + MOST_ADDRESSES]
            self.table.write(
                [Write(put={**summary, PARTITION: address_key(one), SORT: at_key(at, digest)}) for one in some]
            )
        self.table.write(writes)

    def _write_delivery(self, arrival: Arrival, known: Item) -> None:
        """A delivery more of a message that is there. Raises ConflictError."""
        digest = arrival.message.digest
        at = datetime.fromisoformat(known["at"])
        shared = {
            name: value
            for name, value in known.items()
            if name not in {"document", "source", "thread", PARTITION, SORT}
        }
        writes = [
            Write(check=message_key(digest), condition="attribute_exists(#pk)"),
            Write(put=self._delivery(arrival, first=False), condition="attribute_not_exists(#pk)"),
            *(
                Write(put={**shared, PARTITION: address_key(address), SORT: at_key(at, digest)})
                for address in arrival.message.envelope.recipients[:MOST_ADDRESSES]
                if len(address) <= _MOST_ADDRESS
            ),
        ]
        self.table.write(writes)

    def _delivery(self, arrival: Arrival, *, first: bool) -> Item:
        partition, sort = delivery_key(arrival.message.digest, arrival.ses_id)
        envelope = arrival.message.envelope
        item = {
            PARTITION: partition,
            SORT: sort,
            "ses_id": arrival.ses_id,
            "source": arrival.source,
            "received": sortable(arrival.received),
            "sender": envelope.sender,
            "recipients": list(envelope.recipients),
            "verdicts": dict(envelope.verdicts),
            **({"verdict": arrival.verdict} if arrival.verdict else {}),
            **({"risks": list(arrival.risks)} if arrival.risks else {}),
            "first": first,
            "announced": False,
        }
        return self._kept(item, arrival)

    def _thread(self, place: Place, thread: str, arrival: Arrival, at: datetime) -> Write:
        """The thread with the message in it."""
        message, known = arrival.message, place.thread
        partition, sort = thread_key(thread)
        authors = [one.address for one in message.from_]
        if known is None:
            item = {
                PARTITION: partition,
                SORT: sort,
                "thread": thread,
                "version": 1,
                "messages": 1,
                "first_at": sortable(at),
                "latest": sortable(at),
                "subject": message.subject[:_SUBJECT],
                "participants": participants(authors),
                LISTED: LISTED,
            }
            return Write(put=self._kept(item, arrival), condition="attribute_not_exists(#pk)")
        is_first = sortable(at) < known["first_at"]
        values: dict[str, Any] = {
            ":version": known["version"],
            ":next": known["version"] + 1,
            ":messages": known["messages"] + 1,
            ":latest": max(known["latest"], sortable(at)),
            ":first": sortable(at) if is_first else known["first_at"],
            ":subject": message.subject[:_SUBJECT] if is_first else known["subject"],
            ":participants": participants((*known["participants"], *authors)),
        }
        changes = (
            "SET #version = :next, #messages = :messages, #latest = :latest, #first_at = :first, #subject = :subject, "
            "#participants = :participants"
        )
        expires = self._expires(arrival)
        if expires is not None:
            values[":expires"] = max(expires, known.get(EXPIRES, 0))
            changes += ", #expires = :expires"
        return Write(
            update=(thread_key(thread), changes),
            condition="#version = :version AND attribute_not_exists(#merged_into)",
            values=values,
        )

    def _claims(self, place: Place, thread: str, arrival: Arrival) -> Iterator[Write]:
        """That identifiers which belong to no thread belong to this one."""
        for one, gone in place.unclaimed.items():
            partition, sort = id_key(one)
            yield Write(
                put=self._kept({PARTITION: partition, SORT: sort, "thread": thread}, arrival),
                condition="#thread = :gone" if gone else "attribute_not_exists(#pk)",
                values={":gone": gone} if gone else {},
            )

    def _settled(self, digest: str) -> str:
        """The message's thread, all of its messages moved together."""
        threads = Threads(self.table)
        item = self.table.get(message_key(digest))
        root = threads.root(item["thread"]) if item is not None else None
        if root is None:
            raise RetryableError(f"table {self.table.name}: message {digest} is gone while it is filed; try again")
        threads.settle(root)
        return str(root["thread"])

    def _expires(self, arrival: Arrival) -> int | None:
        return int((arrival.received + self.retention).timestamp()) if self.retention is not None else None

    def _kept(self, item: Item, arrival: Arrival) -> Item:
        """The item, with the time after which it is deleted."""
        expires = self._expires(arrival)
        return item if expires is None else {**item, EXPIRES: expires}


@dataclass(frozen=True, slots=True)
class _Identifiers:
    """Digests of a message's own identifier, of those before it, and of what else joins it."""

    own: tuple[str, ...]
    above: tuple[str, ...]
    also: tuple[str, ...]


def _identifiers(link: Link) -> _Identifiers:
    ancestors = link.ancestors
    # The first one, which is the thread's beginning, and the last ones, which are the nearest.
    kept = ancestors if len(ancestors) < MOST_IDENTIFIERS else (ancestors[0], *ancestors[2 - MOST_IDENTIFIERS :])
    return _Identifiers(
        own=(id_digest(link.message_id),) if link.message_id else (),
        above=tuple(id_digest(one) for one in kept),
        also=tuple(id_digest(f"also:{one}") for one in link.also),
    )


def _document(message: Message) -> bytes:
    return json.dumps(message.document, ensure_ascii=False).encode("utf-8", "replace")


def _at(message: Message, received: datetime) -> datetime:
    """Where the message stands among others: when it was sent, where that can be true; else when it was received."""
    sent = message.date
    if sent is None or not received - _MOST_DATE_BEHIND <= sent <= received:
        return received
    return sent.astimezone(UTC)


def _summary(arrival: Arrival, at: datetime, identifiers: _Identifiers) -> Item:
    """What lists show of a message, and what its place in the thread comes from."""
    message = arrival.message
    return {
        "digest": message.digest,
        "at": sortable(at),
        "received": sortable(arrival.received),
        "message_id": message.message_id,
        "subject": message.subject[:_SUBJECT],
        "from": [
            {"name": one.name[:_SUBJECT], "address": one.address[:_MOST_ADDRESS]}
            for one in message.from_[:_SHOWN_AUTHORS]
        ],
        "snippet": " ".join(message.reply[: 4 * _SNIPPET].split())[:_SNIPPET],
        "kinds": sorted(kind.value for kind in message.kinds),
        "attachments": len(message.attachments),
        "octets": arrival.octets,
        **({"sent": True} if arrival.sent else {}),
        "own": list(identifiers.own),
        "above": list(identifiers.above),
        "also": list(identifiers.also),
    }


def _addresses(arrival: Arrival) -> list[str]:
    """Addresses that the message is found by: of the envelope first, then authors and recipients."""
    message = arrival.message
    boxes = (*message.from_, *message.reply_to, *message.to, *message.cc)
    found = dict.fromkeys(one for one in (*message.envelope.recipients, *(box.address for box in boxes)) if "@" in one)
    folded = {address.casefold(): address for address in found if len(address) <= _MOST_ADDRESS}
    return list(folded.values())[:_MOST_FOUND_BY]
