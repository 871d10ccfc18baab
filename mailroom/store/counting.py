"""Counts each message of a thread once, without a transaction and without a version for which all writers would compete.

The thread's item notes the messages that it counted last. A message's own identifier is written after the count; with it, the
note can go.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from mailroom.lifetimes import ENDS_FIRST, EXPIRES, KEPT_FROM, THREADS_AHEAD
from mailroom.store.entries import SUBJECT
from mailroom.store.headers import FIRST, first_of, header, participants
from mailroom.store.keys import LATEST, LISTED, PARTITION, SORT, counted_key, id_key, own_key, sortable, thread_key
from mailroom.store.table import ConflictError, Item, Key, Table, UnderWayError, Write
from mailroom.store.work import Work

__all__ = [
    "COUNTED",
    "PRUNED",
    "begun",
    "grown",
    "guarded",
    "is_proven",
    "note_of",
    "proofs",
    "prune",
    "uncount",
    "unproven",
]

COUNTED: Final = "counted"
"""Attribute of a thread: notes of the messages that it counted last."""
PRUNED: Final = "pruned"
"""Attribute of a thread: number of removals of notes."""
_MOST_NOTES: Final = 6
"""Keeps a thread's item below 1 kB."""
_DIGEST: Final = 32
"""Bytes of a message's digest."""
_FILED: Final = 5
"""Bytes of the seconds since 1970."""


def note_of(own: Sequence[str], digest: str, filed: int) -> str:
    """A thread's note of a message: its identifier's digest, if any, its own, and its filing time, in 50 or 71 characters.

    A message that comes again after its end is another one.
    """
    named = bytes.fromhex("".join((*own, digest))) + filed.to_bytes(_FILED, "big")
    return base64.urlsafe_b64encode(named).decode().rstrip("=")


def proofs(own: Sequence[str], digest: str) -> list[Key]:
    """Keys of the proofs that a thread counted the message, of which at most one exists."""
    return [key for one in own for key in (id_key(one), own_key(one, digest))] or [counted_key(digest)]


def is_proven(found: Mapping[Key, Item], own: Sequence[str], digest: str, filed: int) -> bool:
    """Whether an item proves the count of the message that was filed then, and not of an earlier, expired one."""
    said = [found[key] for key in proofs(own, digest) if key in found]
    return any(one.get("digest") == digest and one.get("filed", 0) == filed for one in said)


def unproven(table: Table, notes: Collection[str]) -> set[str]:
    """Notes of a thread that lack a proof and must stay. Raises MailroomError."""
    parts = {note: _parts(note) for note in notes}
    found = table.get_many(
        (key for own, digest, _filed in parts.values() for key in proofs(own, digest)), eventually=True
    )
    return {note for note, of in parts.items() if not is_proven(found, *of)}


def prune(table: Table, thread: Item) -> None:
    """Remove proven notes from a thread with many notes. Raises MailroomError."""
    notes = thread.get(COUNTED, set())
    done = notes - unproven(table, notes) if len(notes) >= _MOST_NOTES else set()
    if done:
        same, was = _same(thread)
        drop = Write(
            update=(thread_key(thread["thread"]), f"ADD #{PRUNED} :one DELETE #{COUNTED} :done"),
            condition=f"attribute_exists(#thread) AND {same}",
            values={":one": 1, ":done": done, **was},
        )
        try:
            table.change(drop)
        except (ConflictError, UnderWayError):
            return  # another one did


def uncount(table: Table, thread: str, note: str) -> None:
    """Uncount a message that is in another thread; a thread without messages is deleted. Raises MailroomError.

    Two workers may have stored the message at once: one began a thread for it after the other had found its right thread.
    """
    item = table.get(thread_key(thread))
    if item is None or "merged_into" in item or note not in item.get(COUNTED, ()):
        return
    same, values = "#version = :known AND attribute_not_exists(#merged_into)", {":known": item["version"]}
    less = Write(
        update=(thread_key(thread), f"ADD #version :one, #messages :less DELETE #{COUNTED} :noted"),
        condition=same,
        values={**values, ":one": 1, ":less": -1, ":noted": {note}},
    )
    gone = Write(delete=thread_key(thread), condition=same, values=values)
    table.write([gone if item["messages"] == 1 else less])


def begun(work: Work, thread: str, at: datetime, note: str, replaces: int | None) -> Write:
    """A thread with its first message."""
    message, (partition, sort) = work.arrival.message, thread_key(thread)
    item = {
        PARTITION: partition,
        SORT: sort,
        "thread": thread,
        "version": (replaces or 0) + 1,
        "messages": 1,
        **({"sent": 1} if work.arrival.sent else {}),
        "first_at": sortable(at),
        LATEST: sortable(at),
        "subject": message.subject[:SUBJECT],
        "participants": participants(one.address for one in message.from_),
        LISTED: LISTED,
        COUNTED: {note},
        **({ENDS_FIRST: work.term.end} if work.term.end is not None else {}),
        **work.term.ahead(THREADS_AHEAD).stamps,
    }
    if replaces is None:
        return Write(put=item, condition="attribute_not_exists(#pk)")
    return Write(put=item, condition="#version = :over", values={":over": replaces})


def grown(table: Table, work: Work, known: Item, at: datetime, note: str) -> Write:
    """A thread with one message more; the message's place in it is written before.

    The write is conditional: the thread has not counted the message, and no note was removed, as another worker may count it too.
    """
    message = work.arrival.message
    is_whole = work.standing.is_whole(known)
    shown = header(table, work.standing, known)
    if shown is None:
        shown = {
            "first_at": sortable(at),
            "subject": message.subject[:SUBJECT],
            "participants": [],
            FIRST: work.digest,
        }
    if (sortable(at), work.digest) < first_of({"thread": known["thread"], **shown}):
        shown |= {"first_at": sortable(at), "subject": message.subject[:SUBJECT], FIRST: work.digest}
    shown["participants"] = participants((*shown["participants"], *(one.address for one in message.from_)))
    if work.term.end is not None:
        shown[ENDS_FIRST] = min(work.term.end, shown.get(ENDS_FIRST, work.term.end))
    if sortable(at) > known[LATEST]:
        shown[LATEST] = sortable(at)
    said, lost = work.longer(known, THREADS_AHEAD)
    lost += [ENDS_FIRST] if ENDS_FIRST not in shown and ENDS_FIRST in known else []
    changes, condition, values = guarded(known, {**shown, **said}, lost)
    adds = ["#version :one", "#messages :one", *(["#sent :one"] if work.arrival.sent else []), f"#{COUNTED} :noted"]
    if not is_whole:
        # Its header was read from its places at this version.
        condition = f"{condition} AND #version = :known"
        values[":known"] = known["version"]
    same, was = _same(known)
    return Write(
        update=(thread_key(known["thread"]), f"{changes} ADD {', '.join(adds)}".strip()),
        condition=f"{condition} AND {same} AND NOT contains(#{COUNTED}, :note)",
        values={**values, **was, ":one": 1, ":noted": {note}, ":note": note},
    )


def guarded(known: Item, said: Mapping[str, Any], lost: Iterable[str] = ()) -> tuple[str, str, dict[str, Any]]:
    """Expression that changes an item, the condition that no other writer changed the same attributes, and the values of both.

    Other attributes may change meanwhile: writers of different attributes do not wait for each other.
    """
    changed = {name: value for name, value in said.items() if known.get(name) != value}
    gone = [name for name in lost if name in known and name not in changed]
    conditions = ["attribute_exists(#thread)", "attribute_not_exists(#merged_into)"]
    values: dict[str, Any] = {f":{name}": value for name, value in changed.items()}
    # An end that another writer gives it meanwhile counts from the start that it has now.
    end = [EXPIRES] if KEPT_FROM in changed and EXPIRES not in (*changed, *gone) else []
    for name in (*changed, *gone, *end):
        if name == LATEST:
            conditions.append(f"#{LATEST} < :{LATEST}")
        elif name in known:
            conditions.append(f"#{name} = :was_{name}")
            values[f":was_{name}"] = known[name]
        else:
            conditions.append(f"attribute_not_exists(#{name})")
    sets = f"SET {', '.join(f'#{name} = :{name}' for name in changed)}" if changed else ""
    removes = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
    return f"{sets}{removes}".strip(), " AND ".join(conditions), values


def _same(thread: Item) -> tuple[str, dict[str, Any]]:
    """The condition that no note was removed since, and its values."""
    if PRUNED in thread:
        return f"#{PRUNED} = :{PRUNED}", {f":{PRUNED}": thread[PRUNED]}
    return f"attribute_not_exists(#{PRUNED})", {}


def _parts(note: str) -> tuple[tuple[str, ...], str, int]:
    """The identifier's digest, if there is one, the message's, and when it was filed."""
    named = base64.urlsafe_b64decode(note + "=" * (-len(note) % 4))
    both, filed = named[:-_FILED], int.from_bytes(named[-_FILED:], "big")
    own, digest = both[:-_DIGEST].hex(), both[-_DIGEST:].hex()
    return ((own,) if own else ()), digest, filed
