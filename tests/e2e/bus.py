"""The account's event bus, as an application hears it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

import mailroom
from mailroom.events import SOURCE
from tests.e2e.conftest import Platform
from tests.e2e.queues import listening_queue, take_all
from tests.e2e.test_scanning import eventually

__all__ = ["Bus"]


class Bus:
    """All events of the project from now on, each held to its schema."""

    def __init__(self, platform: Platform) -> None:
        self._sqs = platform.client("sqs")
        self._events: list[dict[str, Any]] = []
        events = platform.client("events")
        rule = events.put_rule(Name="heard", EventPattern=json.dumps({"source": [SOURCE]}))["RuleArn"]
        self._queue, arn = listening_queue(self._sqs, "heard", service="events", source=rule)
        events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])

    def hears(self, detail_type: str, number: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The details of a type with these fields, once there are so many."""
        return eventually(lambda: found if len(found := self._heard(detail_type, fields)) >= number else None)

    def of_delivery(self, ses_id: str) -> dict[str, Any]:
        """The first event of one delivery, whole, once it comes."""

        def heard() -> dict[str, Any] | None:
            self._listen()
            return next((event for event in self._events if event["detail"].get("delivery") == ses_id), None)

        return eventually(heard)

    def everything(self) -> str:
        """All that came, as text."""
        self._listen()
        return json.dumps(self._events)

    def _heard(self, detail_type: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        self._listen()
        details = [one["detail"] for one in self._events if one["detail-type"] == detail_type]
        return [one for one in details if fields.items() <= one.items()]

    def _listen(self) -> None:
        for body in take_all(self._sqs, self._queue):
            event = json.loads(body)
            schema = mailroom.schema_of(getattr(mailroom, event["detail-type"]))
            # New versions may add fields; this one has no others.
            strict = {**schema, "additionalProperties": False}
            jsonschema.validate(event["detail"], strict, format_checker=jsonschema.FormatChecker())
            self._events.append(event)
