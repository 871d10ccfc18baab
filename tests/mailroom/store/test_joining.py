"""Threads that join: readers see every message at every moment, and joining costs what it must."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from email_stack.cli.commands.messages import _show_thread
from mailroom.store import MessageReader, MessageWriter, Objects, Table
from mailroom.store.keys import id_digest
from mailroom.store.merging import Threads
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.conftest import START, arrival, mail
from tests.mailroom.store.memory import MemoryTable
from tests.untraced import unwatched


class Memory:
    """A store in memory."""

    def __init__(self, retention: timedelta | None = None, client: MemoryTable | None = None) -> None:
        self.client = client or MemoryTable()
        bucket: Any = MemoryBucket()
        self.now = START + timedelta(days=1)
        dynamodb: Any = self.client
        self.table = Table(client=dynamodb, name="messages")
        self.objects = Objects(client=bucket, bucket="mail")
        self.writer = MessageWriter(table=self.table, objects=self.objects, retention=retention, clock=lambda: self.now)
        self.reader = MessageReader(table=self.table, objects=self.objects, clock=lambda: self.now.timestamp())  # noqa: PLW0108 - the time goes on

    def conversation(self, name: str, count: int, minute: int = 0) -> None:
        """File a conversation: the first message, and answers to it."""
        for number in range(count):
            self.writer.file(
                arrival(mail(f"{name}{number}", *([f"{name}0"] if number else []), minute=minute + number))
            )

    def join(self, *names: str) -> str:
        """Join threads without moving anything; gives the name of the one."""
        found = Threads(self.table).place([id_digest(f"{name}@example.net") for name in names]).thread
        assert found is not None
        return str(found["thread"])

    def reassign(self, thread: str) -> None:
        """Move what is to be moved."""
        threads = Threads(self.table)
        root = threads.root(thread)
        assert root is not None
        threads.reassign(root)

    def all_of(self, thread: str, *, limit: int, latest_first: bool) -> list[str]:
        """Messages of all pages."""
        found: list[str] = []
        after = ""
        while True:
            page = self.reader.thread(thread, limit=limit, after=after, latest_first=latest_first)
            found += [one.message_id.partition("@")[0] for one in page.items]
            after = page.next
            if not after:
                return found


@pytest.mark.parametrize("latest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("at", range(1, 12))
def test_nothing_is_missed_while_messages_move(at: int, limit: int, latest_first: bool) -> None:
    """Whichever request of a reader another worker moves them in front of, or joins a third thread, every message is shown once."""
    store = Memory()
    store.conversation("a", 3)
    store.conversation("x", 2, minute=10)
    store.conversation("z", 2, minute=20)
    root = store.join("a0", "x0")
    calls = [0]

    def hook(_name: str, _request: Mapping[str, Any], when: str) -> None:
        calls[0] += when == "before"
        if calls[0] == at and when == "before":
            store.client.hook = None
            store.join("a0", "z0")
            store.reassign(root)

    store.client.hook = hook
    shown = store.all_of(root, limit=limit, latest_first=latest_first)
    assert len(set(shown)) == len(shown)
    assert {"a0", "a1", "a2", "x0", "x1"} <= set(shown)
    assert {"z0", "z1"} <= set(shown) or limit < 100 or calls[0] < at or at > 4


@pytest.mark.parametrize("parted", [False, True])
@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")])
def test_subject_of_messages_of_one_second(names: tuple[str, ...], parted: bool) -> None:
    """It is that of the message which lists show first, in whatever order they come, also where threads join."""
    store = Memory()
    for name in names:
        raw = mail(name).replace(b"\r\nMessage-ID", b"\r\nReferences: <r@example.net>\r\nMessage-ID")
        store.writer.file(arrival(mail(name) if parted else raw))
    store.writer.file(arrival(mail("late", *names, minute=9)))
    (thread,) = store.reader.threads().items
    assert thread.subject == store.reader.thread(thread.thread).items[0].subject


def _wide(number: int) -> bytes:
    """A message whose place is as big as one can be."""

    def words(text: str) -> str:
        coded = (base64.b64encode(text[begin : begin + 10].encode()).decode() for begin in range(0, len(text), 10))
        return "\r\n ".join(f"=?utf-8?b?{one}?=" for one in coded)

    wide = words("\N{CJK UNIFIED IDEOGRAPH-20BB7}" * 290)
    people = ",\r\n ".join(f"{wide}\r\n <{'x' * 60}{one}@{'d' * 60}.{'e' * 60}.{'f' * 60}.example>" for one in range(5))
    named = "\r\n ".join(f"<{one}@example.net>" for one in ["a0", *(f"filler{one}" for one in range(48))])
    return mail(f"a{number}", minute=number, extra=f"References: {named}\r\n").replace(
        b"From: Anna <anna@example.net>", f"From: {people}".encode()
    )


@pytest.fixture(scope="module")
@unwatched()
def wide() -> tuple[Memory, str]:
    """A thread of three parts, of which one has items of the biggest size."""
    store = Memory()
    store.writer.file(arrival(mail("a0")))
    for number in range(1, 131):
        store.writer.file(arrival(_wide(number)))
    store.conversation("x", 60, minute=200)
    store.conversation("y", 60, minute=20)
    return store, store.join("a0", "x0", "y0")


@pytest.mark.slow
@unwatched()
@pytest.mark.parametrize("latest_first", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_pages_that_end_at_a_megabyte(wide: tuple[Memory, str], moved: bool, latest_first: bool) -> None:
    """A part whose page ends before the limit holds back what the others have behind that: nothing is skipped."""
    begun, root = wide
    store = Memory(client=MemoryTable(items=dict(begun.client.items)))
    if moved:
        store.reassign(root)
    expected = {f"a{number}" for number in range(131)} | {f"{one}{number}" for one in "xy" for number in range(60)}
    shown = store.all_of(root, limit=100, latest_first=latest_first)
    assert (len(shown), set(shown)) == (251, expected)


def test_page_of_what_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """The command shows an empty page with what comes next; only a thread that is not there is called so."""
    store = Memory(retention=timedelta(days=30))
    store.now = START
    store.conversation("m", 25)
    store.now = START + timedelta(days=20)
    filed = store.writer.file(arrival(mail("alive", "m0", minute=20 * 24 * 60), received=store.now))
    store.now = START + timedelta(days=32)
    page = store.reader.thread(filed.thread, limit=20)
    assert (page.items, bool(page.next)) == ((), True)
    _show_thread(page, "acme", filed.thread, as_json=False)
    assert f"more: --after {page.next}" in capsys.readouterr().out.replace("\n", " ")


def test_identifier_that_thousands_have() -> None:
    """All are found, on however many pages DynamoDB tells them."""
    store = Memory()
    digest = store.writer.file(arrival(mail("scanner"))).digest
    partition = f"ID#{id_digest('scanner@example.net')}"
    for number in range(9000):
        name = f"{number:064x}"
        store.table.put({"pk": partition, "sk": f"MESSAGE#{name}", "digest": name})
    found = store.reader.by_message_id("scanner@example.net")
    assert len(set(found)) == 9001
    assert digest in found
