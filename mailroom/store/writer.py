"""Stores messages in their threads: each once, despite failures and concurrent writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import COPIES_APART, THREADS_AHEAD, Standing, Term, kept_from
from mailroom.messages.joining import JoinBy, node_of
from mailroom.store.counting import COUNTED, begun, grown, guarded, is_proven, note_of, proofs, prune, uncount
from mailroom.store.documents import packed
from mailroom.store.entries import (
    MOST_ADDRESS,
    MOST_IDENTIFIERS,
    InboundMessage,
    addresses_of,
    identifiers_of,
    snippet_of,
    summary_of,
    time_of,
)
from mailroom.store.keys import (
    PARTITION,
    RETENTION_KEY,
    SORT,
    attachment_key,
    body_key,
    delivery_key,
    id_key,
    message_key,
    recall_key,
    thread_key,
)
from mailroom.store.merging import Destination, Threads, still_a_root
from mailroom.store.objects import Objects
from mailroom.store.pieces import claims, delivery, found_by, place_of, proof, shown
from mailroom.store.table import ConflictError, Item, Table, UnderWayError, Write, pause
from mailroom.store.withheld import withheld
from mailroom.store.work import Work, WriteResult

__all__ = ["MOST_ADDRESSES", "MOST_IDENTIFIERS", "InboundMessage", "MessageWriter", "WriteResult"]

INLINE_OCTETS: Final = 4000
"""Bigger documents are objects. Writing up to 8 kB to the table costs less, and storing them there costs more: one of this size
costs the same after six weeks."""
MOST_ADDRESSES: Final = 25
"""Addresses in the transaction of one message, which takes at most a hundred writes; further ones are written before it."""
_TRIES: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageWriter:
    """Writes to a tenant's store.

    Args:
        table: the tenant's.
        objects: of the tenant's bucket.
        retention: lifetime of messages from their latest storing; None without limit.
        join_by: further ways to join messages into threads, besides Message-IDs. Default: none.
        clock: gives the time, with a time zone. Default: clock of the machine.
    """

    table: Table
    objects: Objects
    retention: timedelta | None = None
    join_by: frozenset[JoinBy] = frozenset()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def file(self, arrival: InboundMessage) -> WriteResult:
        """Store a message; repeating is harmless.

        The order is: objects, merges of threads, the message's item. From then on a repetition completes the message: its places,
        its thread's count, last its own identifier. A repetition finds the steps that are done. An expired message counts as
        missing, and is stored anew.

        Raises:
            RetryableError: AWS failed, or concurrent writes to the same thread go on.
        """
        digest = arrival.message.digest
        identifiers = identifiers_of(node_of(arrival.message, digest, self.join_by))
        keys = [message_key(digest), RETENTION_KEY, recall_key(digest), *map(id_key, identifiers.all)]
        now = self.clock()
        term = Term.of(arrival.received, now, self.retention)
        has_objects = False
        for attempt in range(_TRIES):
            # For a new message, items may be a moment old: the writes are conditional.
            found = {} if attempt else self.table.get_many(keys, eventually=True)
            if attempt or message_key(digest) in found:
                of_it = [delivery_key(digest, arrival.ses_id), *proofs(identifiers.own, digest)]
                found = self.table.get_many([*keys, *of_it])
            if recall_key(digest) in found:
                # Its recall came first: its content must not be readable in between.
                arrival = replace(arrival, message=withheld(arrival.message))
            standing = Standing.of(found.get(RETENTION_KEY), now.timestamp())
            work = Work(arrival=arrival, identifiers=identifiers, term=term, standing=standing, found=found)
            known = work.known
            if not has_objects and (known is None or (work.delivered is None and self._lengthens(work, known))):
                # Before the message, and from then on: its objects end no sooner than it does.
                self._write_objects(arrival)
                has_objects = True
            try:
                return self._write_first(work) if known is None else self._write_again(work, known)
            except (ConflictError, UnderWayError):
                pause(attempt)
        raise RetryableError(f"table {self.table.name}: message {digest} cannot be filed while others write; try again")

    def mark_published(self, digest: str, ses_id: str) -> None:
        """Note that the event of the delivery is published. Raises RetryableError."""
        told = Write(
            update=(delivery_key(digest, ses_id), "SET #announced = :yes"),
            condition="attribute_exists(#pk)",
            values={":yes": True},
        )
        try:
            self.table.change(told)
        except ConflictError as error:
            raise RetryableError(
                f"table {self.table.name}: delivery {ses_id} is written by others; try again"
            ) from error

    def _write_objects(self, arrival: InboundMessage) -> None:
        """Write attachments and a big document, also over earlier ones: the lifetime of an object starts with its last write."""
        message = arrival.message
        for number, attachment in enumerate(message.attachments, start=1):
            self.objects.put(attachment_key(message.digest, number), bytes(attachment.data))
        document = packed(message)
        if len(document) > INLINE_OCTETS:
            self.objects.put(body_key(message.digest), document)

    def _write_first(self, work: Work) -> WriteResult:
        """Store a message that is not stored yet. Raises ConflictError."""
        arrival, digest = work.arrival, work.digest
        at = time_of(arrival.message, arrival.received)
        # A thread of that name can exist: an earlier copy of the message has expired.
        begins = digest if work.stored is not None else ""
        place = self._threads(work).place(work.identifiers.all, begins=begins, claims=work.found)
        summary = summary_of(arrival, at, work.identifiers)
        document = packed(arrival.message)
        partition, sort = message_key(digest)
        item = {
            **{name: value for name, value in summary.items() if name != "snippet"},
            **work.term.stamps,
            PARTITION: partition,
            SORT: sort,
            "thread": place.thread["thread"] if place.thread is not None else digest,
            "source": arrival.source,
            "filed": int(work.standing.now),
            **({"document": document} if len(document) <= INLINE_OCTETS else {}),
        }
        condition, values = work.unchanged
        self.table.change(Write(put=item, condition=condition, values=values))
        thread = self._complete(work, item, place, delivery(work, first=True), again=False)
        return WriteResult(digest=digest, thread=thread, new=True, first=True, published=False)

    def _write_again(self, work: Work, known: Item) -> WriteResult:
        """Complete a stored message, or add a delivery to it. Raises ConflictError."""
        delivered = work.delivered
        is_first = "filed" in known and known["source"] == work.arrival.source
        if is_first and known["thread"] != work.digest:
            # Another worker may have begun a thread for it, before or after it came into that one.
            self.table.write([Write(delete=(thread_key(work.digest)[0], place_of(known)))])
            uncount(self.table, work.digest, note_of(work.identifiers.own, work.digest, known["filed"]))
        if is_first and not is_proven(work.found, work.identifiers.own, work.digest, known["filed"]):
            new = delivery(work, first=True) if delivered is None else None
            thread = self._completed(work, known, new)
        else:
            is_first = False
            if delivered is None:
                self._write_delivery(work, known)
            thread = self._settled(work, known)
        return WriteResult(
            digest=work.digest,
            thread=thread,
            new=delivered is None,
            first=delivered["first"] if delivered is not None else is_first,
            published=delivered is not None and delivered["announced"],
        )

    def _threads(self, work: Work) -> Threads:
        return Threads(self.table, work.standing, work.digest)

    def _completed(self, work: Work, known: Item, new: Item | None, *, anew: bool = False) -> str:
        """Complete a stored message in the thread of all its identifiers. Raises ConflictError."""
        place = self._threads(work).place(work.identifiers.all, begins=work.digest, member=known["thread"])
        return self._complete(work, known, place, new, again=not anew, anew=anew)

    def _complete(
        self, work: Work, item: Item, place: Destination, new: Item | None, *, again: bool, anew: bool = False
    ) -> str:
        """Write all items of a message besides its own; returns its thread. Raises ConflictError.

        The place is written before the thread's count, and only an unmerged thread counts: so a worker that moves the messages of
        a merged thread finds the place.

        Args:
            work: the message.
            item: its item.
            place: its thread.
            new: its delivery; None where it is stored.
            again: whether another worker may have written some items.
            anew: whether the thread that counted it is gone. Default: False.
        """
        thread = place.thread["thread"] if place.thread is not None else work.digest
        if item["thread"] != thread:
            item = self._transfer(work, item, thread, is_there=place.thread is not None)
        self.table.put_many(
            [*([new] if new is not None else []), self._placed(work, item), *self._found_by(work, item)]
        )
        thread = self._count(work, item, place, again=again, anew=anew)
        for write in claims(work, item, place, thread):
            self.table.change(write)
        if (last := proof(work.standing.given(item), place)) is not None:
            self.table.put(last)
        if place.thread is not None and place.thread["thread"] == thread:
            prune(self.table, place.thread)
            self._threads(work).settle(place.thread, joined=place.joined)
        return thread

    def _count(self, work: Work, item: Item, place: Destination, *, again: bool, anew: bool) -> str:
        """Count the message in its thread, once; returns the thread. Raises ConflictError."""
        at, own = datetime.fromisoformat(item["at"]), work.identifiers.own
        thread, root, note = str(item["thread"]), place.thread, note_of(own, work.digest, item.get("filed", 0))
        for attempt in range(_TRIES):
            if attempt or again:
                # Read after the place was written: a merge before that may have moved the other messages without it.
                root = self._threads(work).root(thread)
                if root is None and (attempt or place.thread is not None):
                    raise ConflictError
                if root is not None and root["thread"] != thread:
                    item, thread = self._transfer(work, item, root["thread"], is_there=True), root["thread"]
                # A proof replaces a note: so the proof is read after the note.
                is_noted = root is not None and note in root.get(COUNTED, ())
                found = self.table.get_many(proofs(own, work.digest)) if not is_noted and not anew else {}
                if is_noted or is_proven(found, own, work.digest, item.get("filed", 0)):
                    return thread
            begins = root is None
            try:
                self.table.change(
                    begun(work, thread, at, note, place.replaces)
                    if root is None
                    else grown(self.table, work, root, at, note)
                )
            except (ConflictError, UnderWayError):
                pause(attempt)
                continue
            if begins and (self.table.get(message_key(work.digest)) or {}).get("thread") != thread:
                # Another worker found the right thread: this one is deleted before an item points to it.
                raise ConflictError
            return thread
        raise ConflictError

    def _transfer(self, work: Work, item: Item, thread: str, *, is_there: bool) -> Item:
        """Move a message into the thread that replaces its own; returns its item. Raises ConflictError."""
        moved = {**item, "thread": thread}
        place = self._placed(work, item)
        left = self.table.get(thread_key(item["thread"]))
        if left is not None and "merged_into" not in left and work.standing.lives(left):
            # Its first worker began it meanwhile.
            raise ConflictError
        writes = [
            *([still_a_root(thread)] if is_there else []),
            Write(
                check=thread_key(item["thread"]),
                condition="#version = :left" if left is not None else "attribute_not_exists(#pk)",
                values={":left": left["version"]} if left is not None else {},
            ),
            Write(put=self._placed(work, moved)),
            Write(delete=(place[PARTITION], place[SORT])),
            Write(
                update=(message_key(work.digest), "SET #thread = :thread"),
                condition="#received = :received AND #thread = :was OR #received = :received AND #thread = :thread",
                values={":thread": thread, ":was": item["thread"], ":received": item["received"]},
            ),
        ]
        self.table.write(writes)
        return moved

    def _placed(self, work: Work, item: Item) -> Item:
        """The message's place in its thread."""
        return {
            **shown(work.standing.given(item), snippet_of(work.arrival.message)),
            PARTITION: thread_key(item["thread"])[0],
            SORT: place_of(item),
        }

    def _found_by(self, work: Work, item: Item, addresses: Sequence[str] | None = None) -> list[Item]:
        """Copies of the message under addresses. Default: all of its own."""
        named = addresses_of(work.arrival.message) if addresses is None else addresses
        return found_by(work.standing.given(item), snippet_of(work.arrival.message), named)

    def _write_delivery(self, work: Work, known: Item) -> None:
        """Add a delivery to a stored message, which prolongs its life. Raises ConflictError."""
        threads = self._threads(work)
        root = threads.root(known["thread"])
        if root is None:
            # Its thread has expired, or is not written yet: complete the message first.
            self._completed(work, known, None, anew=True)
            raise ConflictError
        longer = self._lengthens(work, known)
        if longer and (root.get("fragments") or root["thread"] != known["thread"]):
            threads.reassign(root)
            raise ConflictError
        said, gone = work.longer(known) if longer else ({}, [])
        longest = {name: value for name, value in {**known, **said}.items() if name not in gone}
        condition, values = work.unchanged
        there = delivery_key(work.digest, work.arrival.ses_id) in work.found
        writes = [Write(put=delivery(work, first=False), condition="" if there else "attribute_not_exists(#pk)")]
        if longer:
            place = threads.place(work.identifiers.all)
            if place.thread is None or place.thread["thread"] != root["thread"]:
                place = Destination(thread=root, unclaimed=place.unclaimed)
            last = proof(longest, place)
            kept = guarded(root, *work.longer(root, THREADS_AHEAD))
            writes += [
                Write(
                    update=(message_key(work.digest), _expression(said, gone)),
                    condition=condition,
                    values=values | {f":{name}": value for name, value in said.items()},
                ),
                Write(put=self._placed(work, longest)),
                Write(update=(thread_key(root["thread"]), kept[0]), condition=kept[1], values=kept[2])
                if kept[0]
                else still_a_root(root["thread"]),
                *claims(work, longest, place, root["thread"]),
                *([Write(put=last)] if last is not None else []),
            ]
            found_by = self._found_by(work, longest)
        else:
            writes.append(Write(check=message_key(work.digest), condition=condition, values=values))
            named = work.arrival.message.envelope.recipients
            found_by = self._found_by(
                work, longest, [one for one in named if len(one) <= MOST_ADDRESS][:MOST_ADDRESSES]
            )
        # Before the delivery itself: after a failure between the two, a repetition writes the same items again.
        self.table.put_many(found_by)
        self.table.write(writes)

    def _settled(self, work: Work, known: Item) -> str:
        """The thread of a stored message, after the moves into it that no other worker makes. Raises ConflictError."""
        threads = self._threads(work)
        root = threads.root(known["thread"])
        if root is None:
            self._completed(work, known, None, anew=True)
            raise ConflictError
        threads.settle(root, joined=False)
        return str(root["thread"])

    def _lengthens(self, work: Work, known: Item) -> bool:
        """Whether a copy prolongs the message's life."""
        end = work.standing.end(known)
        # A pass may have reached the message, and not yet what it is found by.
        if self.retention is not None or end is not None or work.standing.changed is not None:
            return work.term.lengthens(known, end)
        began = kept_from(known)
        return began is None or work.term.kept_from.timestamp() > began + COPIES_APART.total_seconds()


def _expression(changes: Iterable[str], gone: Sequence[str]) -> str:
    """Update expression that sets `changes` and removes `gone`."""
    removed = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
    return f"SET {', '.join(f'#{name} = :{name}' for name in changes)}{removed}"
