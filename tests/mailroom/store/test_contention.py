"""Many writers of one thread, and many threads that one mail joins: each message costs about what it costs alone, and all ends."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from mailroom.errors import RetryableError
from mailroom.store.keys import LISTED, PARTITION, SORT
from tests.mailroom.store.busy import BusyTable
from tests.mailroom.store.conftest import arrival, everything, mail
from tests.mailroom.store.memory import MemoryTable, octets
from tests.mailroom.store.test_joining import Memory

WORKERS = 5


def file_at_once(store: Memory, raws: Sequence[bytes], workers: int = WORKERS) -> None:
    """So many workers take the messages; each is filed at its first try."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda raw: store.writer.file(arrival(raw)), raws))


def check(store: Memory, *threads: set[str]) -> None:
    """These are the threads, each message once, counted once, and nothing is left to move."""
    found = {one.thread: one for one in everything(store.reader.threads)}
    members = {
        thread: [one.message_id.partition("@")[0] for one in everything(store.reader.thread, thread)]
        for thread in found
    }
    assert sorted(map(sorted, members.values())) == sorted(map(sorted, threads))
    for thread, one in found.items():
        assert one.messages == len(members[thread])
        shown = everything(store.reader.thread, thread)
        assert (one.first, one.latest) == (shown[0].at, shown[-1].at)
    items = store.client.items
    assert not [key for key, item in items.items() if "fragments" in item]
    places = [key for key in items if key[0].startswith("THREAD#") and key[1].startswith("AT#")]
    assert len(places) == sum(map(len, threads))
    assert {key[0].removeprefix("THREAD#") for key in places} == set(found)
    for key, item in items.items():
        if key[0].startswith("MESSAGE#") and key[1] == "MESSAGE":
            assert item["thread"]["S"] in found


def test_five_workers_on_one_thread() -> None:
    """No message needs a transaction, though each updates the thread; what they write to it commutes, but for the latest time."""
    table = BusyTable()
    store = Memory(client=table)
    store.writer.file(arrival(mail("m0")))
    raws = [mail(f"m{number}", "m0", minute=number) for number in range(1, 101)]
    table.reset()
    file_at_once(store, raws)
    transactions, requests = table.calls["transact_write_items"], sum(table.calls.values())
    assert transactions <= 1.2 * len(raws)
    assert transactions == 0
    assert requests <= 14 * len(raws), table.calls
    assert table.written <= 12 * len(raws)
    check(store, {f"m{number}" for number in range(101)})


@pytest.mark.parametrize("count", [2, 21, 45])
def test_many_threads_joined_by_one_mail(count: int) -> None:
    """One transaction joins them; requests grow as they do, and nobody fails."""
    store = Memory()
    for number in range(count):
        store.writer.file(arrival(mail(f"m{number}", minute=number)))
    store.client.reset()
    named = [f"m{number}" for number in range(count)]
    store.writer.file(arrival(mail("digest", *named, minute=500)))
    assert store.client.calls["transact_write_items"] == count  # the join, and the move of each other one's message
    assert sum(store.client.calls.values()) <= 20 + 3 * count
    check(store, {"digest", *named})


def test_the_move_is_one_workers() -> None:
    """Others file into the thread meanwhile, and leave the move to whoever joined it."""
    table = BusyTable()
    store = Memory(client=table)
    quick = Memory(client=MemoryTable(items=table.items))
    quick.conversation("p", 100)
    quick.conversation("q", 100, minute=200)
    table.reset()
    late = mail("late", "p0", "q0", minute=400)
    others = [mail(f"r{number}", f"{'pq'[number % 2]}0", minute=410 + number) for number in range(20)]
    file_at_once(store, [late, *others])
    moves = table.calls["transact_write_items"] - table.conflicts["transact_write_items"]
    # Four for a hundred messages, the join, and a few of messages that came into the thread in between.
    assert moves <= 5 + 1 + 10, table.calls
    everybody = {f"{name}{number}" for name in "pq" for number in range(100)}
    check(store, everybody | {"late"} | {f"r{number}" for number in range(20)})


def test_move_that_was_left_half_done() -> None:
    """Nobody else takes it over while whoever joined may still run; afterwards the next one does."""
    store = Memory()
    store.conversation("p", 3)
    store.conversation("q", 2, minute=20)
    joins = mail("late", "p0", "q0", minute=40)

    def hook(name: str, _request: Mapping[str, Any], when: str) -> None:
        if name == "query" and when == "before":
            raise ConnectionAbortedError  # the function is at its end when it begins to move

    store.client.hook = hook
    with pytest.raises(ConnectionAbortedError):
        store.writer.file(arrival(joins))
    store.client.hook = None
    store.now += timedelta(seconds=60)
    store.writer.file(arrival(mail("r0", "p0", minute=50)))
    assert [key for key, item in store.client.items.items() if "fragments" in item]
    store.now += timedelta(seconds=120)
    store.writer.file(arrival(mail("r1", "p0", minute=51)))
    check(store, {"p0", "p1", "p2", "q0", "q1", "late", "r0", "r1"})


def test_move_into_a_thread_that_is_gone() -> None:
    """Ends: nothing can be moved into it any more."""
    store = Memory(retention=timedelta(days=30))
    store.conversation("a", 3)
    store.conversation("x", 1, minute=10)
    gone: list[Any] = []

    def hook(name: str, _request: Mapping[str, Any], when: str) -> None:
        assert sum(store.client.calls.values()) < 1000, "no end"
        if name == "query" and when == "before" and not gone:
            gone.append(next(key for key, item in store.client.items.items() if "fragments" in item))
            store.client.drop(gone[0])

    store.client.hook = hook
    store.writer.file(arrival(mail("late", "a0", "x0", minute=30)))
    assert gone


@pytest.mark.parametrize("call", ["batch_write_item", "put_item"])
def test_thread_begun_after_its_message_went_elsewhere(call: str) -> None:
    """A worker stops before it begins a thread: an answer claims the identifier, and another worker files the message with it."""
    store = Memory()
    stopped: list[str] = []

    def hook(name: str, request: Mapping[str, Any], when: str) -> None:
        item = request.get("Item", {PARTITION: {"S": ""}})
        begins = name == "batch_write_item" or item[PARTITION]["S"].startswith("THREAD#")
        if name == call and begins and when == "before" and not stopped:
            stopped.append(name)
            store.client.hook = None
            store.writer.file(arrival(mail("b", "a", minute=1)))
            store.writer.file(arrival(mail("a")))

    store.client.hook = hook
    store.writer.file(arrival(mail("a")))
    assert stopped
    check(store, {"a", "b"})


@pytest.mark.parametrize("call", ["batch_write_item", "update_item"])
@pytest.mark.parametrize("again", [False, True])
def test_thread_that_is_joined_while_a_message_is_filed_in_it(call: str, again: bool) -> None:
    """Before its place or behind it, by its first worker or by a second one: the message is in the one thread, once."""
    store = Memory()
    store.conversation("a", 2)
    store.conversation("x", 4, minute=10)
    late = mail("b", "a0", minute=5)
    calls: list[str] = []

    def stop(name: str, _request: Mapping[str, Any], when: str) -> None:
        if name == "batch_write_item" and when == "before":
            raise ConnectionAbortedError

    def hook(name: str, _request: Mapping[str, Any], when: str) -> None:
        if name == call and when == "before" and not calls:
            calls.append(name)
            store.client.hook = None
            store.writer.file(arrival(mail("z", "a0", "x0", minute=30)))
            if again:
                store.writer.file(arrival(late))

    if again:
        store.client.hook = stop
        with pytest.raises(ConnectionAbortedError):
            store.writer.file(arrival(late))
    store.client.hook = hook
    store.writer.file(arrival(late))
    assert calls
    check(store, {"a0", "a1", "b", "z", "x0", "x1", "x2", "x3"})


@pytest.mark.parametrize("seed", range(3))
def test_conversations_that_join_while_everybody_writes(seed: int) -> None:
    """Each message is offered twice by eight workers, in an order of chance: each is there once, in one thread, counted once."""
    chance = random.Random(seed)
    raws = [mail("m0")]
    for number in range(1, 40):
        above = chance.sample(range(number), min(number, chance.choice([0, 1, 1, 1, 3])))
        raws.append(mail(f"m{number}", *[f"m{one}" for one in above], minute=number))
    offered = [*raws, *raws]
    chance.shuffle(offered)
    table = BusyTable()
    store = Memory(client=table)

    def write(raw: bytes) -> None:
        for _ in range(8):
            try:
                store.writer.file(arrival(raw))
            except RetryableError:
                continue
            return
        raise AssertionError("never filed")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, offered))
    listed = [item for item in table.items.values() if item.get(LISTED, {}).get("S") == LISTED]
    assert sum(int(item["messages"]["N"]) for item in listed) == len(raws)
    groups: list[set[str]] = []
    for raw in raws:
        came = arrival(raw).message
        named = {one.partition("@")[0] for one in (came.message_id, *came.references)}
        touched = [group for group in groups if group & named]
        groups = [group for group in groups if not group & named] + [named.union(*touched)]
    check(store, *groups)
    assert all(PARTITION in item and SORT in item for item in table.items.values())


def test_filing_stays_flat_and_threads_small() -> None:
    """However long a thread is: the same requests and units for each message, and notes that go once they are proven."""
    store = Memory()
    store.writer.file(arrival(mail("m0")))
    for number in range(1, 60):
        if number == 40:
            store.client.reset()
        store.writer.file(arrival(mail(f"m{number}", "m0", f"m{number - 1}", minute=number)))
    assert sum(store.client.calls.values()) <= 7 * 20
    assert store.client.written <= 9 * 20
    threads = [item for key, item in store.client.items.items() if key[0].startswith("THREAD#") and key[1] == "THREAD"]
    assert [octets(item) < 1024 for item in threads] == [True]


def test_notes_of_messages_without_an_identifier() -> None:
    """They are proven by an item of their own: counted once, however often they come, and whatever else comes in between."""
    store = Memory()
    store.conversation("a", 8)
    nameless = [mail(f"b{number}", "a0", minute=20 + number).replace(b"Message-ID:", b"X-Was:") for number in range(9)]
    for _ in range(2):
        for raw in nameless:
            store.writer.file(arrival(raw))
    (thread,) = store.reader.threads().items
    assert thread.messages == 17
    assert len(everything(store.reader.thread, thread.thread)) == 17
