"""A failed message is retried soon, despite a long visibility timeout: queues of the emulator."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from emulator import Emulator
from mailroom.functions import ingest, scanner, tracking
from mailroom.waiting import try_again_after
from tests.emulators import shared_emulator

REGION = "eu-central-1"
LONG = 1800
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy, shared by all of tests/mailroom."""
    return shared_emulator(request)


class Queue:
    """A queue that hides what was received for half an hour."""

    def __init__(self, emulator: Emulator) -> None:
        self.sqs = emulator.client("sqs", REGION)
        name = f"waiting-{next(_numbers)}"
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(LONG)})["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{emulator.account_id}:{name}"

    def batch(self, *bodies: str) -> dict[str, Any]:
        """Lambda's batch of messages with these bodies."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)
        received = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)["Messages"]
        assert len(received) == len(bodies)
        return {
            "Records": [
                {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                    "eventSourceARN": self.arn,
                }
                for one in received
            ]
        }

    def seen(self) -> list[str]:
        """Bodies of what can be received now."""
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return sorted(one["Body"] for one in answer.get("Messages", []))


@pytest.fixture
def queue(emulator: Emulator) -> Queue:
    """An empty queue of its own for each test."""
    return Queue(emulator)


def failed(batch: dict[str, Any], *bodies: str) -> dict[str, list[dict[str, str]]]:
    """The answer that these messages were not done."""
    ids = [one["messageId"] for one in batch["Records"] if one["body"] in bodies]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


def test_only_what_failed_is_brought_again(queue: Queue) -> None:
    """After the time that was asked for; the others stay hidden until Lambda has deleted them."""
    batch = queue.batch("a", "b", "c")
    try_again_after(queue.sqs, 1, batch, failed(batch, "b"))
    assert queue.seen() == []
    time.sleep(1.2)
    assert queue.seen() == ["b"]


def test_nothing_failed(queue: Queue) -> None:
    """Nothing is asked of the queue."""
    batch = queue.batch("a")
    refusing: Any = None
    try_again_after(refusing, 0, batch, failed(batch))
    assert queue.seen() == []


@pytest.mark.parametrize("lost", ["queue", "handle"])
def test_wait_that_cannot_be_cut(queue: Queue, lost: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the message is brought again when its time is over; the others are not kept from it."""
    batch = queue.batch("a", "b")
    first = next(one for one in batch["Records"] if one["body"] == "a")
    if lost == "queue":
        first["eventSourceARN"] += "-gone"
    else:
        first["receiptHandle"] = "no such handle"
    try_again_after(queue.sqs, 0, batch, failed(batch, "a", "b"))
    assert "is tried again later" in caplog.text
    assert queue.seen() == ["b"]


@pytest.mark.parametrize("function", [ingest, tracking])
def test_functions_ask_for_it(function: Any, queue: Queue, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no notification or event fails, and is brought again before the half hour is over."""
    environment = {
        "TENANT": "acme",
        "TABLE_NAME": "none",
        "EVENT_BUS": "default",
        "RETENTION_DAYS": "",
        "JOIN_BY": "",
        "CONFIGURATION_SET": "set",
        "QUEUE_URL": "http://127.0.0.1:9/queue",
        "CONFIGURATION_SETS_ARN": "arn:aws:ses:eu-central-1:000000000000:configuration-set/",
        "REGISTRY_PATH": "/email-cell-eu/configuration-sets/",
        "TABLES_ROLE_ARN": "arn:aws:iam::000000000000:role/tables",
        "MAX_RECEIVES": "5",
    }
    own = {name: value for name, value in emulator.environment(REGION).items() if name.startswith("AWS_")}
    for name, value in {**own, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(function, "_AGAIN_SECONDS", 1)
    caches = [
        one for one in vars(function).values() if hasattr(one, "cache_clear") and one.__module__ == function.__name__
    ]
    for one in caches:
        one.cache_clear()
    try:
        batch = queue.batch("no JSON")
        assert function.on_event(batch, None) == failed(batch, "no JSON")
        assert queue.seen() == []
        time.sleep(1.2)
        assert queue.seen() == ["no JSON"]
    finally:
        for one in caches:
            one.cache_clear()


def test_tries_are_minutes_apart() -> None:
    """As the documentation says; less than what a queue hides a message for."""
    assert (scanner._AGAIN_SECONDS, ingest._AGAIN_SECONDS, tracking._AGAIN_SECONDS) == (360, 180, 300)
