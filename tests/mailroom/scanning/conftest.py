"""A tenant's bucket and topic on the emulator, a clamd, and sandboxes that start one of their own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from emulator import Emulator
from mailroom.definitions.manifest import Manifest
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake
from mailroom.scanning.scan import AnswerCache
from mailroom.scanning.tags import Recipient
from mailroom.scanning.verdicts import Policy
from tests.emulators import shared_emulator
from tests.mailroom.clamav import TEST_DEFINITIONS, RunningClamd, running_clamd
from tests.mailroom.scanning.memory_account import MemoryAccount
from tests.mailroom.scanning.sandboxes import NOW, REGION, Sandbox

__all__ = ["NOW", "REGION", "Quarantine", "clamd", "emulator", "first", "quarantine", "sandbox", "sandbox_type"]

_numbers = itertools.count(1)


class Account(Protocol):
    """The emulator, or what is in its place."""

    def client(self, service_name: str, region: str, /) -> Any:
        """A client."""


@dataclass
class Quarantine:
    """A bucket, versioned, and the queue that its alerts go to; `mail` for a tenant's."""

    emulator: Account
    clamd: RunningClamd
    bucket: str
    topic_arn: str
    alerts_queue: str
    now: datetime = NOW
    policy: Policy = field(default_factory=Policy)
    mail: bool = False

    @property
    def s3(self) -> Any:
        """A client."""
        return self.emulator.client("s3", REGION)

    @property
    def intake(self) -> Intake:
        """The scanner's work on this bucket."""
        return Intake(
            s3=self.s3,
            sns=self.emulator.client("sns", REGION),
            engine=self.clamd.client,
            recipient_of=lambda _: Recipient(
                tenant="acme", policy=self.policy, topic_arn=self.topic_arn, mail=self.mail
            ),
            clock=lambda: self.now,
            cache=AnswerCache(),
        )

    def put(self, raw: bytes, key: str = "") -> RawObject:
        """File a message as SES does."""
        key = key or f"raw/message{next(_numbers):04}"
        version = self.s3.put_object(Bucket=self.bucket, Key=key, Body=raw)["VersionId"]
        return RawObject(self.bucket, key, version)

    def keys(self, prefix: str) -> list[str]:
        """Keys of the current objects below a prefix."""
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]

    def versions(self, item: RawObject) -> list[str]:
        """Versions that are left of a raw object, delete markers included."""
        answer = self.s3.list_object_versions(Bucket=self.bucket, Prefix=item.key)
        return [one["VersionId"] for one in (*answer.get("Versions", []), *answer.get("DeleteMarkers", []))]

    def clean(self, item: RawObject) -> bytes:
        """The delivered messages."""
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=f"clean/{item.message_id}")["Body"].read()
        return body

    def record(self, item: RawObject) -> dict[str, Any]:
        """The recorded verdict."""
        key = f"verdicts/{item.message_id}/{item.version}.json"
        document: dict[str, Any] = json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        return document

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts to operators since the last call."""
        sqs = self.emulator.client("sqs", REGION)
        found = []
        while messages := sqs.receive_message(QueueUrl=self.alerts_queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.alerts_queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def later(self, minutes: int) -> Quarantine:
        """The same some time later."""
        return replace(self, now=self.now + timedelta(minutes=minutes))


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy, shared by all of tests/mailroom."""
    return shared_emulator(request)


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.fixture
def quarantine(emulator: Emulator, clamd: RunningClamd) -> Quarantine:
    """An empty inbox of its own for each test."""
    return new_quarantine(emulator, clamd)


def next_second() -> None:
    """Wait until the next second has begun: S3 tells whole ones."""
    time.sleep(1.01 - time.time() % 1)


def new_quarantine(emulator: Emulator, clamd: RunningClamd) -> Quarantine:
    """An empty inbox."""
    name = f"quarantine-{next(_numbers)}"
    s3, sns, sqs = (emulator.client(service, REGION) for service in ("s3", "sns", "sqs"))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{emulator.account_id}:{name}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Quarantine(emulator, clamd, name, topic, queue, mail=True)


@pytest.fixture
def quarantine_in_memory(clamd: RunningClamd) -> Quarantine:
    """An empty inbox without the emulator, for thousands of calls; it has no queue of alerts."""
    account = MemoryAccount()
    return Quarantine(account, clamd, "memory", account.topic.arn, "", mail=True)


@pytest.fixture
def sandbox_type() -> type[Sandbox]:
    """The kind of sandbox; a file says otherwise where it is about another one."""
    return Sandbox


@pytest.fixture
def sandbox(emulator: Emulator, tmp_path: Path, sandbox_type: Callable[[Any, Path], Sandbox]) -> Iterator[Sandbox]:
    """A sandbox that has not worked yet."""
    made = sandbox_type(emulator.client("s3", REGION), tmp_path)
    yield made
    made.engine.stop()


@pytest.fixture
def first(sandbox: Sandbox) -> Manifest:
    """The set that the sandbox has proven."""
    manifest = sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    return manifest


@pytest.fixture
def engine(clamd: RunningClamd) -> Clamd:
    """The clamd's client."""
    return clamd.client
