"""Fair queues: SQS gives each tenant its turn.

One queue serves all tenants of a cell. While one tenant has many or slow messages, SQS serves the quiet tenants first, if messages
have their tenant as message group. Messages from AWS's services have no group, so each is sent again, once, with its tenant as the
group.

Source: SQS developer guide, "How Amazon SQS fair queues work": a message without a MessageGroupId is a tenant by itself.
EventBridge API reference, SqsParameters: a rule names one group for all of its events.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.faults import code_of

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

__all__ = ["QUEUE_TAG", "came_at_once", "has_group", "send_all_again"]

QUEUE_TAG: Final = "mail-scanning:queue"
"""Tag of a queue whose messages are sent on: the name of the other queue, to which requests for scans go directly."""

AT_ONCE_MILLISECONDS: Final = 500
"""A queue that delivers messages that soon lets no tenant wait for another."""

_OF_ONE_MESSAGE: Final = frozenset({"BatchRequestTooLong", "InvalidMessageContents", "InvalidParameterValue"})
"""Codes with which SQS refuses a batch because of a message in it. Source: SQS API reference, "SendMessageBatch"."""

logger = logging.getLogger(__name__)

_Grouped = tuple[Mapping[str, Any], str]


def has_group(record: Mapping[str, Any]) -> bool:
    """Whether Lambda's record of a queue message has a group."""
    return bool(record.get("attributes", {}).get("MessageGroupId"))


def came_at_once(record: Mapping[str, Any]) -> bool:
    """Whether the queue delivered the message as soon as it came: then no tenant waits, and the message needs no group.

    Source: SQS API reference, "ReceiveMessage": SentTimestamp and ApproximateFirstReceiveTimestamp, in milliseconds.
    """
    attributes = record.get("attributes", {})
    sent, received = attributes.get("SentTimestamp"), attributes.get("ApproximateFirstReceiveTimestamp")
    return bool(sent and received) and int(received) - int(sent) < AT_ONCE_MILLISECONDS


def send_all_again(sqs: SQSClient, queue_url: str, records: Sequence[_Grouped]) -> frozenset[str]:
    """Put messages into a queue, each with its group; returns the ids of accepted ones.

    A refused message of a batch stops no other. No error is raised where SQS accepts none.

    Args:
        sqs: a client.
        queue_url: of the queue.
        records: at most ten of Lambda's records, each with its tenant's group.
    """
    return frozenset(_sent(sqs, queue_url, records)) if records else frozenset()


def _sent(sqs: SQSClient, queue_url: str, records: Sequence[_Grouped]) -> Iterator[str]:
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {"Id": str(number), "MessageBody": record["body"], "MessageGroupId": group}
        for number, (record, group) in enumerate(records)
    ]
    try:
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    except (BotoCoreError, ClientError) as error:
        # Some of SQS's codes begin with the service's name.
        code = code_of(error).rpartition(".")[2]
        logger.warning("queue: %d messages could not be given their group: %s", len(records), code)
        if len(records) > 1 and code in _OF_ONE_MESSAGE:
            for one in records:
                yield from _sent(sqs, queue_url, [one])
        return
    for refused in answer.get("Failed", []):
        logger.warning("queue: a message could not be given its group: %s", refused["Code"])
    for taken in answer.get("Successful", []):
        yield str(records[int(taken["Id"])][0]["messageId"])
