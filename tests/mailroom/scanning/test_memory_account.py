"""The topic and the bus in memory are the emulator's: the same answers, and the same arrives."""

from __future__ import annotations

import itertools
import json
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator import Emulator
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.memory_account import MemoryBus, MemoryTopic

MOST = 262_144
_numbers = itertools.count(1)

notifications = st.builds(
    lambda subject, text, known: (subject, json.dumps({"default": text}, ensure_ascii=False), known),
    st.sampled_from(["infected mail to acme", "held mail"]),
    st.sampled_from(["{}", "é" * 20, "x"]),
    st.sampled_from([True, True, True, False]),
)
entries = st.lists(st.sampled_from(["email-subdomains", "email-subdomains", "aws.ses"]), min_size=1, max_size=4)


def answer_of(call: Any, **request: Any) -> Any:
    """An answer or a refusal, without ids."""
    try:
        answer = call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    said = [(bool(one.get("EventId")), one.get("ErrorCode")) for one in answer.get("Entries", [])]
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("FailedEntryCount"), said, "MessageId" in answer


def test_same_notifications(quarantine: Quarantine) -> None:
    """Taken or refused, and what the operators' queue gets."""
    real = quarantine.emulator.client("sns", REGION)

    @example([("held mail", json.dumps({"default": "x"}), known) for known in (True, False)])
    @example([("held mail", json.dumps({"default": "x" * (MOST - 15)}), True)])
    @example([("held mail", json.dumps({"default": "x" * (MOST - 14)}), True)])
    @example([("held mail", json.dumps({"default": "é" * (MOST // 2)}, ensure_ascii=False), True)])
    @settings(max_examples=40)
    @given(st.lists(notifications, max_size=4))
    def same(told: list[tuple[str, str, bool]]) -> None:
        memory = MemoryTopic(quarantine.topic_arn)
        for subject, message, known in told:
            topic = quarantine.topic_arn if known else f"{quarantine.topic_arn}-of-nobody"
            request = {"TopicArn": topic, "Subject": subject, "Message": message, "MessageStructure": "json"}
            assert answer_of(memory.publish, **request) == answer_of(real.publish, **request)
        arrived = [(one["Subject"], one["Message"]) for one in quarantine.alerts()]
        assert sorted(arrived) == sorted((subject, json.loads(message)["default"]) for subject, message in memory.sent)

    same()


def test_same_events(emulator: Emulator) -> None:
    """Taken, refused one by one, or refused together; and what a rule's queue gets."""
    name = "memory-and-emulator"
    events, sqs = emulator.client("events", REGION), emulator.client("sqs", REGION)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["email-subdomains", "aws.ses"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    @example(["email-subdomains"] * 11)
    @example(["email-subdomains"] * 10)
    @settings(max_examples=40)
    @given(entries)
    def same(sources: list[str]) -> None:
        memory = MemoryBus()
        given = [
            {
                "Source": source,
                "DetailType": f"MessageHeld{next(_numbers)}",
                "Detail": json.dumps({"held_id": "é"}),
                "EventBusName": "default",
            }
            for source in sources
        ]
        assert answer_of(memory.put_events, Entries=given) == answer_of(events.put_events, Entries=given)
        arrived = []
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            for one in found:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
                arrived.append(json.loads(one["Body"]))
        ours = [(one["Source"], one["DetailType"], json.loads(one["Detail"])) for one in memory.taken]
        assert sorted(map(str, ours)) == sorted(
            str((one["source"], one["detail-type"], one["detail"])) for one in arrived
        )

    same()
