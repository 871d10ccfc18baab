"""Stores messages in their threads: each once, despite failures and concurrent writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.findings import findings_text
from mailroom.lifetimes import (
    CLAIMS_AHEAD,
    COPIES_APART,
    ENDS_FIRST,
    EXPIRES,
    KEPT_FROM,
    THREADS_AHEAD,
    Standing,
    Term,
    kept_from,
)
from mailroom.messages.joining import JoinBy, node_of
from mailroom.store.documents import packed
from mailroom.store.entries import (
    MOST_ADDRESS,
    MOST_IDENTIFIERS,
    SUBJECT,
    Identifiers,
    InboundMessage,
    addresses_of,
    identifiers_of,
    summary_of,
    time_of,
)
from mailroom.store.headers import header, participants
from mailroom.store.keys import (
    LISTED,
    PARTITION,
    RETENTION_KEY,
    SORT,
    address_key,
    at_key,
    attachment_key,
    body_key,
    delivery_key,
    id_key,
    message_key,
    sortable,
    thread_key,
)
from mailroom.store.merging import Destination, Threads
from mailroom.store.objects import Objects
from mailroom.store.table import ConflictError, Item, Table, Write
from mailroom.store.work import Work, WriteResult

__all__ = ["MOST_ADDRESSES", "MOST_IDENTIFIERS", "InboundMessage", "MessageWriter", "WriteResult"]

INLINE_OCTETS: Final = 4000
"""Bigger documents are objects: in a transaction, writing this much to the table costs as much as writing one."""
MOST_ADDRESSES: Final = 25
"""So that one message is one transaction, of a hundred writes at most; further addresses are written in front of it."""
_TRIES: Final = 20
_OF_THE_MESSAGE_ALONE: Final = frozenset({"document", "source", "thread", PARTITION, SORT})


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageWriter:
    """Writes to a tenant's store.

    Args:
        table: the tenant's.
        objects: of the tenant's bucket.
        retention: how long messages are kept from their latest filing; None until somebody deletes them.
        join_by: what else than identifiers makes one thread of messages. Default: nothing.
        clock: gives the time, with a time zone. Default: clock of the machine.
    """

    table: Table
    objects: Objects
    retention: timedelta | None = None
    join_by: frozenset[JoinBy] = frozenset()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def file(self, arrival: InboundMessage) -> WriteResult:
        """File a message; filing it again changes nothing.

        First the objects, then the threads that it joins, then, in one transaction, everything that readers see; last, messages of
        joined threads move together. Whatever was done before is found again. A message whose time is over is none: what comes is
        filed as if it had never been there.

        Raises:
            RetryableError: AWS failed, or others wrote to the same thread all the time.
        """
        digest = arrival.message.digest
        begun = self.clock()
        term = Term.of(arrival.received, begun, self.retention)
        has_objects = False
        for attempt in range(_TRIES):
            keys = [message_key(digest), delivery_key(digest, arrival.ses_id), RETENTION_KEY]
            items = self.table.get_many(keys)
            standing = Standing.of(items.get(RETENTION_KEY), begun.timestamp())
            delivery = items.get(keys[1])
            work = Work(
                arrival=arrival,
                term=term,
                standing=standing,
                stored=items.get(keys[0]),
                is_delivered=delivery is not None,
            )
            known = work.known
            if known is None:
                # What is left of a message that is gone says nothing of this one.
                delivery = None
            if delivery is None and not has_objects and (known is None or self._lengthens(work, known)):
                # Before the message, and from then on: its objects end no sooner than it does.
                self._write_objects(arrival)
                has_objects = True
            try:
                if known is None:
                    self._write_first(work, again=attempt > 0)
                elif delivery is None:
                    self._write_delivery(work, known)
            except ConflictError:
                continue
            thread = self._settled(digest, standing)
            return WriteResult(
                digest=digest,
                thread=thread,
                new=delivery is None,
                first=delivery["first"] if delivery is not None else known is None,
                published=delivery is not None and delivery["announced"],
            )
        raise RetryableError(f"table {self.table.name}: message {digest} cannot be filed while others write; try again")

    def mark_published(self, digest: str, ses_id: str) -> None:
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

    def _write_objects(self, arrival: InboundMessage) -> None:
        """Write attachments and a big document; where they are there and end some day, again, so that they end later."""
        message, renew = arrival.message, self.retention is not None
        for number, attachment in enumerate(message.attachments, start=1):
            self.objects.put(attachment_key(message.digest, number), bytes(attachment.data), renew=renew)
        document = packed(message)
        if len(document) > INLINE_OCTETS:
            self.objects.put(body_key(message.digest), document, renew=renew)

    def _write_first(self, work: Work, *, again: bool) -> None:
        """Everything of a message that is not there yet. Raises ConflictError."""
        arrival, digest = work.arrival, work.digest
        at = time_of(arrival.message, arrival.received)
        identifiers = identifiers_of(node_of(arrival.message, digest, self.join_by))
        # A thread of that name can be there already: the message was, and its time passed.
        begins = digest if again or work.stored is not None else ""
        place = Threads(self.table, work.standing).place(identifiers.all, begins=begins)
        thread = place.thread["thread"] if place.thread is not None else digest
        summary = {**summary_of(arrival, at, identifiers), **work.term.stamps}
        document = packed(arrival.message)
        inline = {"document": document} if len(document) <= INLINE_OCTETS else {}
        partition, sort = message_key(digest)
        condition, values = work.unchanged
        found_by = [
            Write(put={**summary, PARTITION: address_key(address), SORT: at_key(at, digest)})
            for address in addresses_of(arrival.message)
        ]
        writes = [
            Write(
                put={**summary, PARTITION: partition, SORT: sort, "thread": thread, "source": arrival.source, **inline},
                condition=condition,
                values=values,
            ),
            self._delivery(work, first=work.known is None),
            Write(put={**summary, PARTITION: thread_key(thread)[0], SORT: at_key(at, digest)}),
            self._thread(work, place, thread, at),
            *self._claims(work, place, thread),
            *self._own(work, identifiers, work.term.stamps),
            *found_by[:MOST_ADDRESSES],
        ]
        # Before the message itself: whoever fails between them files it again, and the same items once more.
        self._write_in_front(found_by[MOST_ADDRESSES:])
        self.table.write(writes)

    def _write_delivery(self, work: Work, known: Item) -> None:
        """A delivery more of a message that is there, and lives on with it. Raises ConflictError."""
        digest, message = work.digest, work.arrival.message
        threads = Threads(self.table, work.standing)
        root = threads.root(known["thread"])
        if root is None:
            # Its thread is gone before it: it finds one anew.
            self._write_first(work, again=True)
            return
        longer = self._lengthens(work, known)
        if longer and (root.get("fragments") or root["thread"] != known["thread"]):
            threads.reassign(root)
            raise ConflictError
        at = datetime.fromisoformat(known["at"])
        kept = {name: value for name, value in known.items() if name not in _OF_THE_MESSAGE_ALONE}
        said, gone = work.longer(known) if longer else ({}, [])
        longest = {name: value for name, value in {**kept, **said}.items() if name not in gone}
        condition, values = work.unchanged
        writes = [self._delivery(work, first=False)]
        if longer:
            identifiers = Identifiers(own=tuple(known["own"]), above=tuple(known["above"]), also=tuple(known["also"]))
            place = threads.place(identifiers.all)
            if place.thread is None or place.thread["thread"] != root["thread"]:
                place = Destination(thread=root, unclaimed=place.unclaimed)
            writes += [
                Write(
                    update=(message_key(digest), _expression(said, gone)),
                    condition=condition,
                    values=values | {f":{name}": value for name, value in said.items()},
                ),
                Write(put={**longest, PARTITION: thread_key(root["thread"])[0], SORT: at_key(at, digest)}),
                self._lasting(work, root),
                *self._claims(work, place, root["thread"]),
                *self._own(
                    work, identifiers, {name: longest[name] for name in (KEPT_FROM, EXPIRES) if name in longest}
                ),
            ]
            addresses = addresses_of(message)
        else:
            writes.append(Write(check=message_key(digest), condition=condition, values=values))
            addresses = [one for one in message.envelope.recipients if len(one) <= MOST_ADDRESS][:MOST_ADDRESSES]
        found_by = [Write(put={**longest, PARTITION: address_key(one), SORT: at_key(at, digest)}) for one in addresses]
        self._write_in_front(found_by[MOST_ADDRESSES:])
        self.table.write([*writes, *found_by[:MOST_ADDRESSES]])

    def _write_in_front(self, writes: list[Write]) -> None:
        for begin in range(0, len(writes), MOST_ADDRESSES):
            self.table.write(writes[begin : begin + MOST_ADDRESSES])

    def _delivery(self, work: Work, *, first: bool) -> Write:
        """The delivery; where one of a message that is gone is left, in its place."""
        arrival = work.arrival
        partition, sort = delivery_key(work.digest, arrival.ses_id)
        envelope = arrival.message.envelope
        authenticated = arrival.message.sender_authenticated
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
            **({"removed": findings_text(arrival.removed)} if arrival.removed else {}),
            **({"sender_authenticated": authenticated} if authenticated else {}),
            "first": first,
            "announced": False,
            **work.term.stamps,
        }
        return Write(put=item, condition="" if work.is_delivered else "attribute_not_exists(#pk)")

    def _own(self, work: Work, identifiers: Identifiers, stamps: dict[str, int]) -> Iterator[Write]:
        """That the message has this identifier."""
        for one in identifiers.own:
            partition, sort = id_key(one)[0], message_key(work.digest)[0]
            yield Write(put={PARTITION: partition, SORT: sort, "digest": work.digest, **stamps})

    def _claims(self, work: Work, place: Destination, thread: str) -> Iterator[Write]:
        """That identifiers belong to this thread, for as long as a message lives that names them."""
        stamps = work.term.ahead(CLAIMS_AHEAD).stamps
        for one, gone in place.unclaimed.items():
            partition, sort = id_key(one)
            yield Write(
                put={PARTITION: partition, SORT: sort, "thread": thread, **stamps},
                condition="#thread = :gone" if gone else "attribute_not_exists(#pk)",
                values={":gone": gone} if gone else {},
            )
        for item in place.claimed.values():
            # The thread that it points to ends with what was in it, and says then no more where it went.
            if not work.term.outlives(work.standing.end(item)) and item["thread"] == thread:
                continue
            said, lost = work.longer(item, CLAIMS_AHEAD)
            kept = {name: value for name, value in {**item, **said, "thread": thread}.items() if name not in lost}
            yield Write(put=kept, condition="#thread = :there", values={":there": item["thread"]})

    def _thread(self, work: Work, place: Destination, thread: str, at: datetime) -> Write:
        """The thread with the message in it."""
        message, known = work.arrival.message, place.thread
        authors = [one.address for one in message.from_]
        ends = {ENDS_FIRST: work.term.end} if work.term.end is not None else {}
        if known is None:
            partition, sort = thread_key(thread)
            item = {
                PARTITION: partition,
                SORT: sort,
                "thread": thread,
                "version": (place.replaces or 0) + 1,
                "messages": 1,
                **({"sent": 1} if work.arrival.sent else {}),
                "first_at": sortable(at),
                "latest": sortable(at),
                "subject": message.subject[:SUBJECT],
                "participants": participants(authors),
                LISTED: LISTED,
                **ends,
                **work.term.ahead(THREADS_AHEAD).stamps,
            }
            if place.replaces is None:
                return Write(put=item, condition="attribute_not_exists(#pk)")
            return Write(put=item, condition="#version = :over", values={":over": place.replaces})
        shown = header(self.table, work.standing, known)
        if shown is None:
            shown = {"first_at": sortable(at), "subject": message.subject[:SUBJECT], "participants": []}
        if sortable(at) < shown["first_at"]:
            shown |= {"first_at": sortable(at), "subject": message.subject[:SUBJECT]}
        shown["participants"] = participants((*shown["participants"], *authors))
        if ends:
            shown[ENDS_FIRST] = min(ends[ENDS_FIRST], shown.get(ENDS_FIRST, ends[ENDS_FIRST]))
        return self._changed(work, known, shown, at)

    def _lasting(self, work: Work, root: Item) -> Write:
        """The thread, for as long as a message in it that lives on."""
        return self._changed(work, root, {}, None)

    def _changed(self, work: Work, known: Item, shown: dict[str, Any], at: datetime | None) -> Write:
        """The thread as lists show it, and as long as the message lives; with one message more, where that stands at `at`."""
        changes = {name: value for name, value in shown.items() if known.get(name) != value}
        gone = [ENDS_FIRST] if shown and ENDS_FIRST not in shown and ENDS_FIRST in known else []
        said, lost = work.longer(known, THREADS_AHEAD)
        changes |= {**said, "version": known["version"] + 1}
        if at is not None:
            changes |= {"messages": known["messages"] + 1, "latest": max(known["latest"], sortable(at))}
            changes |= {"sent": known.get("sent", 0) + 1} if work.arrival.sent else {}
        return Write(
            update=(thread_key(known["thread"]), _expression(changes, [*gone, *lost])),
            condition="#version = :known AND attribute_not_exists(#merged_into)",
            values={":known": known["version"], **{f":{name}": value for name, value in changes.items()}},
        )

    def _lengthens(self, work: Work, known: Item) -> bool:
        """Whether a copy lets the message live on for longer."""
        end = work.standing.end(known)
        if self.retention is not None or end is not None:
            return work.term.lengthens(known, end)
        began = kept_from(known)
        return began is None or work.term.kept_from.timestamp() > began + COPIES_APART.total_seconds()

    def _settled(self, digest: str, standing: Standing) -> str:
        """The message's thread, all of its messages moved together."""
        threads = Threads(self.table, standing)
        item = self.table.get(message_key(digest))
        root = threads.root(item["thread"]) if item is not None else None
        if root is None:
            raise RetryableError(f"table {self.table.name}: message {digest} is gone while it is filed; try again")
        threads.reassign(root)
        return str(root["thread"])


def _expression(changes: Iterable[str], gone: Sequence[str]) -> str:
    """The expression that sets these and removes those."""
    removed = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
    return f"SET {', '.join(f'#{name} = :{name}' for name in changes)}{removed}"
