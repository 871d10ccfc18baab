"""Which thread a message belongs to, and threads that become one, in a table that many write at once.

Identifiers point to threads. When a message names identifiers of two threads, the smaller one becomes part of the other: it keeps
saying where it went, so nothing that points to it is wrong, and its messages are moved afterwards. Threads only ever grow together,
so every step can be done twice, and be the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.store.keys import AT_PREFIX, EXPIRES, PARTITION, SORT, id_key, message_key, thread_key
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = ["Place", "Threads"]

_TRIES: Final = 20
_MOST_HOPS: Final = 100
_MOST_ADDRESS: Final = 320
"""RFC 5321 4.5.3.1: 64 octets, an @ and 255."""
_MOVED_AT_ONCE: Final = 25
"""Messages of one transaction: three writes each, and at most a hundred in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a message goes.

    Args:
        thread: the thread as it is now; None where the message begins one.
        unclaimed: identifiers that belong to no thread yet; each with the thread that is gone, to which it still points, or "".
    """

    thread: Item | None
    unclaimed: dict[str, str]


@dataclass(frozen=True, slots=True)
class Threads:
    """The threads in a table."""

    table: Table

    def place(self, identifiers: Sequence[str], *, begins: str = "") -> Place:
        """The one thread that these identifiers belong to, made one where they belonged to several.

        Args:
            identifiers: their digests.
            begins: the thread that the message may have begun before; it is looked for where there is no other. Default: none.

        Raises:
            RetryableError: AWS failed, or others changed the same threads all the time.
        """
        for _ in range(_TRIES):
            claims = self.table.get_many(id_key(one) for one in identifiers)
            pointed = {one: claims[id_key(one)]["thread"] if id_key(one) in claims else "" for one in identifiers}
            roots = {name: self.root(name) for name in sorted(set(pointed.values()) - {""})}
            unclaimed = {one: name for one, name in pointed.items() if not name or roots[name] is None}
            distinct = list({root["thread"]: root for root in roots.values() if root is not None}.values())
            if not distinct and begins:
                return Place(thread=self.root(begins), unclaimed=unclaimed)
            if len(distinct) <= 1:
                return Place(thread=distinct[0] if distinct else None, unclaimed=unclaimed)
            try:
                self._join(distinct)
            except ConflictError:
                continue
        raise RetryableError(f"table {self.table.name}: its threads change too fast; try again")

    def root(self, thread: str) -> Item | None:
        """The thread that it is, or became part of; None when it is gone. Raises RetryableError."""
        for _ in range(_MOST_HOPS):
            item = self.table.get(thread_key(thread))
            if item is None or "merged_into" not in item:
                return item
            thread = item["merged_into"]
        return None

    def settle(self, root: Item) -> None:
        """Move the messages of threads that became part of this one to where they belong; what somebody else moved is left.

        When this thread becomes part of another meanwhile, that one is settled. Raises RetryableError.
        """
        for fragment in sorted(root.get("fragments", ())):
            while self._move(fragment, root["thread"]):
                now = self.root(root["thread"])
                if now is not None and now["thread"] != root["thread"]:
                    self.settle(now)
                    return
            done = Write(
                update=(thread_key(root["thread"]), "DELETE #fragments :done"),
                condition="attribute_exists(#thread)",
                values={":done": {fragment}},
            )
            try:
                self.table.write([done])
            except ConflictError:
                continue  # whoever comes next finds it empty, and takes it off the list

    def _join(self, roots: Iterable[Item]) -> None:
        """Make the two biggest of them one. Raises ConflictError when either is not what it was."""
        winner, loser = sorted(roots, key=lambda root: (-root["messages"], root["thread"]))[:2]
        first = min(winner, loser, key=lambda root: (root["first_at"], root["thread"]))
        values: dict[str, Any] = {
            ":version": winner["version"],
            ":next": winner["version"] + 1,
            ":messages": winner["messages"] + loser["messages"],
            ":latest": max(winner["latest"], loser["latest"]),
            ":first": first["first_at"],
            ":subject": first["subject"],
            ":participants": participants((*winner["participants"], *loser["participants"])),
            ":fragments": {loser["thread"], *loser.get("fragments", ())},
        }
        changes = (
            "SET #version = :next, #messages = :messages, #latest = :latest, #first_at = :first, #subject = :subject, "
            "#participants = :participants"
        )
        expires = max(winner.get(EXPIRES, 0), loser.get(EXPIRES, 0))
        if expires:
            values[":expires"] = expires
            changes += ", #expires = :expires"
        grown = Write(
            update=(thread_key(winner["thread"]), f"{changes} ADD #fragments :fragments"),
            condition="#version = :version AND attribute_not_exists(#merged_into)",
            values=values,
        )
        leaves = "SET #merged_into = :winner" + (", #expires = :expires" if expires else "")
        merged = Write(
            update=(thread_key(loser["thread"]), f"{leaves} REMOVE #listed, #fragments"),
            condition="#version = :version AND attribute_not_exists(#merged_into)",
            values={
                ":winner": winner["thread"],
                ":version": loser["version"],
                **({":expires": expires} if expires else {}),
            },
        )
        self.table.write([grown, merged])

    def _move(self, fragment: str, thread: str) -> bool:
        """Move some messages of a thread to another; whether there were any."""
        partition = thread_key(fragment)[0]
        items, _ = self.table.query(partition, AT_PREFIX, limit=_MOVED_AT_ONCE)
        if not items:
            return False
        try:
            self.table.write([_still_a_root(thread), *(write for item in items for write in self._moved(item, thread))])
        except ConflictError:
            # Somebody moves them too, or one of the messages is past its time: one by one.
            for item in items:
                self._move_one(item, thread)
        return True

    def _moved(self, item: Item, thread: str) -> list[Write]:
        return [
            Write(put={**item, PARTITION: thread_key(thread)[0]}),
            Write(delete=(item[PARTITION], item[SORT]), condition="attribute_exists(#pk)"),
            Write(
                update=(message_key(item["digest"]), "SET #thread = :thread"),
                condition="attribute_exists(#pk)",
                values={":thread": thread},
            ),
        ]

    def _move_one(self, item: Item, thread: str) -> None:
        try:
            self.table.write([_still_a_root(thread), *self._moved(item, thread)])
        except ConflictError:
            if self.table.get(message_key(item["digest"])) is None:
                self.table.write([Write(delete=(item[PARTITION], item[SORT]))])


def _still_a_root(thread: str) -> Write:
    """Nothing is moved into a thread that became part of another: whoever settles that one would not look there again."""
    return Write(check=thread_key(thread), condition="attribute_exists(#pk) AND attribute_not_exists(#merged_into)")


def participants(addresses: Iterable[str]) -> list[str]:
    """Those that a list of threads shows: the first twenty in the order of the alphabet, whatever order they came in.

    Each is cut at the length of the longest address there may be: an item of the table holds 400 KB.
    """
    return sorted({address[:_MOST_ADDRESS] for address in addresses if address})[:20]
