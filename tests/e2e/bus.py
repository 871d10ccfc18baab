"""The account's event bus, as an application hears it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

import mailroom
from mailroom.events import SOURCE
from tests.e2e.conftest import Platform
from tests.e2e.test_scanning import eventually

__all__ = ["Bus"]


class Bus:
    """All events of the project from now on, each held to its schema."""

    def __init__(self, platform: Platform) -> None:
        self._sqs = platform.client("sqs")
        self._queue = str(self._sqs.create_queue(QueueName="heard")["QueueUrl"])
        self._events: list[dict[str, Any]] = []
        asked = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn, events = asked["Attributes"]["QueueArn"], platform.client("events")
        rule = events.put_rule(Name="heard", EventPattern=json.dumps({"source": [SOURCE]}))["RuleArn"]
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])

    def hears(self, detail_type: str, number: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The details of a type with these fields, once there are so many."""
        return eventually(lambda: found if len(found := self._heard(detail_type, fields)) >= number else None)

    def everything(self) -> str:
        """All that came, as text."""
        self._listen()
        return json.dumps(self._events)

    def _heard(self, detail_type: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        self._listen()
        details = [one["detail"] for one in self._events if one["detail-type"] == detail_type]
        return [one for one in details if fields.items() <= one.items()]

    def _listen(self) -> None:
        while got := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", []):
            for one in got:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=one["ReceiptHandle"])
                event = json.loads(one["Body"])
                schema = mailroom.schema_of(getattr(mailroom, event["detail-type"]))
                # New versions may add fields; this one has no others.
                strict = {**schema, "additionalProperties": False}
                jsonschema.validate(event["detail"], strict, format_checker=jsonschema.FormatChecker())
                self._events.append(event)
