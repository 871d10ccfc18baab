"""Has SQS give each tenant its turn.

S3's notifications have no message group: each is sent again, once, with its bucket as the group. See `mailroom.turns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailroom.errors import MailroomError
from mailroom.scanning.events import raw_objects
from mailroom.turns import has_group, send_again

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

__all__ = ["Turns"]


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
        if not self.queue_url or has_group(record):
            return False
        try:
            items = list(raw_objects(record["body"]))
        except MailroomError:
            return False
        buckets = {item.bucket for item in items}
        if len(buckets) != 1 or any(item.release is not None for item in items):
            return False
        return send_again(self.sqs, self.queue_url, record, buckets.pop())
