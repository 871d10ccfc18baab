"""Publishes events on EventBridge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.events.form import SOURCE, Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

__all__ = ["EventPublisher"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPublisher:
    """Puts events on one bus.

    Args:
        events: a client.
        bus: name or ARN of the event bus. Default: the account's own.
    """

    events: EventBridgeClient
    bus: str = "default"

    def publish(self, event: Event) -> None:
        """Publish an event.

        Raises:
            RetryableError: EventBridge did not accept it.

        Source: EventBridge API reference, "PutEvents": an entry can be refused though the call succeeds.
        """
        entry: PutEventsRequestEntryTypeDef = {
            "Source": SOURCE,
            "DetailType": event.TYPE,
            "Detail": json.dumps(event.detail),
            "EventBusName": self.bus,
        }
        try:
            answer = self.events.put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"event bus {self.bus}: {type(error).__name__}; try again") from error
        if answer["FailedEntryCount"]:
            raise RetryableError(f"event bus {self.bus}: {answer['Entries'][0].get('ErrorCode', 'refused')}; try again")
