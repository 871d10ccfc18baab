"""Has SQS give each tenant its turn.

One queue serves all tenants of a cell. SQS serves quiet ones first while one of them has many messages, or messages that take long,
where it can tell them apart: by the message group. S3's notifications have none, so each is sent again, once, with its bucket as
the group.

Source: SQS developer guide, "How Amazon SQS fair queues work": a message without a MessageGroupId is a tenant by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import MailroomError
from mailroom.scanner.events import raw_objects

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["Turns"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turns:
    """Puts messages back into the queue that they came from, under the name of their tenant.

    Args:
        sqs: a client.
        queue_url: of that queue; "" passes nothing on.
    """

    sqs: SQSClient
    queue_url: str

    def pass_on(self, record: Mapping[str, Any]) -> bool:
        """Whether the record was sent again with a group, and this one is done.

        False for one that has a group, that is about no bucket or several, that is an operator's release, whose sender SQS knows,
        or that SQS does not take now: it is worked on at once.
        """
        if not self.queue_url or record.get("attributes", {}).get("MessageGroupId"):
            return False
        try:
            items = list(raw_objects(record["body"]))
        except MailroomError:
            return False
        buckets = {item.bucket for item in items}
        if len(buckets) != 1 or any(item.release is not None for item in items):
            return False
        try:
            self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=record["body"], MessageGroupId=buckets.pop())
        except (BotoCoreError, ClientError) as error:
            logger.warning("queue: a message could not be given its group: %s", type(error).__name__)
            return False
        return True
