"""Each tenant has its turn: what S3 tells is sent again, once, under the name of its bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator import Emulator
from mailroom.scanning.events import RawObject, rescan_message
from mailroom.scanning.handler import work_on
from mailroom.scanning.release import Release
from mailroom.scanning.turns import Turns
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.hiding import mixed


@pytest.fixture
def turns(emulator: Emulator) -> Turns:
    """Of a queue of its own."""
    sqs = emulator.client("sqs", REGION)
    return Turns(sqs=sqs, queue_url=sqs.create_queue(QueueName="turns")["QueueUrl"])


def received(turns: Turns) -> list[dict[str, Any]]:
    """What is in the queue, as Lambda hands it over; it is taken out."""
    found = []
    while messages := turns.sqs.receive_message(
        QueueUrl=turns.queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages", []):
        for message in messages:
            turns.sqs.delete_message(QueueUrl=turns.queue_url, ReceiptHandle=message["ReceiptHandle"])
            found.append(
                {"messageId": message["MessageId"], "body": message["Body"], "attributes": message["Attributes"]}
            )
    return found


def record(body: str, **attributes: str) -> Mapping[str, Any]:
    """One message as it comes first."""
    return {"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": "1", **attributes}}


def test_notification_is_passed_on_once(turns: Turns, quarantine: Quarantine) -> None:
    """First it goes back under its bucket's name, without an engine; then it is worked on."""
    item = quarantine.put(mixed())
    first = {"Records": [record(rescan_message(item))]}

    def never_ready() -> None:
        raise AssertionError("an engine was started")

    done = work_on(first, quarantine.intake, max_receives=5, ensure_ready=never_ready, passed_on=turns.pass_on)
    assert done == {"batchItemFailures": []}
    assert quarantine.keys("clean/") == []
    (again,) = received(turns)
    assert again["attributes"]["MessageGroupId"] == quarantine.bucket
    assert again["body"] == first["Records"][0]["body"]
    done = work_on({"Records": [again]}, quarantine.intake, max_receives=5, passed_on=turns.pass_on)
    assert done == {"batchItemFailures": []}
    assert quarantine.keys("clean/") == [f"clean/{item.message_id}"]
    assert received(turns) == []


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        json.dumps({"Event": "s3:TestEvent"}),
        json.dumps(
            {
                "Records": [
                    {"s3": {"bucket": {"name": name}, "object": {"key": "raw/1", "versionId": "v"}}}
                    for name in ("one", "another")
                ]
            }
        ),
    ],
)
def test_message_of_no_one_tenant_is_worked_on(body: str, turns: Turns) -> None:
    """Nothing is sent again that would come back as it was."""
    assert not turns.pass_on(record(body))
    assert received(turns) == []


def test_message_that_has_its_turn_is_worked_on(turns: Turns) -> None:
    """Whoever asks for a scan says whose it is."""
    assert not turns.pass_on(record(rescan_message(RawObject("bucket", "raw/1", "v")), MessageGroupId="bucket"))


def test_release_keeps_its_sender(turns: Turns) -> None:
    """Who asked for it is known by who sent it, which another sender would replace."""
    asked = Release(by="arn", reason="known", at=datetime(2026, 11, 28, tzinfo=UTC), verdict=Verdict.ENCRYPTED)
    assert not turns.pass_on(record(rescan_message(RawObject("bucket", "raw/1", "v", "request", asked))))
    assert received(turns) == []


def test_queue_that_takes_nothing_keeps_nobody_waiting(turns: Turns) -> None:
    """Then it is worked on at once, without a turn."""
    for elsewhere in (turns.queue_url + "-gone", ""):
        gone = replace(turns, queue_url=elsewhere)
        assert not gone.pass_on(record(rescan_message(RawObject("bucket", "raw/1", "v"))))
