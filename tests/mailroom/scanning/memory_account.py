"""What the scanner calls, in memory: a bucket, a topic and the account's bus of events.

`tests/mailroom/scanning/test_memory_account.py` compares topic and bus with the emulator's, `tests/mailroom/test_memory_s3.py` the
bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.mailroom.memory_s3 import MemoryBucket

__all__ = ["MemoryAccount", "MemoryBus", "MemoryTopic"]

_MOST_OCTETS: Final = 262_144
_MOST_ENTRIES: Final = 10


def _refusal(code: str, status: int, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass
class MemoryTopic:
    """A client of SNS with one topic.

    Args:
        arn: the topic's.
        sent: subject and message of each notification.
    """

    arn: str
    sent: list[tuple[str, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def publish(self, *, TopicArn: str, Subject: str, Message: str, MessageStructure: str) -> Any:  # noqa: N803 - boto3's names
        """Publish."""
        assert MessageStructure == "json"
        if TopicArn != self.arn:
            raise _refusal("NotFound", 404, "Publish")
        if len(Message.encode()) > _MOST_OCTETS:
            raise _refusal("InvalidParameter", 400, "Publish")
        self.sent.append((Subject, Message))
        return {"MessageId": f"message-{next(self._numbers)}", "ResponseMetadata": {"HTTPStatusCode": 200}}


@dataclass
class MemoryBus:
    """A client of EventBridge with the account's own bus.

    Args:
        taken: the entries that it took.
    """

    taken: list[dict[str, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put_events(self, *, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's names
        """PutEvents; nobody but AWS may name a source of AWS's."""
        if len(Entries) > _MOST_ENTRIES:
            raise _refusal("ValidationException", 400, "PutEvents")
        said: list[dict[str, str]] = []
        for entry in Entries:
            assert entry["EventBusName"] == "default"
            if entry["Source"].startswith("aws."):
                said.append({"ErrorCode": "NotAuthorizedForSourceException"})
            else:
                self.taken.append(entry)
                said.append({"EventId": f"event-{next(self._numbers)}"})
        failed = sum("ErrorCode" in one for one in said)
        return {"FailedEntryCount": failed, "Entries": said, "ResponseMetadata": {"HTTPStatusCode": 200}}


@dataclass
class MemoryAccount:
    """An account with one bucket and one topic, in the place of the emulator."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    topic: MemoryTopic = field(default_factory=lambda: MemoryTopic("arn:aws:sns:eu-central-1:111111111111:memory"))
    bus: MemoryBus = field(default_factory=MemoryBus)

    def client(self, service_name: str, _region: str) -> Any:
        """The client of a service."""
        return {"s3": self.bucket, "sns": self.topic, "events": self.bus}[service_name]
