"""The thread of a message, and the merge of threads, in a table with concurrent writers.

Identifiers point to threads. When a message names identifiers of several threads, the smaller ones are merged into the biggest. A
merged thread keeps a pointer to its target, so that older pointers stay right. The worker that merged threads moves their messages
afterwards. Threads are never split, so each step can be repeated, and a worker may stop after any step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import ENDS_FIRST, EVERYTHING_LIVES, EXPIRES, KEPT_FROM, Standing
from mailroom.store.counting import COUNTED, PRUNED, guarded, unproven
from mailroom.store.headers import FIRST, first_of, participants
from mailroom.store.keys import AT_PREFIX, LATEST, PARTITION, RETENTION_KEY, SORT, id_key, message_key, thread_key
from mailroom.store.table import ConflictError, Item, Key, Table, UnderWayError, Write, pause

__all__ = ["Destination", "Threads", "still_a_root"]

_TRIES: Final = 20
_MOST_HOPS: Final = 100
_MOST_JOINED: Final = 90
"""Threads of one transaction, which takes a hundred writes."""
_MOVED_AT_ONCE: Final = 25
"""Messages of one transaction: three writes each, and at most a hundred in all."""
_STANDING_SECONDS: Final = 1.0
"""A move of many messages reads again that soon whether a change of retention has begun."""
_MOVING_SECONDS: Final = 150
"""Longer than one invocation lasts: a worker that merged threads before that has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """The thread for a message.

    Args:
        thread: the present item of the thread; None where the message begins one.
        unclaimed: identifiers without a thread, each with the expired thread to which it still points, or "".
        claimed: identifiers of the thread, each with its claim.
        replaces: version of an expired thread of the same name that DynamoDB has not deleted yet; None without one.
        joined: whether threads were merged for it, whose messages must be moved now.
    """

    thread: Item | None
    unclaimed: dict[str, str]
    claimed: dict[str, Item] = field(default_factory=dict)
    replaces: int | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Threads:
    """The unexpired threads in a table.

    Args:
        table: the tenant's.
        standing: judges expiry, and gives the time. Default: no item expires.
        mover: digest of the message for which threads are merged: its worker moves their messages. Default: "".
    """

    table: Table
    standing: Standing = EVERYTHING_LIVES
    mover: str = ""

    def place(
        self,
        identifiers: Sequence[str],
        *,
        begins: str = "",
        member: str = "",
        claims: Mapping[Key, Item] | None = None,
    ) -> Destination:
        """The thread of these identifiers; several threads are merged into one.

        Args:
            identifiers: their digests.
            begins: the thread that the message may have begun before, used where there is no other. Default: none.
            member: a thread that has the message already. Default: none.
            claims: claims of the identifiers, perhaps outdated: the writes are conditional. Default: None, they are read.

        Raises:
            RetryableError: AWS failed, or concurrent changes of the same threads go on.
        """
        joined = False
        for attempt in range(_TRIES):
            eventually = claims is not None
            if claims is None:
                claims = self.table.get_many(id_key(one) for one in identifiers)
            pointed = {one: claims[id_key(one)]["thread"] if id_key(one) in claims else "" for one in identifiers}
            roots = self.roots({*pointed.values(), member} - {""}, eventually=eventually)
            unclaimed = {one: name for one, name in pointed.items() if not name or roots[name] is None}
            claimed = {one: claims[id_key(one)] for one in pointed if one not in unclaimed}
            distinct = list({root["thread"]: root for root in roots.values() if root is not None}.values())
            if not distinct and begins:
                return self._begun(begins, unclaimed)
            if len(distinct) <= 1:
                thread = distinct[0] if distinct else None
                return Destination(thread=thread, unclaimed=unclaimed, claimed=claimed, joined=joined)
            try:
                self._join(distinct)
                joined = True
            except (ConflictError, UnderWayError):
                pause(attempt)
            claims = None
        raise RetryableError(f"table {self.table.name}: its threads change too fast; try again")

    def _begun(self, thread: str, unclaimed: dict[str, str]) -> Destination:
        """The thread that a message began earlier, or its expired item."""
        found = self.table.get(thread_key(thread))
        if found is None or self.standing.lives(found):
            return Destination(thread=self.root(thread), unclaimed=unclaimed)
        return Destination(thread=None, unclaimed=unclaimed, replaces=found["version"])

    def root(self, thread: str) -> Item | None:
        """The thread, or the one that it was merged into; None when it is gone. Raises RetryableError."""
        return self.roots([thread])[thread]

    def roots(self, threads: Iterable[str], *, eventually: bool = False) -> dict[str, Item | None]:
        """`root` of many threads at once. Raises RetryableError.

        Args:
            threads: their names.
            eventually: whether items may be a moment old; a missing thread is missing for certain. Default: False.
        """
        found: dict[str, Item | None] = {}
        at = {name: name for name in threads}
        for _ in range(_MOST_HOPS):
            if not at:
                break
            items = self._living(at.values(), eventually=eventually)
            if eventually and (gone := set(at.values()) - items.keys()):
                items |= self._living(gone, eventually=False)
            found |= {name: None for name, thread in at.items() if thread not in items}
            there = {name: items[thread] for name, thread in at.items() if thread in items}
            found |= {name: item for name, item in there.items() if "merged_into" not in item}
            at = {name: item["merged_into"] for name, item in there.items() if "merged_into" in item}
        return found | dict.fromkeys(at)

    def _living(self, threads: Iterable[str], *, eventually: bool) -> dict[str, Item]:
        items = self.table.get_many((thread_key(one) for one in sorted(set(threads))), eventually=eventually)
        return {item["thread"]: item for item in items.values() if self.standing.lives(item)}

    def settle(self, root: Item, *, joined: bool) -> None:
        """Move the messages of merged threads into their target, unless another worker does that. Raises RetryableError.

        Args:
            root: the target.
            joined: whether this worker merged them.
        """
        if not root.get("fragments"):
            return
        if not joined and root.get("mover", "") != self.mover:
            since = root.get("moving", 0)
            if self.standing.now - since < _MOVING_SECONDS:
                return
            take_over, condition, values = guarded(root, {"mover": self.mover, "moving": int(self.standing.now)})
            try:
                self.table.change(
                    Write(update=(thread_key(root["thread"]), take_over), condition=condition, values=values)
                )
            except (ConflictError, UnderWayError):
                return  # another worker took over
        self.reassign(root)

    def reassign(self, root: Item) -> None:
        """Move the messages of threads that were merged into this one, except for those that another worker moved.

        When this thread is merged meanwhile, its target is served. Raises RetryableError.
        """
        further: Item | None = root
        for _ in range(_MOST_HOPS):
            if further is None:
                return
            further = self._drain(further)

    def _drain(self, root: Item) -> Item | None:
        """Move all messages; returns the thread that the root was merged into meanwhile, else None."""
        thread = root["thread"]
        fragments = sorted(root.get("fragments", ()))
        standing = self._standing()
        for fragment in fragments:
            last, stuck = "", 0
            while first := self._move(fragment, thread, standing()):
                stuck = stuck + 1 if first == last else 0
                last = first
                if stuck:
                    now = self.root(thread)
                    if now is None or now["thread"] != thread:
                        # It has expired and takes no more messages, or it was merged.
                        return now
                    if stuck == _TRIES:
                        raise RetryableError(
                            f"table {self.table.name}: messages of a thread cannot be moved; try again"
                        )
                    pause(stuck)
        if fragments:
            done = Write(
                update=(thread_key(thread), "REMOVE #mover, #moving DELETE #fragments :done"),
                condition="attribute_exists(#thread)",
                values={":done": set(fragments)},
            )
            with suppress(ConflictError):  # the next worker finds them empty, and removes them from the list
                self.table.change(done)
        return None

    def _standing(self) -> Callable[[], Standing]:
        """Gives the standing, which is read again once it is a second old."""
        read: list[tuple[float, Standing]] = []

        def present() -> Standing:
            if not read or time.monotonic() >= read[-1][0] + _STANDING_SECONDS:
                state = self.table.get(RETENTION_KEY)
                read.append((time.monotonic(), Standing.of(state, self.standing.now)))
            return read[-1][1]

        return present

    def _join(self, roots: Sequence[Item]) -> None:
        """Merge threads. Raises ConflictError when one of them has changed."""
        winner, *losers = sorted(roots, key=lambda root: (-root["messages"], root["thread"]))[:_MOST_JOINED]
        joined = [winner, *losers]
        first = min(joined, key=first_of)
        said: dict[str, Any] = {
            "first_at": first["first_at"],
            "subject": first["subject"],
            FIRST: first_of(first)[1],
            "participants": participants(one for root in joined for one in root["participants"]),
            "mover": self.mover,
            "moving": int(self.standing.now),
        }
        latest = max(root[LATEST] for root in joined)
        said |= {LATEST: latest} if latest > winner[LATEST] else {}
        kept, lost = _kept_for_all([self.standing.given(root, several=True) for root in joined])
        changes, condition, values = guarded(winner, {**said, **kept}, lost)
        adds: dict[str, Any] = {
            "version": 1,
            "messages": sum(root["messages"] for root in losers),
            "sent": sum(root.get("sent", 0) for root in losers),
            "fragments": {name for root in losers for name in (root["thread"], *root.get("fragments", ()))},
            PRUNED: 1,
            COUNTED: unproven(self.table, {note for root in losers for note in root.get(COUNTED, ())}),
        }
        adds = {name: value for name, value in adds.items() if value}
        grown = Write(
            update=(
                thread_key(winner["thread"]),
                f"{changes} ADD {', '.join(f'#{name} :more_{name}' for name in adds)}",
            ),
            condition=condition,
            values=values | {f":more_{name}": value for name, value in adds.items()},
        )
        # Older pointers to them expire no later than they do.
        leaves = "SET #merged_into = :winner" + "".join(f", #{name} = :{name}" for name in kept)
        dropped = ", ".join(f"#{one}" for one in ("listed", "fragments", COUNTED, PRUNED, "mover", "moving", *lost))
        merged = [
            Write(
                update=(thread_key(loser["thread"]), f"{leaves} REMOVE {dropped}"),
                condition="#version = :version AND attribute_not_exists(#merged_into)",
                values={
                    ":winner": winner["thread"],
                    ":version": loser["version"],
                    **{f":{name}": value for name, value in kept.items()},
                },
            )
            for loser in losers
        ]
        self.table.write([grown, *merged])

    def _move(self, fragment: str, thread: str, standing: Standing) -> str:
        """Move one batch of messages to another thread; returns the sort key of its first, "" for the last batch."""
        partition = thread_key(fragment)[0]
        items, _ = self.table.query(partition, AT_PREFIX, limit=_MOVED_AT_ONCE)
        if not items:
            return ""
        first = str(items[0][SORT])
        try:
            self.table.write(
                [still_a_root(thread), *(write for item in items for write in _moved(item, thread, standing))]
            )
        except UnderWayError:
            return first  # concurrent writes to the thread: once more
        except ConflictError:
            now = self.table.get(thread_key(thread))
            if now is None or "merged_into" in now:
                return first
            # Another worker moves them too, or one of the messages has expired: one by one.
            for item in items:
                self._move_one(item, thread, standing)
            return first
        # A worker that adds a message now finds the thread merged, and moves the message itself.
        return first if len(items) == _MOVED_AT_ONCE else ""

    def _move_one(self, item: Item, thread: str, standing: Standing) -> None:
        try:
            self.table.write([still_a_root(thread), *_moved(item, thread, standing)])
        except (ConflictError, UnderWayError):
            if self.table.get(message_key(item["digest"])) is None:
                self.table.write([Write(delete=(item[PARTITION], item[SORT]))])


def _moved(item: Item, thread: str, standing: Standing) -> list[Write]:
    """The writes that move a place into another thread."""
    if not standing.lives(item):
        # The message may have been stored again, with another place.
        return [Write(delete=(item[PARTITION], item[SORT]))]
    return [
        Write(put={**standing.given(item), PARTITION: thread_key(thread)[0]}),
        Write(delete=(item[PARTITION], item[SORT]), condition="attribute_exists(#pk)"),
        Write(
            update=(message_key(item["digest"]), "SET #thread = :thread"),
            condition="attribute_exists(#pk)",
            values={":thread": thread},
        ),
    ]


def _kept_for_all(threads: Sequence[Item]) -> tuple[dict[str, int], list[str]]:
    """Lifetime of the thread that replaces these: attributes to set, and attributes to remove.

    It has no end where one of them has none.
    """
    said: dict[str, int | None] = {
        KEPT_FROM: max(one[KEPT_FROM] for one in threads) if all(KEPT_FROM in one for one in threads) else None,
        EXPIRES: max(one[EXPIRES] for one in threads) if all(EXPIRES in one for one in threads) else None,
        ENDS_FIRST: min(
            (one.get(ENDS_FIRST, 0) for one in threads if EXPIRES in one or ENDS_FIRST in one), default=None
        ),
    }
    return {name: value for name, value in said.items() if value is not None}, [
        name for name, value in said.items() if value is None
    ]


def still_a_root(thread: str) -> Write:
    """Condition: the target thread is unmerged. A message moved into a merged thread would stay unreassigned."""
    return Write(check=thread_key(thread), condition="attribute_exists(#pk) AND attribute_not_exists(#merged_into)")
