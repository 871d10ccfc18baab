"""One message, its recipients, and a tenant's function, at a time that the test sets."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jsonschema

from mailroom.errors import RetryableError
from mailroom.events.form import schema_of
from mailroom.ingest.ingest import Ingest
from mailroom.notifications import StoredObject
from tests.mailroom.notifications import received_line
from tests.mailroom.store.conftest import START, Store, mail

DOMAIN = "post.acme.example"
A, B, C = (f"{name}@{DOMAIN}" for name in "abc")
OTHER = "x@post.other.example"
_names = itertools.count(1)


def envelope(said: str, name: str, at: datetime) -> bytes:
    """SES's lines in front of a message."""
    moment = f"{at:%a, %d %b %Y %H:%M:%S +0000}"
    line = received_line(said, name).rpartition(";")[0]
    return f"Return-Path: <anna@example.net>\r\nReceived: {line}; {moment}\r\n".encode()


class TimedS3:
    """The emulator's S3, at whose objects stands when the test wrote them."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.written: dict[tuple[str, str], datetime] = {}

    def get_object(self, **asked: Any) -> Any:
        """As S3's."""
        answer = self.s3.get_object(**asked)
        return {**answer, "LastModified": self.written[asked["Key"], answer["VersionId"]]}

    def put_object(self, **asked: Any) -> Any:
        """As S3's."""
        return self.s3.put_object(**asked)


@dataclass
class World:
    """One message of a tenant, its recipients, and the tenant's function, at a time that the test says."""

    store: Store
    dynamodb: Any = None
    name: str = field(default_factory=lambda: f"m{next(_names)}")
    told: list[Any] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    refused: list[type] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = TimedS3(self.store.client("s3"))
        self.store.now = START + timedelta(days=1)
        self.received = self.store.now

    @property
    def work(self) -> Ingest:
        """The tenant's function."""
        return Ingest(
            s3=self.s3,  # type: ignore[arg-type]
            dynamodb=self.dynamodb or self.store.client("dynamodb"),
            publish=self._publish,
            tenant="acme",
            table=self.store.table,
            retention=self.store.retention,
            join_by=frozenset(),
            subdomain=DOMAIN,
            clock=lambda: self.store.now,
        )

    def _publish(self, event: Any) -> None:
        if type(event) in self.refused:
            self.refused.remove(type(event))
            raise RetryableError("refused")
        self.told.append(event)
        self.seen.append(len(self.recipients))

    def put(self, key: str, body: bytes, **more: Any) -> StoredObject:
        """An object of now, as S3 tells of it."""
        answer = self.s3.put_object(Bucket=self.store.bucket, Key=key, Body=body, **more)
        self.s3.written[key, answer["VersionId"]] = self.store.now.replace(microsecond=0)
        return StoredObject(self.store.bucket, key, answer["VersionId"])

    def deliver(self, said: str = A, **more: Any) -> StoredObject:
        """The scanner delivers the message."""
        raw = envelope(said, self.name, self.received) + mail(self.name, **more)
        return self.put(f"clean/{self.name}", raw, Metadata={"verdict": "clean"})

    def name_recipients(self, *recipients: str) -> StoredObject:
        """The scanner writes the recipients."""
        return self.put(f"verdicts/recipients/{self.name}", json.dumps({"recipients": recipients}).encode())

    @property
    def recipients(self) -> set[str]:
        """Of the delivery, as an application sees them."""
        found = self.store.reader.by_message_id(f"{self.name}@example.net")
        stored = self.store.reader.message(found[0]) if found else None
        if stored is None:
            return set()
        (delivery,) = stored.deliveries
        assert len(set(delivery.recipients)) == len(delivery.recipients)
        assert stored.content.envelope.recipients == delivery.recipients
        return set(delivery.recipients)

    def listed(self, address: str) -> bool:
        """Whether the message is found by an address."""
        return any(one.message_id == f"{self.name}@example.net" for one in self.store.reader.by_address(address).items)

    def is_right(self, *recipients: str) -> None:
        """All recipients are there, and an event came when they were."""
        assert self.recipients == set(recipients)
        assert all(self.listed(one) for one in recipients)
        assert max(self.seen) == len(recipients)
        for event in self.told:
            jsonschema.validate(event.detail, schema_of(type(event)), format_checker=jsonschema.FormatChecker())
            assert "@" not in json.dumps(event.detail)
