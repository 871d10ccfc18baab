"""The wait of a failed queue message for its next try.

A queue hides a message for at least six times the function's time-out, so that a message without room in Lambda does not count as
tried. After a quick failure, the wait for the next try is cut.

Source: Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping"; SQS developer guide, "Amazon SQS
visibility timeout": the new time-out begins when it is set.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["try_again_after"]

_ARN_FIELDS: Final = 6

logger = logging.getLogger(__name__)


def try_again_after(
    sqs: SQSClient,
    seconds: int | Callable[[Mapping[str, Any]], int],
    event: Mapping[str, Any],
    answer: Mapping[str, Sequence[Mapping[str, str]]],
) -> None:
    """Have the queue deliver the failed messages of a batch again after so many seconds.

    If SQS refuses that, they come later, at the end of their visibility time-out: no error is raised.

    Args:
        sqs: a client.
        seconds: wait from now on, of all messages or by the message.
        event: Lambda's event of the batch.
        answer: of the batch, with the failed messages.
    """
    failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    for record in event["Records"]:
        if record["messageId"] in failed and "receiptHandle" in record:
            try:
                sqs.change_message_visibility(
                    QueueUrl=_url(sqs, record["eventSourceARN"]),
                    ReceiptHandle=record["receiptHandle"],
                    VisibilityTimeout=seconds if isinstance(seconds, int) else seconds(record),
                )
            except (BotoCoreError, ClientError) as error:
                logger.warning("message %s: is tried again later: %s", record["messageId"], error)


def _url(sqs: SQSClient, arn: str) -> str:
    """URL of the queue, made from its ARN without a look-up and its permission. Source: SQS developer guide, "Queue URLs"."""
    account, name = arn.split(":", _ARN_FIELDS - 1)[-2:]
    return f"{sqs.meta.endpoint_url.rstrip('/')}/{account}/{name}"
