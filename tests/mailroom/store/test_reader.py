"""Reads of applications by page, by name and by address, without expired entries."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from emulator import Emulator
from mailroom.errors import PermanentError, RetryableError
from mailroom.messages import Attachment
from mailroom.store.writer import INLINE_OCTETS
from mailroom.threads import thread_messages
from tests.mailroom.store.conftest import START, Store, arrival, everything, mail, new_store
from tests.mailroom.store.test_joining import Memory


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_of_any_size(store: Store, limit: int) -> None:
    """Threads by their latest message, messages in their order; each once, however they are divided into pages."""
    for number in range(9):
        store.file(mail(f"m{number}", *(["m0"] if number % 2 and number else []), minute=number))
    threads = everything(store.reader.threads, limit=limit)
    assert [thread.subject for thread in threads] == ["About m8", "About m0", "About m6", "About m4", "About m2"]
    shown = everything(store.reader.thread, threads[1].thread, limit=limit)
    assert [one.message_id for one in shown] == [f"m{number}@example.net" for number in (0, 1, 3, 5, 7)]
    found = everything(store.reader.by_address, "ANNA@example.net", limit=limit)
    assert [one.subject for one in found][:2] == ["About m8", "Re: About m7"]
    assert len(found) == 9


def test_pages_while_messages_are_moved(store: Store) -> None:
    """A thread whose messages are still being moved is shown whole, in order."""
    for name in "abcdef":
        store.file(mail(name, *(["a"] if name in "bc" else ["d"] if name in "ef" else []), minute=ord(name)))
    writer = store.writer()
    late = arrival(mail("z", "a", "d", minute=200))
    broken = store.writer(dynamodb=_BrokenMoves(store.client("dynamodb")))
    with pytest.raises(RetryableError):
        broken.file(late)
    for limit in (1, 2, 5, 100):
        (thread,) = everything(store.reader.threads, limit=limit)
        shown = everything(store.reader.thread, thread.thread, limit=limit)
        assert [one.message_id[0] for one in shown] == ["a", "b", "c", "d", "e", "f", "z"]
    store.arrivals.append(late)
    writer.file(late)
    store.check()


class _BrokenMoves:
    """A client that moves no messages from one thread to another."""

    def __init__(self, client: object) -> None:
        self._client = client

    def __getattr__(self, name: str) -> object:
        real = getattr(self._client, name)

        def call(**arguments: object) -> object:
            items = arguments.get("TransactItems")
            if isinstance(items, list) and [next(iter(item)) for item in items[-3:]] == ["Put", "Delete", "Update"]:
                raise EndpointConnectionError(endpoint_url="https://dynamodb")
            return real(**arguments)

        return call


def test_page_names_the_thread_as_it_is_now(store: Store) -> None:
    """A thread that became part of another says so by either of its names; one that is not there has none."""
    names = {store.file(mail("a")).thread, store.file(mail("x", minute=1)).thread}
    joined = store.file(mail("z", "a", "x", minute=3)).thread
    assert len(names) == 2
    assert {store.reader.thread(name).thread for name in names} == {joined}
    assert store.reader.thread("0" * 64).thread == ""


def test_copy_of_all_threads_by_pages_and_events() -> None:
    """A page may come too late for a thread that gets mail, or stands further behind by a Date; events name both."""
    store = Memory()
    for number in range(60):
        store.writer.file(arrival(mail(f"t{number}", minute=number)))
    coming = [mail("answer", "t5", minute=100), mail("late").replace(b"23 Nov", b"03 Nov"), mail("new", minute=101)]
    named: set[str] = set()
    page = store.reader.threads(limit=20)
    listed = {one.subject for one in page.items}
    while page.next:
        while coming:
            named.add(store.writer.file(arrival(coming.pop())).thread)
        page = store.reader.threads(limit=20, after=page.next)
        listed |= {one.subject for one in page.items}
    assert listed == {"About late", *(f"About t{number}" for number in range(60) if number != 5)}
    again = {message.subject.removeprefix("Re: ") for one in named for message in store.reader.thread(one).items}
    assert listed | again >= {"About new", "About late", *(f"About t{number}" for number in range(60))}


def test_tree_of_a_thread(store: Store) -> None:
    """The links of summaries are enough to draw it."""
    for name, ancestors in {"a": (), "b": ("a",), "c": ("a", "b"), "d": ("a",)}.items():
        store.file(mail(name, *ancestors, minute=ord(name)))
    (thread,) = store.reader.threads().items
    summaries = {one.digest: one for one in store.reader.thread(thread.thread).items}
    (tree,) = thread_messages(one.link for one in summaries.values())
    assert [(summaries[place.key].message_id[0], place.depth) for place in tree.positions] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
        ("d", 1),
    ]


@pytest.mark.parametrize("size", [100, INLINE_OCTETS * 3])
def test_a_message_is_as_it_was_read(store: Store, size: int) -> None:
    """In the table or, where it is too big for that, in the bucket; its attachments beside it."""
    body = "x" * size + "\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend"
    filed = store.file(mail("a", body=body))
    stored = store.reader.message(filed.digest)
    assert stored is not None
    assert stored.content == store.arrivals[0].message
    (attachment,) = stored.content.attachments
    assert store.reader.open_attachment(stored.content, attachment).read() == b"Cat"
    assert store.reader.by_message_id("a@example.net") == (filed.digest,)
    assert stored.deliveries[0].source == store.arrivals[0].source


def test_what_is_not_there(store: Store) -> None:
    """Nothing, or an error that says so."""
    filed = store.file(mail("a"))
    reader = store.reader
    stored = reader.message(filed.digest)
    assert stored is not None
    assert reader.message("0" * 64) is None
    assert reader.thread("0" * 64).items == ()
    assert reader.by_message_id("nobody@example.net") == ()
    assert reader.by_address("nobody@example.net").items == ()
    other = Attachment(path="9", filename="x", content_type="a/b", sha256="", size=0)
    with pytest.raises(PermanentError, match="has no attachment '9'"):
        reader.open_attachment(stored.content, other)
    with pytest.raises(PermanentError, match=r"clean/.*: s3:GetObject failed, got NoSuchKey; it does not exist"):
        reader.open_source(stored.deliveries[0])


@pytest.mark.parametrize("after", ["x", "bm8=", "eyJwayI6ICJ4In0=", "e30="])
def test_page_that_nobody_gave(store: Store, after: str) -> None:
    """Refused, whatever is made up."""
    for read in (store.reader.threads, lambda after: store.reader.by_address("a@b", after=after)):
        with pytest.raises(ValueError, match="after must be the `next`"):
            read(after=after)


def test_expired_is_not_shown(emulator: Emulator) -> None:
    """DynamoDB may take days to delete what has expired."""
    store = new_store(emulator, retention=timedelta(hours=1))
    store.now = START
    old = store.file(mail("a"), received=START)
    store.now = START + timedelta(days=1)
    new = store.file(mail("b", "a"), received=START + timedelta(days=1))
    reader = store.reader
    assert reader.message(old.digest) is None
    assert [one.digest for one in reader.thread(new.thread).items] == [new.digest]
    assert reader.by_message_id("a@example.net") == ()
    assert len(list(itertools.chain(reader.by_address("anna@example.net").items))) == 1


@pytest.mark.parametrize("count", [8, 9, 40])
def test_ancestors_of_what_an_address_lists(store: Store, count: int) -> None:
    """However many a message has, lists by address and by thread say the same of it."""
    names = [f"r{number}" for number in range(count)]
    filed = store.file(mail("a", *names))
    (by_address,) = store.reader.by_address("anna@example.net").items
    (by_thread,) = store.reader.thread(filed.thread).items
    assert by_address == by_thread
    assert len(by_address.link.references) == count
    copies = [item for item in store.items() if item["pk"].startswith("ADDRESS#")]
    assert all(("above" in item) is (count <= 8) for item in copies)
