"""A message that was recalled: its entity follows what stands under `clean/`, whichever event comes first, and others are told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from email_stack.cli.commands import messages
from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.events import MessageRecalled
from mailroom.events.form import schema_of
from mailroom.ingest.ingest import Ingest
from mailroom.messages import parse
from mailroom.notifications import StoredObject
from mailroom.store import StoredMessage
from mailroom.store.withheld import WITHDRAWN
from tests.mailroom.clamav import MARKER
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.hiding import PAYLOAD, encoded, mixed
from tests.mailroom.store.conftest import Store, new_store

INFECTED = mixed(encoded(b"minutes of the meeting", "minutes.bin"), encoded(PAYLOAD, "invoice.bin"))
STRIPPED = mixed(encoded(b"minutes of the meeting", "minutes.bin"), encoded(b"removed", "removed-attachment.txt"))
DIGEST = parse(INFECTED).digest


def work(store: Store, told: list[Any], calls: Calls | None = None) -> Ingest:
    """The work of the store's tenant."""
    counted = calls or Calls()
    return Ingest(
        s3=counted.of(store.client("s3")),
        dynamodb=counted.of(store.client("dynamodb")),
        publish=told.append,
        tenant="acme",
        table=store.table,
        retention=timedelta(days=30),
        join_by=frozenset(),
        clock=lambda: store.now,
    )


def put(store: Store, raw: bytes, key: str = "one", **metadata: str) -> StoredObject:
    """The scanner's object under `clean/`."""
    version = store.client("s3").put_object(Bucket=store.bucket, Key=f"clean/{key}", Body=raw, Metadata=metadata)[
        "VersionId"
    ]
    return StoredObject(store.bucket, f"clean/{key}", version)


def notice(store: Store) -> StoredObject:
    """In the place of a recalled message."""
    return put(store, b"Subject: x\r\n\r\nnotice", recalled=DIGEST, action="hold", signature="Some.Malware")


def read(store: Store) -> tuple[StoredMessage, bytes]:
    """The entity as readers have it, and all bytes of its attachments and of what was attached before."""
    stored = store.reader.message(DIGEST)
    assert stored is not None
    assert stored.content.digest == DIGEST
    files = [store.reader.open_attachment(stored.content, one).read() for one in stored.content.attachments]
    keys = store.client("s3").list_objects_v2(Bucket=store.bucket, Prefix="attachments/").get("Contents", [])
    there = [store.client("s3").get_object(Bucket=store.bucket, Key=one["Key"])["Body"].read() for one in keys]
    return stored, b"".join([*files, *there])


def content(store: Store) -> str:
    """The content that the entity shows."""
    stored, _octets = read(store)
    return stored.recalled.content if stored.recalled is not None else "as it came"


def events(told: list[Any]) -> list[str]:
    """Published events of recalls."""
    return [one.content for one in told if isinstance(one, MessageRecalled)]


@pytest.mark.parametrize("raw", [INFECTED, INFECTED.replace(b"hello", b"hello " * 2000)])
def test_entity_says_so(store: Store, raw: bytes) -> None:
    """Its text and its files are the notice; who wrote, when and about what stay; others learn of it once."""
    digest = parse(raw).digest
    told: list[Any] = []
    work(store, told).take(put(store, raw, verdict="clean"))
    item = put(store, b"Subject: x\r\n\r\nnotice", recalled=digest, action="hold", signature="Some.Malware")
    for _ in range(2):
        work(store, told).take(item)
    stored = store.reader.message(digest)
    assert stored is not None
    assert (stored.content.text, stored.content.html, stored.content.subject) == (WITHDRAWN, "", "invoice")
    assert stored.recalled is not None
    assert (stored.recalled.content, stored.recalled.signature) == ("withdrawn", "Some.Malware")
    assert [one.filename for one in stored.content.attachments] == ["withdrawn.txt"] * 2
    for one in stored.content.attachments:
        assert store.reader.open_attachment(stored.content, one).read() == WITHDRAWN.encode()
    _received, event = told
    assert isinstance(event, MessageRecalled)
    jsonschema.validate(event.detail, schema_of(MessageRecalled), format_checker=jsonschema.FormatChecker())
    assert (event.message, event.delivery, event.signature) == (digest, "one", "Some.Malware")
    assert store.threads() == {frozenset({"1"})}


def test_what_is_left_comes_back(store: Store) -> None:
    """In the same entity, with the files that are harmless."""
    told: list[Any] = []
    for item in (put(store, INFECTED), notice(store), put(store, STRIPPED, recalled=DIGEST)):
        work(store, told).take(item)
    stored, octets = read(store)
    assert (content(store), stored.content.text.strip()) == ("stripped", "hello")
    assert [one.filename for one in stored.content.attachments] == ["minutes.bin", "removed-attachment.txt"]
    assert b"minutes of the meeting" in octets
    assert MARKER not in octets
    # The notice was replaced before its event was worked on, as a reader found it.
    assert events(told)[-1] == "stripped"
    assert store.threads() == {frozenset({"1"})}


def test_message_comes_back_whole(store: Store) -> None:
    """After a false alarm."""
    told: list[Any] = []
    for item in (put(store, INFECTED), notice(store), put(store, INFECTED, recalled=DIGEST)):
        work(store, told).take(item)
    stored, octets = read(store)
    assert (content(store), MARKER in octets) == ("restored", True)
    assert [one.filename for one in stored.content.attachments] == ["minutes.bin", "invoice.bin"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_events_in_any_order(store: Store, order: tuple[int, ...]) -> None:
    """What stands there last is shown, and what was recalled is not read again, also by a late event of it."""
    told: list[Any] = []
    items = [put(store, INFECTED), notice(store), put(store, STRIPPED, recalled=DIGEST)]
    for number in (*order, *order):
        work(store, told).take(items[number])
        if store.reader.message(DIGEST) is not None and number != 0:
            assert content(store) == "stripped"
    _stored, octets = read(store)
    assert content(store) == "stripped"
    assert MARKER not in octets
    assert set(events(told)) == {"stripped"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_worker_that_ends_at_any_call(emulator: Emulator, when: Any) -> None:
    """Each call fails once: the next try brings it to its end, and others are told."""
    for number in itertools.count(1):
        store = new_store(emulator)
        store.client("s3").put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
        told: list[Any] = []
        work(store, told).take(put(store, INFECTED))
        item, calls = notice(store), Calls(fails_at=number, when=when)
        try:
            work(store, told, calls).take(item)
        except RetryableError:
            assert calls.failed
        work(store, told).take(item)
        assert content(store) == "withdrawn"
        assert MARKER not in read(store)[1]
        assert set(events(told)) == {"withdrawn"}
        if not calls.failed:
            break
    assert number > 8


def test_told_again_where_nobody_took_it(store: Store) -> None:
    """The entity says so by then."""
    told: list[Any] = []
    work(store, told).take(put(store, INFECTED))
    item = notice(store)

    def refuse(_event: Any) -> None:
        raise RetryableError("event bus default: refused")

    with pytest.raises(RetryableError):
        replace(work(store, told), publish=refuse).take(item)
    assert content(store) == "withdrawn"
    work(store, told).take(item)
    assert events(told) == ["withdrawn"]


def test_operators_see_it_in_lists_and_in_detail(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The message alone, with what is shown of it and why; a list says of each message whether it was recalled."""
    other = INFECTED.replace(b"hello", b"another")
    for item in (put(store, INFECTED), put(store, other, key="two"), notice(store)):
        work(store, []).take(item)
    page = store.reader.by_address(parse(INFECTED).from_[0].address)
    assert len(page.items) == 2
    recalled = store.reader.recalled(one.digest for one in page.items)
    assert recalled == {DIGEST}
    assert store.reader.recalled([]) == frozenset()
    for one in page.items:
        shown = "\n".join(line.plain for line in messages._lines(one, recalled))
        assert shown.split("\n")[0].endswith("  recalled") == (one.digest == DIGEST)
        assert messages._summary_document(one, recalled)["recalled"] == (one.digest == DIGEST)
    stored = store.reader.message(DIGEST)
    assert stored is not None
    messages._show_messages([stored], as_json=False)
    assert "  recalled: withdrawn, because of Some.Malware" in capsys.readouterr().out
    assert messages._message_document(stored)["recalled"] == {"content": "withdrawn", "signature": "Some.Malware"}
    kept = store.reader.message(parse(other).digest)
    assert kept is not None
    assert messages._message_document(kept)["recalled"] is None
