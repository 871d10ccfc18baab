"""The queue of a tenant's function, to which the function itself writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.faults import code_of
from mailroom.outbox.again import Again

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["Line"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Queue of messages that wait for SES.

    Args:
        sqs: a client.
        url: of the queue.
    """

    sqs: SQSClient
    url: str

    def put_back(self, again: Again, seconds: int) -> None:
        """Put a message into the queue with a delay of at most 900 seconds: as a new one, whose tries are counted from zero.

        Raises RetryableError.
        """
        try:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=again.to_json(), DelaySeconds=seconds)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(
                f"{again.item.bucket}/{again.item.key}: cannot wait in the queue: {code_of(error)}"
            ) from error
