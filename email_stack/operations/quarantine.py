"""What waits in a tenant's quarantine, and having it scanned anew."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from email_stack.config import Cell, Tenant
from email_stack.operations.aws import AwsError, aws_errors, session
from email_stack.operations.deployed import tenant_output, tenant_outputs
from email_stack.output.printable import counted
from mailroom.layout import APPROVED_PREFIX, CLEAN_PREFIX, DECISIONS_PREFIX, RAW_PREFIX
from mailroom.scanning.events import SETUP_NOTIFICATION, RawObject, look_message, rescan_message
from mailroom.scanning.records import read_record
from mailroom.scanning.release import Release
from mailroom.scanning.verdicts import Verdict
from mailroom.scanning.versions import kept_versions
from mailroom.turns import QUEUE_TAG

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

__all__ = ["WAITING", "DeliveredMessage", "Quarantine", "QuarantinedMessage"]

WAITING: Final = "waiting"
"""The verdict of a message that has none: it just arrived, or its queue message was lost."""

_AT_ONCE: Final = 16
_MOST_IN_A_BATCH: Final = 10
"""SQS API reference, "SendMessageBatch"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedMessage:
    """One message under `raw/`.

    Args:
        item: the object, and its version.
        arrived: when.
        size: how many.
        verdict: as recorded; `WAITING` when none is.
        reason: why it is held, where its verdict and the policy alone do not say; "" otherwise.
    """

    item: RawObject
    arrived: datetime
    size: int
    verdict: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveredMessage:
    """One message under `clean/`.

    Args:
        id: SES's id of the delivery.
        delivered: when.
        size: how many.
    """

    id: str
    delivered: datetime
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantine:
    """The quarantine of one deployed tenant.

    Args:
        bucket: the tenant's.
        s3: a client of its region.
        sqs: a client of its region.
    """

    bucket: str
    s3: S3Client
    sqs: SQSClient

    @classmethod
    def of(cls, tenant: Tenant, cell: Cell) -> Quarantine:
        """The quarantine that the tenant's stack made.

        Raises:
            NotDeployedError: there is no stack, or one that never was deployed whole.
            AwsError: AWS refused.
        """
        outputs = tenant_outputs(tenant, cell)
        own = session()
        return cls(
            bucket=tenant_output(outputs, "BucketName", tenant),
            s3=own.client("s3", region_name=cell.region),
            sqs=own.client("sqs", region_name=cell.region),
        )

    def messages(self) -> list[QuarantinedMessage]:
        """Every version of every message that is there, the oldest first; none that somebody deleted. Raises `AwsError`."""
        with aws_errors(f"bucket {self.bucket}: its quarantine cannot be read"), ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._with_verdict, self._objects()))
        return sorted(found, key=lambda message: (message.arrived, message.item))

    def rescan(self, messages: Sequence[QuarantinedMessage]) -> str:
        """Queue these messages; returns the id of the request. What the scanner then finds replaces their verdicts.

        Raises:
            AwsError: AWS refused any of them; which were queued before is not told, and queueing them again does no harm.
        """
        request = uuid.uuid4().hex
        self._queue([rescan_message(replace(message.item, rescan=request)) for message in messages])
        return request

    def delivered(self, since: datetime) -> list[DeliveredMessage]:
        """What was delivered since then and is there, the newest first; nothing that is to be sent. Raises `AwsError`."""
        with aws_errors(f"bucket {self.bucket}: its mail cannot be listed"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=CLEAN_PREFIX)
            found = [
                DeliveredMessage(
                    id=one["Key"].removeprefix(CLEAN_PREFIX), delivered=one["LastModified"], size=one["Size"]
                )
                for page in pages
                for one in page.get("Contents", [])
                if one["LastModified"] >= since and not one["Key"].startswith(APPROVED_PREFIX)
            ]
        return sorted(found, key=lambda message: (message.delivered, message.id), reverse=True)

    def look_again(self, messages: Sequence[DeliveredMessage]) -> None:
        """Have delivered messages scanned with the newest definitions, in this order; what is found to be malware is recalled.

        Raises:
            AwsError: as for `rescan`.
        """
        self._queue([look_message(self.bucket, message.id) for message in messages])

    def release(self, message: QuarantinedMessage, *, by: str, reason: str, at: datetime) -> str:
        """Queue one held message to be delivered, once it was scanned anew; returns the id of the request.

        The scanner has the last word: it lets no malware go, and nothing that it finds to be worse than the verdict here.

        Args:
            message: as it was listed.
            by: who asks.
            reason: why, in 1 to 200 printable characters; kept with the verdict.
            at: now, with a time zone.

        Raises:
            ValueError: the message has no verdict, or `reason` is none.
            AwsError: AWS refused.
        """
        release = Release(by=by, reason=reason, at=at, verdict=Verdict(message.verdict))
        return self.rescan([replace(message, item=replace(message.item, release=release))])

    def _queue(self, bodies: Sequence[str]) -> None:
        """Send these to the scanner's queue."""
        with aws_errors(f"bucket {self.bucket}: its messages cannot be queued"):
            queue = self._queue_url()
            for start in range(0, len(bodies), _MOST_IN_A_BATCH):
                entries: list[SendMessageBatchRequestEntryTypeDef] = [
                    {
                        "Id": str(number),
                        "MessageBody": body,
                        "MessageGroupId": self.bucket,  # SQS gives each tenant its turn by it
                    }
                    for number, body in enumerate(bodies[start : start + _MOST_IN_A_BATCH])
                ]
                refused = self.sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed", [])
                if refused:
                    raise AwsError(
                        f"queue {queue}: refused {counted(len(refused), 'message')}, the first with {refused[0]['Code']}"
                    )

    def _objects(self) -> Iterator[QuarantinedMessage]:
        for version in kept_versions(self.s3, self.bucket, RAW_PREFIX):
            if version["Key"] != SETUP_NOTIFICATION and not version["Key"].startswith(DECISIONS_PREFIX):
                yield QuarantinedMessage(
                    item=RawObject(self.bucket, version["Key"], version["VersionId"]),
                    arrived=version["LastModified"],
                    size=version["Size"],
                    verdict=WAITING,
                )

    def _with_verdict(self, message: QuarantinedMessage) -> QuarantinedMessage:
        record, _tag = read_record(self.s3, message.item)
        return (
            message if record is None else replace(message, verdict=record.result.verdict.value, reason=record.reason)
        )

    def _queue_url(self) -> str:
        """The queue that the scanner works on which serves the bucket, the cell's or the tenant's own.

        S3 tells arrivals there, or in a queue whose tag names it: what is sorted on the way loses who sent it.
        """
        configured = self.s3.get_bucket_notification_configuration(Bucket=self.bucket).get("QueueConfigurations", [])
        if not configured:
            raise AwsError(f"bucket {self.bucket}: notifies no scanner; deploy its tenant again")
        told = self.sqs.get_queue_url(QueueName=configured[0]["QueueArn"].rpartition(":")[2])["QueueUrl"]
        name = self.sqs.list_queue_tags(QueueUrl=told).get("Tags", {}).get(QUEUE_TAG)
        return told if name is None else self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
