"""Stores of their own on one emulator."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from mailroom.messages import parse
from mailroom.messages.joining import JoinBy, node_of
from mailroom.store import InboundMessage, MessageReader, MessageWriter, Objects, Page, Table, WriteResult
from mailroom.store.keys import BY_ACTIVITY, LATEST, LISTED, PARTITION, SORT
from mailroom.threads import thread_messages
from tests.emulators import shared_emulator
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.memory import MemoryTable

REGION = "eu-central-1"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def mail(name: str, *ancestors: str, minute: int = 0, extra: str = "", body: str = "") -> bytes:
    """A message with its name as identifier, which answers the last of `ancestors`."""
    lines = [
        "From: Anna <anna@example.net>",
        "To: support@post.acme.example",
        f"Subject: {'Re: ' if ancestors else ''}About {name}",
        f"Date: {START + timedelta(minutes=minute):%a, %d %b %Y %H:%M:%S +0000}",
        f"Message-ID: <{name}@example.net>",
    ]
    if ancestors:
        named = [f"<{one}@example.net>" for one in ancestors]
        lines += [f"In-Reply-To: {named[-1]}", f"References: {' '.join(named)}"]
    return ("\r\n".join(lines) + f"\r\n{extra}\r\n{body or f'This is {name}.'}\r\n").encode()


def arrival(raw: bytes, *, ses_id: str = "", received: datetime | None = None) -> InboundMessage:
    """The message, as it comes; its SES id is its digest unless told otherwise."""
    message = parse(raw)
    return InboundMessage(
        message=message,
        source=f"clean/{ses_id or message.digest}",
        ses_id=ses_id or message.digest[:20],
        received=received or START + timedelta(days=1),
        size=len(raw),
    )


def everything(read: Callable[..., Page[Any]], *arguments: Any, limit: int = 100) -> list[Any]:
    """The items of all pages."""
    page = read(*arguments, limit=limit)
    items = list(page.items)
    while page.next:
        page = read(*arguments, limit=limit, after=page.next)
        items += page.items
    return items


@dataclass
class Store:
    """A table and a bucket, and ways to write to them and to look at what is there."""

    client: Callable[[str], Any]
    table: str
    bucket: str
    retention: timedelta | None = None
    join_by: frozenset[JoinBy] = frozenset()
    now: datetime = START + timedelta(days=1)
    arrivals: list[InboundMessage] = field(default_factory=list)

    def writer(self, *, dynamodb: Any = None, s3: Any = None) -> MessageWriter:
        """A writer, with its own clients if they are given."""
        return MessageWriter(
            table=Table(client=dynamodb or self.client("dynamodb"), name=self.table),
            objects=Objects(client=s3 or self.client("s3"), bucket=self.bucket),
            retention=self.retention,
            join_by=self.join_by,
            clock=lambda: self.now,
        )

    def file(self, raw: bytes, **settings: Any) -> WriteResult:
        """File one message."""
        came = arrival(raw, **settings)
        self.arrivals.append(came)
        return self.writer().file(came)

    @property
    def reader(self) -> MessageReader:
        """A reader."""
        return MessageReader(
            table=Table(client=self.client("dynamodb"), name=self.table),
            objects=Objects(client=self.client("s3"), bucket=self.bucket),
            clock=self.now.timestamp,
        )

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table."""
        table = Table(client=self.client("dynamodb"), name=self.table)
        keys = self.client("dynamodb").scan(TableName=self.table, ConsistentRead=True)["Items"]
        found = table.get_many((item[PARTITION]["S"], item[SORT]["S"]) for item in keys)
        return list(found.values())

    def threads(self) -> set[frozenset[str]]:
        """Identifiers of the messages of each thread, as a reader sees them."""
        reader = self.reader
        return {
            frozenset(one.message_id.partition("@")[0] for one in everything(reader.thread, thread.thread))
            for thread in everything(reader.threads)
        }

    def check(self) -> None:
        """The state is right: the threads are those of the pure algorithm, nothing is half done, nothing is there twice."""
        links = {
            came.message.digest: node_of(came.message, came.message.digest, self.join_by) for came in self.arrivals
        }
        names = {came.message.digest: came.message.message_id.partition("@")[0] for came in self.arrivals}
        pure = thread_messages(links.values())
        assert self.threads() == {frozenset(names[place.key] for place in thread.positions) for thread in pure}
        items = self.items()
        listed = {item["thread"]: item for item in items if item.get(LISTED) == LISTED}
        positions = [item for item in items if item[SORT].startswith("AT#") and item[PARTITION].startswith("THREAD#")]
        assert sorted(item["digest"] for item in positions) == sorted(links)
        for item in positions:
            assert item[PARTITION].removeprefix("THREAD#") in listed
        for thread, item in listed.items():
            there = [place for place in positions if place[PARTITION] == f"THREAD#{thread}"]
            assert "fragments" not in item
            assert item["messages"] == len(there)
            assert item.get("sent", 0) == sum(bool(one.get("sent")) for one in there)
            assert item["latest"] == max(place["at"] for place in there)
            assert item["first_at"] == min(place["at"] for place in there)
        for item in items:
            if item[PARTITION].startswith("MESSAGE#") and item[SORT] == "MESSAGE":
                assert item["thread"] in listed
        deliveries = [item for item in items if item[SORT].startswith("DELIVERY#")]
        assert len(deliveries) == len({came.ses_id for came in self.arrivals})


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy, shared by all of tests/mailroom."""
    return shared_emulator(request)


_NUMBERS = itertools.count(1)


def new_store(emulator: Emulator, **settings: Any) -> Store:
    """An empty store."""
    name = f"store-{next(_NUMBERS)}"
    emulator.client("s3", REGION).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    emulator.client("dynamodb", REGION).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in (PARTITION, SORT, LISTED, LATEST)
        ],
        KeySchema=[{"AttributeName": PARTITION, "KeyType": "HASH"}, {"AttributeName": SORT, "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": BY_ACTIVITY,
                "KeySchema": [
                    {"AttributeName": LISTED, "KeyType": "HASH"},
                    {"AttributeName": LATEST, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return Store(client=lambda service: emulator.client(service, REGION), table=name, bucket=name, **settings)


def store_in_memory(**settings: Any) -> Store:
    """An empty store without the emulator, for hundreds of calls."""
    clients = {"dynamodb": MemoryTable(), "s3": MemoryBucket()}
    return Store(client=clients.__getitem__, table="messages", bucket="mail", **settings)


@pytest.fixture
def store(emulator: Emulator) -> Store:
    """An empty store."""
    return new_store(emulator)
