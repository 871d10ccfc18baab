"""A store that was written before messages were filed by single writes is read, goes on and ends as ever."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailroom.messages.joining import node_of
from mailroom.store.entries import addresses_of, identifiers_of, summary_of
from mailroom.store.keys import LATEST, LISTED, PARTITION, SORT, id_digest, sortable
from mailroom.store.retention import begin_pass, take_pages
from tests.mailroom.store.conftest import START, arrival, everything, mail
from tests.mailroom.store.test_contention import check
from tests.mailroom.store.test_joining import Memory

FORMS: dict[str, Callable[[bytes], bytes | str | None]] = {
    "compressed": zlib.compress,
    "plain": lambda document: document.decode(),
    "an object": lambda _document: None,
}


def before(store: Memory, raws: list[bytes], form: str) -> str:
    """Items of one thread as one transaction wrote them: without `filed`, notes and proofs; the first message names it."""
    thread = arrival(raws[0]).message.digest
    for number, raw in enumerate(raws):
        for item in _items(store, raw, thread, form, first=not number):
            store.table.put(item)
    at = [START + timedelta(minutes=number) for number in range(len(raws))]
    store.table.put(
        {
            PARTITION: f"THREAD#{thread}",
            SORT: "THREAD",
            "thread": thread,
            "version": len(raws),
            "messages": len(raws),
            "first_at": sortable(at[0]),
            LATEST: sortable(at[-1]),
            "subject": arrival(raws[0]).message.subject,
            "participants": ["anna@example.net"],
            LISTED: LISTED,
        }
    )
    return thread


def _items(store: Memory, raw: bytes, thread: str, form: str, *, first: bool) -> Iterator[dict[str, Any]]:
    came = arrival(raw)
    message, digest = came.message, came.message.digest
    identifiers = identifiers_of(node_of(message, digest, frozenset()))
    at = message.date
    assert isinstance(at, datetime)
    summary = summary_of(came, at, identifiers)
    document = json.dumps(message.document, ensure_ascii=False).encode()
    kept = FORMS[form](document)
    if kept is None:
        store.objects.put(f"bodies/{digest}.json", document)
    inline = {"document": kept} if kept is not None else {}
    sort = f"AT#{sortable(at)}#{digest}"
    yield {
        **summary,
        PARTITION: f"MESSAGE#{digest}",
        SORT: "MESSAGE",
        "thread": thread,
        "source": came.source,
        **inline,
    }
    yield {
        PARTITION: f"MESSAGE#{digest}",
        SORT: f"DELIVERY#{came.ses_id}",
        "ses_id": came.ses_id,
        "source": came.source,
        "received": sortable(came.received),
        "sender": "",
        "recipients": [],
        "verdicts": {},
        "first": True,
        "announced": True,
    }
    yield {**summary, PARTITION: f"THREAD#{thread}", SORT: sort}
    for one in addresses_of(message):
        yield {**summary, PARTITION: f"ADDRESS#{one}", SORT: sort}
    own = id_digest(message.message_id)
    yield {PARTITION: f"ID#{own}", SORT: "THREAD", "thread": thread}
    yield {PARTITION: f"ID#{own}", SORT: f"MESSAGE#{digest}", "digest": digest}


def conversation(name: str, count: int) -> list[bytes]:
    """A message and answers to it."""
    return [
        mail(f"{name}{number}", *([f"{name}0"] if number else []), minute=number, body=f"{name} {number} <b>ä</b>")
        for number in range(count)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_is_read(form: str) -> None:
    """By its thread, its addresses, its identifiers and its name, with all of its content."""
    store = Memory()
    raws = conversation("a", 3)
    thread = before(store, raws, form)
    check(store, {"a0", "a1", "a2"})
    for raw in raws:
        came = arrival(raw)
        found = store.reader.message(came.message.digest)
        assert found is not None
        assert (found.thread, [one.ses_id for one in found.deliveries]) == (thread, [came.ses_id])
        assert found.content.document == came.message.document
        assert found.summary.snippet == " ".join(came.message.reply.split())
        assert store.reader.by_message_id(came.message.message_id) == (came.message.digest,)
    assert len(everything(store.reader.by_address, "anna@example.net")) == 3


def test_goes_on() -> None:
    """The same again changes nothing, a copy is one; an answer comes into its thread; a mail joins it with others, old and new."""
    store = Memory()
    raws = conversation("a", 3)
    thread = before(store, raws, "compressed")
    before(store, conversation("x", 30), "plain")
    items = dict(store.client.items)
    again = store.writer.file(arrival(raws[1]))
    assert (again.thread, again.new, again.first, again.published) == (thread, False, True, True)
    assert store.client.items == items
    copy = store.writer.file(arrival(raws[1], ses_id="copy"))
    assert (copy.thread, copy.new, copy.first, copy.published) == (thread, True, False, False)
    store.writer.file(arrival(mail("a3", "a0", "a2", minute=20)))
    store.conversation("n", 4, minute=40)
    check(store, {f"a{one}" for one in range(4)}, {f"x{one}" for one in range(30)}, {f"n{one}" for one in range(4)})
    store.writer.file(arrival(mail("z", "a3", "x29", "n0", minute=90)))
    everybody = {f"{name}{one}" for name, count in (("a", 4), ("x", 30), ("n", 4)) for one in range(count)}
    check(store, everybody | {"z"})


def test_move_that_was_under_way() -> None:
    """Parts of a thread that nobody is known to move are moved by the next that comes."""
    store = Memory()
    thread, part = before(store, conversation("a", 3), "compressed"), before(store, conversation("x", 2), "compressed")
    root, left = (store.table.get((f"THREAD#{one}", "THREAD")) for one in (thread, part))
    assert root is not None
    assert left is not None
    store.table.put({**root, "messages": 5, "fragments": {part}})
    store.table.put({name: value for name, value in left.items() if name != LISTED} | {"merged_into": thread})
    store.writer.file(arrival(mail("a3", "a0", minute=20)))
    check(store, {"a0", "a1", "a2", "a3", "x0", "x1"})


def test_ends() -> None:
    """A pass gives the old and the new alike their ends."""
    store = Memory()
    before(store, conversation("a", 2), "compressed")
    store.writer.file(arrival(mail("a2", "a0", minute=20)))
    begun = begin_pass(store.table, timedelta(days=30), store.now)
    take_pages(store.table, begun, lambda: store.now, lambda _: None)
    store.now += timedelta(days=40)
    assert store.reader.threads().items == ()
    assert all(store.reader.message(arrival(raw).message.digest) is None for raw in conversation("a", 2))
    assert all("expires" in item for key, item in store.client.items.items() if key[0] != "RETENTION")
