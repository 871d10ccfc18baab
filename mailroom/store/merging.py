"""Which thread a message belongs to, and threads that become one, in a table that many write at once.

Identifiers point to threads. When a message names identifiers of two threads, the smaller one becomes part of the other: it keeps
saying where it went, so nothing that points to it is wrong, and its messages are moved afterwards. Threads only ever grow together,
so every step can be done twice, and be the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import ENDS_FIRST, EVERYTHING_LIVES, EXPIRES, KEPT_FROM, Standing
from mailroom.store.headers import participants
from mailroom.store.keys import AT_PREFIX, PARTITION, SORT, id_key, message_key, thread_key
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = ["Destination", "Threads"]

_TRIES: Final = 20
_MOST_HOPS: Final = 100
_MOVED_AT_ONCE: Final = 25
"""Messages of one transaction: three writes each, and at most a hundred in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where a message goes.

    Args:
        thread: the thread as it is now; None where the message begins one.
        unclaimed: identifiers that belong to no thread yet; each with the thread that is gone, to which it still points, or "".
        claimed: identifiers that belong to it, each with the item that says so.
        replaces: version of a thread of the message's own name whose time is over, and which DynamoDB has not deleted yet; None
            where there is none.
    """

    thread: Item | None
    unclaimed: dict[str, str]
    claimed: dict[str, Item] = field(default_factory=dict)
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Threads:
    """The threads in a table, as far as they live.

    Args:
        table: the tenant's.
        standing: judges what lives. Default: everything does.
    """

    table: Table
    standing: Standing = EVERYTHING_LIVES

    def place(self, identifiers: Sequence[str], *, begins: str = "") -> Destination:
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
            claimed = {one: claims[id_key(one)] for one in pointed if one not in unclaimed}
            distinct = list({root["thread"]: root for root in roots.values() if root is not None}.values())
            if not distinct and begins:
                return self._begun(begins, unclaimed)
            if len(distinct) <= 1:
                return Destination(thread=distinct[0] if distinct else None, unclaimed=unclaimed, claimed=claimed)
            try:
                self._join(distinct)
            except ConflictError:
                continue
        raise RetryableError(f"table {self.table.name}: its threads change too fast; try again")

    def _begun(self, thread: str, unclaimed: dict[str, str]) -> Destination:
        """The thread that a message began earlier, or the rest of it."""
        found = self.table.get(thread_key(thread))
        if found is None or self.standing.lives(found):
            return Destination(thread=self.root(thread), unclaimed=unclaimed)
        return Destination(thread=None, unclaimed=unclaimed, replaces=found["version"])

    def root(self, thread: str) -> Item | None:
        """The thread that it is, or became part of; None when it is gone. Raises RetryableError."""
        for _ in range(_MOST_HOPS):
            item = self.table.get(thread_key(thread))
            if item is None or not self.standing.lives(item):
                return None
            if "merged_into" not in item:
                return item
            thread = item["merged_into"]
        return None

    def reassign(self, root: Item) -> None:
        """Move the messages of threads that became part of this one to where they belong; what somebody else moved is left.

        When this thread becomes part of another meanwhile, that one is settled. Raises RetryableError.
        """
        for fragment in sorted(root.get("fragments", ())):
            while self._move(fragment, root["thread"]):
                now = self.root(root["thread"])
                if now is None:
                    # Its time passed: nothing can be moved into it any more.
                    return
                if now["thread"] != root["thread"]:
                    self.reassign(now)
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
            ":sent": winner.get("sent", 0) + loser.get("sent", 0),
            ":latest": max(winner["latest"], loser["latest"]),
            ":first": first["first_at"],
            ":subject": first["subject"],
            ":participants": participants((*winner["participants"], *loser["participants"])),
            ":fragments": {loser["thread"], *loser.get("fragments", ())},
        }
        changes = (
            "SET #version = :next, #messages = :messages, #sent = :sent, #latest = :latest, #first_at = :first, "
            "#subject = :subject, #participants = :participants"
        )
        kept, lost = _kept_for_all([winner, loser])
        changes += "".join(f", #{name} = :{name}" for name in kept)
        values |= {f":{name}": value for name, value in kept.items()}
        removed = f" REMOVE {', '.join(f'#{name}' for name in lost)}" if lost else ""
        grown = Write(
            update=(thread_key(winner["thread"]), f"{changes}{removed} ADD #fragments :fragments"),
            condition="#version = :version AND attribute_not_exists(#merged_into)",
            values=values,
        )
        # Whatever still points to it ends no later than the two did.
        leaves = "SET #merged_into = :winner" + "".join(f", #{name} = :{name}" for name in kept)
        merged = Write(
            update=(
                thread_key(loser["thread"]),
                f"{leaves} REMOVE {', '.join(f'#{one}' for one in ('listed', 'fragments', *lost))}",
            ),
            condition="#version = :version AND attribute_not_exists(#merged_into)",
            values={
                ":winner": winner["thread"],
                ":version": loser["version"],
                **{f":{name}": value for name, value in kept.items()},
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
        if not self.standing.lives(item):
            # Its message may be there anew, with a place that lives.
            return [Write(delete=(item[PARTITION], item[SORT]))]
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


def _kept_for_all(threads: Sequence[Item]) -> tuple[dict[str, int], list[str]]:
    """How long one thread lives in place of these: what it says of that, and what it says no more.

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


def _still_a_root(thread: str) -> Write:
    """Condition: the target thread is unmerged. A message moved into a merged thread would stay unreassigned."""
    return Write(check=thread_key(thread), condition="attribute_exists(#pk) AND attribute_not_exists(#merged_into)")
