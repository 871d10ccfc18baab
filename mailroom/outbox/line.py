"""The queue of a tenant's function, as the function itself writes to it."""

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
    """Where messages wait for SES.

    Args:
        sqs: a client.
        url: of the queue.
    """

    sqs: SQSClient
    url: str

    def put_back(self, again: Again, seconds: int) -> None:
        """Have the queue bring it after so many seconds, at most 900: as a new message, which none was counted for.

        Raises RetryableError.
        """
        try:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=again.to_json(), DelaySeconds=seconds)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(
                f"{again.item.bucket}/{again.item.key}: cannot wait in the queue: {code_of(error)}"
            ) from error
