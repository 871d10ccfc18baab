"""Lifetimes in the store: they begin with the ingest, include dependent items, and follow the latest retention."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from mailroom.lifetimes import Standing, Term, readable_for
from mailroom.outbox.model import OutboxState, Progress
from mailroom.outbox.requests import Request, begin_request, move_on
from mailroom.store import MessageWriter, Objects
from mailroom.store.documents import unpacked
from mailroom.store.keys import EXPIRES, PARTITION, RETENTION_KEY, SORT, outbox_key
from mailroom.store.retention import Pass, begin_pass, pass_of, take_pages
from mailroom.store.table import Table, Write
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.conftest import START, Store, arrival, everything, mail, new_store
from tests.mailroom.store.memory import MemoryTable

MONTH = timedelta(days=30)


def day(number: float) -> datetime:
    """A day of the test, from 0."""
    return START + timedelta(days=number)


def come(
    store: Store, name: str, *answers: str, at: float, received: float | None = None, ses_id: str = "", **more: str
) -> str:
    """A message comes on a day, received on another where told; gives its digest."""
    store.now = day(at)
    raw = mail(name, *answers, minute=round(at * 24 * 60), **more)
    return store.file(raw, received=day(received if received is not None else at), ses_id=ses_id).digest


def expire(store: Store, at: float) -> None:
    """Time to live deletes all that it may by that day."""
    store.now = day(at)
    for item in store.items():
        if item.get(EXPIRES, 2**40) < store.now.timestamp():
            key = {name: {"S": item[name]} for name in (PARTITION, SORT)}
            store.client("dynamodb").delete_item(TableName=store.table, Key=key)


def listed(store: Store) -> list[tuple[str, list[str]]]:
    """Subjects of the threads, each with its messages."""
    reader = store.reader
    return [
        (one.subject, [part.message_id.partition("@")[0] for part in everything(reader.thread, one.thread)])
        for one in everything(reader.threads)
    ]


def bring(store: Store, retention: timedelta | None) -> Pass:
    """A whole pass."""
    table = store.writer().table
    return take_pages(table, begin_pass(table, retention, store.now), lambda: store.now, lambda _: None)


def test_released_long_after_its_receipt(emulator: Emulator) -> None:
    """Mail out of quarantine can be read for the whole time from its filing."""
    store = new_store(emulator, retention=MONTH)
    digest = come(store, "a", at=40, received=0)
    for at in (40, 69.9):
        store.now = day(at)
        assert store.reader.message(digest) is not None
        assert listed(store) == [("About a", ["a"])]
        assert len(store.reader.by_address("anna@example.net").items) == 1
    store.now = day(70.1)
    assert store.reader.message(digest) is None
    assert listed(store) == []


def test_copy_after_the_end(emulator: Emulator) -> None:
    """What ended is no message, also before time to live comes: a copy of it is new."""
    store = new_store(emulator, retention=MONTH)
    raw = mail("a")
    store.now = START
    store.file(raw, ses_id="one", received=START)
    store.now = day(31)
    again = store.file(raw, ses_id="two", received=day(31))
    assert (again.first, again.new) == (True, True)
    found = store.reader.message(again.digest)
    assert found is not None
    assert [one.ses_id for one in found.deliveries] == ["two"]


def test_copy_before_the_end(emulator: Emulator) -> None:
    """A delivery more lets the message live on, with its thread, its addresses, its identifier and its file."""
    store = new_store(emulator, retention=MONTH)
    noise = random.Random(1).randbytes(4000).hex()
    raw = mail("a", body=noise)
    store.now = START
    digest = store.file(raw, ses_id="one", received=START).digest
    written = store.client("s3").head_object(Bucket=store.bucket, Key=f"bodies/{digest}.json")["LastModified"]
    store.now = day(29)
    store.file(raw, ses_id="two", received=day(29))
    assert store.client("s3").head_object(Bucket=store.bucket, Key=f"bodies/{digest}.json")["LastModified"] >= written
    expire(store, 58)
    assert store.reader.message(digest) is not None
    assert listed(store) == [("About a", ["a"])]
    assert store.reader.by_message_id("a@example.net") == (digest,)
    assert len(store.reader.by_address("anna@example.net").items) == 1


def test_threads_stay_whole(emulator: Emulator) -> None:
    """An identifier belongs to its thread for as long as a message lives that names it."""
    store = new_store(emulator, retention=MONTH)
    come(store, "order", at=0)
    come(store, "b", "order", at=20)
    expire(store, 40)
    come(store, "c", "order", at=40)
    expire(store, 45)
    come(store, "d", "order", at=45)
    assert listed(store) == [("Re: About b", ["b", "c", "d"])]


def test_delivery_that_outlives_its_message(emulator: Emulator) -> None:
    """It is filed again like any other, whichever item time to live took first."""
    store = new_store(emulator, retention=MONTH)
    store.now = START
    digest = store.file(mail("a"), ses_id="one", received=START).digest
    store.client("dynamodb").delete_item(
        TableName=store.table, Key={"pk": {"S": f"MESSAGE#{digest}"}, "sk": {"S": "MESSAGE"}}
    )
    again = store.file(mail("a"), ses_id="one", received=START)
    assert (again.first, again.new, again.published) == (True, True, False)
    assert store.reader.message(digest) is not None


def test_lists_show_nothing_of_what_is_gone(emulator: Emulator) -> None:
    """Subject and authors of a thread are those of messages that live, whether or not time to live came."""
    store = new_store(emulator, retention=MONTH)
    private = mail("first").replace(b"Anna <anna@example.net>", b"Dr. Private <private@example.net>")
    store.now = START
    store.file(private, received=START)
    for number in range(1, 11):
        come(store, f"m{number}", "first", *([f"m{number - 1}"] if number > 1 else []), at=29 * number)
    for late in (False, True):
        if late:
            expire(store, 300)
        store.now = day(300)
        (thread,) = store.reader.threads().items
        assert (thread.subject, thread.participants, thread.first) == ("Re: About m10", ("anna@example.net",), day(290))


@pytest.mark.parametrize(
    ("begun", "then", "left"),
    [
        (None, MONTH, [("About a", ["a", "b"])]),
        (MONTH, None, [("Re: About c", ["c"])]),
        (MONTH, timedelta(days=90), [("Re: About c", ["c"])]),
    ],
)
def test_retention_is_set_while_threads_live(
    emulator: Emulator, begun: timedelta | None, then: timedelta | None, left: list[tuple[str, list[str]]]
) -> None:
    """Without a pass each message ends as was said when it was filed, and its thread lives as long as the last of them."""
    store = new_store(emulator, retention=begun)
    come(store, "a", at=0)
    come(store, "b", "a", at=1)
    store.retention = then
    come(store, "c", "a", at=2)
    expire(store, 40)
    assert listed(store) == left
    store.file(mail("a"), ses_id="two", received=day(40))
    expire(store, 41)
    assert [sorted(names) for _subject, names in listed(store)] == [sorted({"a", *left[0][1]})]


@pytest.mark.parametrize(
    ("begun", "then", "at", "left"),
    [
        (None, MONTH, 28, ["a", "b", "c"]),
        (None, MONTH, 29.5, ["b", "c"]),
        (None, MONTH, 30.5, ["c"]),
        (None, MONTH, 32, []),
        (MONTH, None, 400, ["a", "b", "c"]),
        (timedelta(days=90), MONTH, 30.5, ["c"]),
    ],
)
def test_retention_comes_to_what_is_there(
    emulator: Emulator, begun: timedelta | None, then: timedelta | None, at: float, left: list[str]
) -> None:
    """A pass gives each message the end that it would have had; before it reaches them, readers judge so when it is sooner."""
    store = new_store(emulator, retention=readable_for(begun))
    come(store, "a", at=0)
    come(store, "b", "a", at=1)
    come(store, "c", "a", at=2)
    store.retention = readable_for(then)
    store.now = day(3)
    table = store.writer().table
    under_way = begin_pass(table, then, store.now)
    shorter = then is not None
    if shorter:
        store.now = day(at)
        assert [names for _subject, names in listed(store)] == ([left] if left else [])
        store.now = day(3)
    take_pages(table, under_way, lambda: store.now, lambda _: None)
    expire(store, at)
    assert [names for _subject, names in listed(store)] == ([left] if left else [])


def test_pass_goes_on_where_it_was(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is noted; another change waits until it is over."""
    monkeypatch.setattr("mailroom.store.retention._PAGE", 5)
    store = new_store(emulator)
    for number in range(4):
        come(store, f"m{number}", at=number)
    table = store.writer().table
    assert pass_of(table) is None
    under_way = begin_pass(table, MONTH, store.now)

    def breaks(_: Pass) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_pages(table, under_way, lambda: store.now, breaks)
    found = pass_of(table)
    assert found is not None
    assert (found.seen, found.done, found.retention) == (5, False, MONTH)
    with pytest.raises(ValueError, match="must be over first"):
        begin_pass(table, None, store.now)
    pages: list[Pass] = []
    done = take_pages(table, found, lambda: store.now, pages.append)
    assert done == pass_of(table)
    assert done.done
    assert done.seen == len(store.items())
    assert [one.seen for one in pages][:2] == [10, 15]
    kept = [item for item in store.items() if (item[PARTITION], item[SORT]) != RETENTION_KEY]
    assert all(EXPIRES in item for item in kept)
    before = store.items()
    bring(store, MONTH)
    assert [item for item in store.items() if item not in before and item[PARTITION] != RETENTION_KEY[0]] == []


def test_items_of_before(emulator: Emulator) -> None:
    """What does not say from when it is kept is read, extended and ended like what does."""
    store = new_store(emulator, retention=readable_for(MONTH))
    come(store, "a", at=0)
    come(store, "b", "a", at=1)
    table = store.writer().table
    for item in store.items():
        old = {name: value for name, value in item.items() if name not in {"kept_from", "ends_first"}}
        if "document" in old:
            old["document"] = json.dumps(unpacked(old["document"]).document)
        table.put(old)
    store.now = day(5)
    assert listed(store) == [("About a", ["a", "b"])]
    store.now = day(10)
    digest = store.file(mail("a"), ses_id="two", received=day(10)).digest
    bring(store, timedelta(days=60))
    expire(store, 61)
    assert listed(store) == [("About a", ["a"])]
    found = store.reader.message(digest)
    assert found is not None
    assert found.content.text == "This is a.\n"


def test_message_that_came_again_is_moved_once(emulator: Emulator) -> None:
    """A place of its life before, which DynamoDB has not deleted, stands in nobody's way when threads join."""
    store = new_store(emulator, retention=MONTH)
    for number in range(3):
        come(store, f"big{number}", *(["big0"] if number else []), at=29)
    come(store, "a", at=0)
    store.now = day(31)
    store.file(mail("a"), ses_id="two", received=day(31))
    come(store, "late", "a", "big0", at=32)
    assert [sorted(names) for _subject, names in listed(store)] == [["a", "big0", "big1", "big2", "late"]]


def test_requests_end(emulator: Emulator) -> None:
    """A request of the outbox ends long after its last change, whatever the retention."""
    store = new_store(emulator)
    table = store.writer().table
    begun = Request(
        progress=Progress(id="a", state=OutboxState.QUEUED, at=START), asked=START, fingerprint="f", sha256="s"
    )
    assert begin_request(table, begun)
    assert move_on(table, "a", OutboxState.QUEUED, OutboxState.REFUSED, day(10), reason="gone")
    item = table.get(outbox_key("a"))
    assert item is not None
    assert item[EXPIRES] == int(day(410).timestamp())


def test_lone_writes(store: Store) -> None:
    """A single write with a condition holds it as a transaction does, for half the price."""
    table = store.writer().table
    table.change(Write(put={PARTITION: "a", SORT: "b", "n": 1}, condition="attribute_not_exists(#pk)"))
    table.change(Write(update=(("a", "b"), "SET #n = :n"), condition="#n = :was", values={":n": 2, ":was": 1}))
    assert table.get(("a", "b")) == {PARTITION: "a", SORT: "b", "n": 2}


def test_what_ends_when() -> None:
    """A term counts from the later of two moments; an item never ends sooner than it said."""
    filed = Term.of(START, day(40), MONTH)
    assert filed.end == int(day(70).timestamp())
    assert filed.longer({EXPIRES: 2**40, "kept_from": 0}, 2**40) == (
        {"kept_from": int(day(40).timestamp()), EXPIRES: 2**40},
        [],
    )
    for_ever = Term.of(START, START, None)
    assert for_ever.longer({EXPIRES: 5}, 5)[1] == [EXPIRES]
    assert readable_for(timedelta(days=1)) == timedelta(days=1)
    assert readable_for(MONTH) == timedelta(days=29)
    changed = Standing.of({"changed": 100, "seconds": 50, "done": False}, now=130)
    assert changed.lives({"kept_from": 90})
    assert not changed.lives({"kept_from": 70})
    assert changed.lives({"kept_from": 101, EXPIRES: 200})
    assert Standing.of({"changed": 100, "seconds": 50, "done": True}, now=130).lives({"kept_from": 70})
    assert not Standing.of(None, now=130).lives({EXPIRES: 130})


def test_objects_of_a_copy_while_nothing_ends() -> None:
    """They begin anew with it, as the message does: a retention that comes afterwards counts from the copy for both."""
    clock = [START]
    bucket: Any = MemoryBucket(clock=lambda: clock[0])
    client: Any = MemoryTable()
    table, objects = Table(client=client, name="messages"), Objects(client=bucket, bucket="mail")
    noise = " ".join(f"{number * 7919 % 1_000_003:x}" for number in range(4000))
    for days, ses_id in ((0, "one"), (90, "two")):
        clock[0] = START + timedelta(days=days)
        writer = MessageWriter(table=table, objects=objects, clock=lambda: clock[0])
        writer.file(arrival(mail("a", body=noise), ses_id=ses_id, received=clock[0]))
    assert {one.written for one in bucket.objects.values()} == {START + timedelta(days=90)}


@pytest.mark.parametrize("is_left", [True, False])
def test_objects_of_an_ended_message_that_comes_again_while_nothing_ends(is_left: bool) -> None:
    """They may be there still, without a rule that deletes them: they begin anew, or the next retention would end them early."""
    clock = [START]
    bucket: Any = MemoryBucket(clock=lambda: clock[0])
    client: Any = MemoryTable()
    table, objects = Table(client=client, name="messages"), Objects(client=bucket, bucket="mail")
    noise = " ".join(f"{number * 7919 % 1_000_003:x}" for number in range(4000))
    for days, ses_id, retention in ((0, "one", MONTH), (40, "two", None)):
        clock[0] = START + timedelta(days=days)
        writer = MessageWriter(table=table, objects=objects, retention=retention, clock=lambda: clock[0])
        writer.file(arrival(mail("a", body=noise), ses_id=ses_id, received=clock[0]))
        if not is_left:
            client.items.clear()
    assert {one.written for one in bucket.objects.values()} == {START + timedelta(days=40)}
