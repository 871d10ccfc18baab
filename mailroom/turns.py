"""Has SQS give each tenant its turn.

One queue serves all tenants of a cell. SQS serves quiet ones first while one of them has many messages, or messages that take long,
where it can tell them apart: by the message group. What AWS's services send has none of its own, so each message is sent again,
once, with its tenant as the group.

Source: SQS developer guide, "How Amazon SQS fair queues work": a message without a MessageGroupId is a tenant by itself.
EventBridge API reference, SqsParameters: a rule names one group for all of its events.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["has_group", "send_again", "send_all_again"]

logger = logging.getLogger(__name__)


def has_group(record: Mapping[str, Any]) -> bool:
    """Whether a queue message, as Lambda hands it over, was sent with a group."""
    return bool(record.get("attributes", {}).get("MessageGroupId"))


def send_all_again(sqs: SQSClient, queue_url: str, records: Sequence[tuple[Mapping[str, Any], str]]) -> frozenset[str]:
    """As `send_again`, for at most ten messages at once; returns the ids of those that are done.

    A burst of one tenant's stands before everybody's until its messages have their group: that must take less than working on them.
    """
    if not records:
        return frozenset()
    try:
        answer = sqs.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "MessageBody": record["body"], "MessageGroupId": group}
                for number, (record, group) in enumerate(records)
            ],
        )
    except (BotoCoreError, ClientError) as error:
        logger.warning("queue: messages could not be given their group: %s", type(error).__name__)
        return frozenset()
    return frozenset(records[int(one["Id"])][0]["messageId"] for one in answer.get("Successful", []))


def send_again(sqs: SQSClient, queue_url: str, record: Mapping[str, Any], group: str) -> bool:
    """Whether the message was put into the queue again with a group, and this one is done; False where SQS does not take it now.

    Args:
        sqs: a client.
        queue_url: of the queue that it came from.
        record: the message, as Lambda hands it over.
        group: its tenant's.
    """
    try:
        sqs.send_message(QueueUrl=queue_url, MessageBody=record["body"], MessageGroupId=group)
    except (BotoCoreError, ClientError) as error:
        logger.warning("queue: a message could not be given its group: %s", type(error).__name__)
        return False
    return True
