"""Messages are filed under the same threads in whatever order they come, once each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.lifetimes import EVERYTHING_LIVES
from mailroom.messages.joining import JoinBy
from mailroom.messages.model import Envelope
from mailroom.store.keys import id_digest, thread_key
from mailroom.store.merging import Threads
from mailroom.store.table import Item, Write
from mailroom.store.writer import MOST_ADDRESSES, MOST_IDENTIFIERS
from tests.mailroom.store.conftest import START, Store, arrival, mail, new_store, store_in_memory

SETS: dict[str, list[bytes]] = {
    "a conversation": [mail("a"), mail("b", "a", minute=1), mail("c", "a", "b", minute=2)],
    "joined by a late one": [mail("a"), mail("x", minute=1), mail("z", "a", "x", minute=3)],
    "three threads become one": [
        mail("a"),
        mail("b", minute=1),
        mail("c", minute=2),
        mail("d", "a", "b", "c", minute=3),
    ],
    "the parent never came": [mail("b", "a", minute=1), mail("c", "a", minute=2)],
    "a circle": [mail("a", "b"), mail("b", "a", minute=1)],
    "strangers": [mail("a"), mail("b", minute=1)],
    "one identifier, two messages": [mail("a"), mail("a", body="something else"), mail("c", "a", minute=2)],
    "no identifier": [mail("a").replace(b"Message-ID:", b"X-Was:"), mail("b", "a")],
}


@pytest.mark.parametrize("case", SETS)
def test_every_order_gives_the_same_threads(emulator: Emulator, case: str) -> None:
    """All permutations of arrival end as the pure algorithm says: in memory, and one of them on the emulator."""
    for order in itertools.permutations(SETS[case]):
        for store in (store_in_memory(), *([new_store(emulator)] if order == (*SETS[case][::-1],) else [])):
            for raw in order:
                store.file(raw)
            store.check()


def test_the_same_delivery_twice(store: Store) -> None:
    """Nothing changes, and nobody has to be told again once somebody was."""
    raw = mail("a")
    first = store.file(raw)
    before = store.items()
    again = store.file(raw)
    assert (first.new, first.first, first.published) == (True, True, False)
    assert (again.new, again.first, again.published) == (False, True, False)
    assert store.items() == before
    store.writer().mark_published(first.digest, store.arrivals[0].ses_id)
    assert store.file(raw).published
    store.check()


def test_one_message_by_two_ways(store: Store) -> None:
    """Copies are one message with two deliveries; only the first one is a new message."""
    trace = "Received: from elsewhere.example; Mon, 23 Nov 2026 09:00:00 +0000\r\n"
    first = store.file(mail("a"), ses_id="one")
    second = store.file(trace.encode() + mail("a"), ses_id="two")
    assert (second.digest, second.thread, second.new, second.first) == (first.digest, first.thread, True, False)
    found = store.reader.message(first.digest)
    assert found is not None
    assert sorted(one.ses_id for one in found.deliveries) == ["one", "two"]
    store.check()


def test_copy_to_one_address_in_two_spellings(store: Store) -> None:
    """Is found by that address once."""
    store.file(mail("a"))
    came = arrival(mail("a"), ses_id="two")
    spelt = Envelope(recipients=("Sales@post.acme.example", "sales@post.acme.example"))
    store.arrivals.append(replace(came, message=replace(came.message, envelope=spelt)))
    store.writer().file(store.arrivals[-1])
    assert len(store.reader.by_address("sales@POST.acme.example").items) == 1
    store.check()


def test_long_threads_are_moved_whole(store: Store) -> None:
    """A thread of more messages than one transaction holds becomes part of another."""
    for number in range(40):
        store.file(mail(f"a{number}", *(["a0"] if number else []), minute=number))
    for number in range(60):
        store.file(mail(f"b{number}", *(["b0"] if number else []), minute=number))
    store.file(mail("z", "a39", "b59", minute=90))
    store.check()
    (thread,) = store.reader.threads().items
    assert (thread.messages, thread.subject) == (101, "About a0")


def test_identifiers_without_end(store: Store) -> None:
    """Of very many references as many count as one transaction takes; by recipients the message is found whatever their number."""
    names = [f"r{number}" for number in range(400)]
    recipients = ", ".join(f"someone{number}@example.org" for number in range(120))
    store.file(mail("z", *names, extra=f"Cc: {recipients}\r\n"))
    store.file(mail("r0"))
    store.file(mail("r399"))
    assert store.threads() == {frozenset({"z", "r0", "r399"})}
    pointers = [item for item in store.items() if item["pk"].startswith("ID#") and item["sk"] == "THREAD"]
    assert len(pointers) <= MOST_IDENTIFIERS + 2
    assert len([item for item in store.items() if item["pk"].startswith("ADDRESS#")]) == 120 + 2 + 2 * 2
    for number in (0, MOST_ADDRESSES, 119):
        (found,) = store.reader.by_address(f"someone{number}@example.org").items
        assert found.subject == "Re: About z"
    store.check()


def test_writers_at_once(store: Store) -> None:
    """Many writers to one conversation, each message offered twice: none is lost, none is there twice."""
    raws = [mail("m0"), *(mail(f"m{number}", f"m{(number - 1) // 2}", minute=number) for number in range(1, 24))]
    offered = [*raws, *raws]
    store.arrivals = [arrival(raw) for raw in raws]

    def write(raw: bytes) -> None:
        for _ in range(10):
            try:
                store.writer().file(arrival(raw))
            except RetryableError:
                continue
            return
        raise AssertionError("never filed")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, offered))
    for raw in raws:
        store.writer().file(arrival(raw))
    store.check()


def test_thread_that_is_joined_while_messages_are_moved_into_it(store: Store) -> None:
    """What was on its way into it goes on into the thread that it became part of, also when that one looked there already."""
    for raw in [
        mail("a"),
        mail("b", "a"),
        mail("x"),
        *(mail(f"w{number}", *(["w0"] if number else [])) for number in range(5)),
    ]:
        store.file(raw)
    table, threads = store.writer().table, Threads(store.writer().table)

    def place(*names: str) -> Item:
        found = threads.place([id_digest(f"{name}@example.net") for name in names]).thread
        assert found is not None
        return found

    # One worker joins x to a; before it moves anything, another joins a to w0, and moves what is in a.
    stale, root = place("a", "x"), place("a", "w0")
    assert (stale["fragments"], root["fragments"]) == ({place_of(store, "x")}, {place_of(store, "x"), stale["thread"]})
    while threads._move(stale["thread"], root["thread"], EVERYTHING_LIVES):
        pass
    drop = Write(update=(thread_key(root["thread"]), "DELETE #fragments :done"), values={":done": {stale["thread"]}})
    table.write([drop])
    threads.reassign(stale)
    store.file(mail("z", "a", "x", "w0", minute=9))
    store.check()


def place_of(store: Store, name: str) -> str:
    """The thread that a message began."""
    (digest,) = store.reader.by_message_id(f"{name}@example.net")
    return digest


class Failing:
    """A client whose calls fail from the given one on, before or after they were carried out."""

    def __init__(self, client: Any, at: int, *, after: bool) -> None:
        self._client, self._at, self._after = client, at, after
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls < self._at:
                return real(**arguments)
            if self.calls == self._at and self._after:
                real(**arguments)
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "broken off"}}, name)

        return call


@pytest.mark.parametrize("service", ["dynamodb", "s3"])
@pytest.mark.parametrize("after", [False, True], ids=["before a call", "after a call"])
def test_broken_off_anywhere(service: str, after: bool) -> None:
    """Wherever it breaks off, the next try ends in the right state."""
    check_broken_off(store_in_memory, service, after=after)


@pytest.mark.parametrize(("service", "after"), [("dynamodb", True), ("s3", False)])
def test_broken_off_anywhere_on_the_emulator(emulator: Emulator, service: str, after: bool) -> None:
    """So it does there."""
    check_broken_off(partial(new_store, emulator), service, after=after)


def check_broken_off(begin: Callable[[], Store], service: str, *, after: bool) -> None:
    """Break off at each call of a service in turn."""
    attachment = 'Content-Type: application/pdf; name="a.pdf"\r\n'
    before = [mail("a"), mail("x", minute=1), mail("y", "x", minute=2)]
    last = mail("z", "a", "x", minute=3, extra=attachment, body="%PDF" + "long " * 5000)
    for at in itertools.count(1):
        store = begin()
        for raw in before:
            store.file(raw)
        client = Failing(store.client(service), at, after=after)
        store.arrivals.append(arrival(last))
        try:
            store.writer(**{service: client}).file(store.arrivals[-1])
            assert client.calls < at
        except RetryableError:
            store.writer().file(store.arrivals[-1])
        store.check()
        if client.calls < at:
            break
    assert at > {"dynamodb": 8, "s3": 1}[service]


def test_other_things_join_only_when_asked(emulator: Emulator) -> None:
    """Outlook's conversation and the subject join threads where the options say so, and not otherwise."""
    outlook = "Thread-Index: AdxV0000000000000000000000000000000000AA==\r\n"
    raws = [mail("a", extra=outlook), mail("b", extra=outlook, minute=1)]
    same = [raw.replace(b"About b", b"AW: About a") for raw in (mail("a"), mail("b", minute=1))]
    for join_by, messages, joined in (
        (frozenset(), raws, 2),
        (frozenset({JoinBy.THREAD_INDEX}), raws, 1),
        (frozenset(), same, 2),
        (frozenset({JoinBy.SUBJECT}), same, 1),
    ):
        store = new_store(emulator, join_by=join_by)
        for raw in messages:
            store.file(raw)
        store.check()
        assert len(store.threads()) == joined


def test_bounce_is_filed_under_what_it_is_about(store: Store) -> None:
    """A report joins the thread of the message that it names, though it has no References."""
    store.file(mail("a"))
    bounce = (
        b"From: mailer-daemon@example.net\r\nSubject: failed\r\nMessage-ID: <n@example.net>\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
        b"--x\r\n\r\nIt failed.\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        b"Final-Recipient: rfc822; b@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"--x\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <a@example.net>\r\n--x--\r\n"
    )
    store.file(bounce)
    assert store.threads() == {frozenset({"a", "n"})}


def test_message_that_comes_again_after_its_time(emulator: Emulator) -> None:
    """When the table has forgotten a message and not yet its thread, it is filed there again."""
    store = new_store(emulator, retention=timedelta(days=30))
    filed = store.file(mail("a"))
    for item in store.items():
        if item["pk"].startswith(("MESSAGE#", "ID#")):
            key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
            store.client("dynamodb").delete_item(TableName=store.table, Key=key)
    again = store.writer().file(arrival(mail("a"), received=START + timedelta(days=40)))
    assert (again.thread, again.first) == (filed.thread, True)


def test_everything_expires(emulator: Emulator) -> None:
    """Each item says when it is deleted: a thread's and an identifier's end lies ahead, so that not each message writes it."""
    store = new_store(emulator, retention=timedelta(days=30))
    store.now = START
    store.file(mail("a"), received=START)
    store.file(mail("x"), received=START)
    store.now = START + timedelta(days=9)
    store.file(mail("b", "a", "x", minute=9 * 24 * 60), received=store.now)
    early = int((START + timedelta(days=30)).timestamp())
    late = int((START + timedelta(days=39)).timestamp())
    ahead = {"THREAD": 86_400, "ID": 30 * 86_400}
    for item in store.items():
        kind = item["pk"].partition("#")[0]
        further = ahead[kind] if item["sk"] == "THREAD" else 0
        # What became part of another says where it went for as long as anything can point to it.
        ends = {early + further} if "merged_into" in item else {early + further, late + further}
        assert item["expires"] in ends, item
        assert item["expires"] - item["kept_from"] == 30 * 86_400
