"""Mail in a tenant's quarantine, and its rescan."""

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
from mailroom.scanning.verdicts import Verdict
from mailroom.scanning.versions import kept_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from mailroom.scanning.events import RawObject

__all__ = ["WAITING", "DeliveredMessage", "Quarantine", "QuarantinedMessage"]

WAITING: Final = "waiting"
"""Verdict of a message without one: it just arrived, or its queue message was lost."""

_AT_ONCE: Final = 16
_MOST_IN_A_BATCH: Final = 10
"""SQS API reference, "SendMessageBatch"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedMessage:
    """One message under `raw/`.

    Args:
        item: the object, and its version.
        arrived: time of its arrival.
        size: size in bytes.
        verdict: recorded verdict; `WAITING` without one.
        reason: reason for holding it besides verdict and policy; "" otherwise.
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
        delivered: time of its delivery.
        size: size in bytes.
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
        """The quarantine of the tenant's stack.

        Raises:
            NotDeployedError: the stack does not exist, or was never deployed completely.
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
        """All versions of all messages that are not deleted, the oldest first. Raises `AwsError`."""
        with aws_errors(f"bucket {self.bucket}: its quarantine cannot be read"), ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._with_verdict, self._objects()))
        return sorted(found, key=lambda message: (message.arrived, message.item))

    def rescan(self, messages: Sequence[QuarantinedMessage]) -> str:
        """Queue these messages; returns the id of the request. The scanner's new verdicts replace the old ones.

        Raises:
            AwsError: AWS refused one of them. Others may be queued; queueing them again is harmless.
        """
        from mailroom.scanning.events import rescan_message  # noqa: PLC0415 - the scanner takes longer than most commands

        request = uuid.uuid4().hex
        self._queue([rescan_message(replace(message.item, rescan=request)) for message in messages])
        return request

    def delivered(self, since: datetime) -> list[DeliveredMessage]:
        """Delivered mail since a time, the newest first, without outgoing mail. Raises `AwsError`."""
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
        """Queue delivered messages for a rescan with the newest definitions, in this order; infected ones are recalled.

        Raises:
            AwsError: as for `rescan`.
        """
        from mailroom.scanning.events import look_message  # noqa: PLC0415 - as above

        self._queue([look_message(self.bucket, message.id) for message in messages])

    def release(self, message: QuarantinedMessage, *, by: str, reason: str, at: datetime) -> str:
        """Queue the release of one held message, after a rescan; returns the id of the request.

        The scanner decides: it releases no malware, and no message whose new verdict is worse than this one.

        Args:
            message: a listed message.
            by: the requester.
            reason: 1 to 200 printable characters, kept with the verdict.
            at: now, with a time zone.

        Raises:
            ValueError: the message has no verdict, or `reason` is none.
            AwsError: AWS refused.
        """
        from mailroom.scanning.release import Release  # noqa: PLC0415 - as above

        release = Release(by=by, reason=reason, at=at, verdict=Verdict(message.verdict))
        return self.rescan([replace(message, item=replace(message.item, release=release))])

    def _queue(self, bodies: Sequence[str]) -> None:
        """Send messages to the scanner's queue."""
        with aws_errors(f"bucket {self.bucket}: its messages cannot be queued"):
            queue = self._queue_url()
            for start in range(0, len(bodies), _MOST_IN_A_BATCH):
                entries: list[SendMessageBatchRequestEntryTypeDef] = [
                    {
                        "Id": str(number),
                        "MessageBody": body,
                        "MessageGroupId": self.bucket,  # message group, by which SQS gives each tenant its turn
                    }
                    for number, body in enumerate(bodies[start : start + _MOST_IN_A_BATCH])
                ]
                refused = self.sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed", [])
                if refused:
                    raise AwsError(
                        f"queue {queue}: refused {counted(len(refused), 'message')}, the first with {refused[0]['Code']}"
                    )

    def _objects(self) -> Iterator[QuarantinedMessage]:
        from mailroom.scanning.events import SETUP_NOTIFICATION, RawObject  # noqa: PLC0415 - as above

        for version in kept_versions(self.s3, self.bucket, RAW_PREFIX):
            if version["Key"] != SETUP_NOTIFICATION and not version["Key"].startswith(DECISIONS_PREFIX):
                yield QuarantinedMessage(
                    item=RawObject(self.bucket, version["Key"], version["VersionId"]),
                    arrived=version["LastModified"],
                    size=version["Size"],
                    verdict=WAITING,
                )

    def _with_verdict(self, message: QuarantinedMessage) -> QuarantinedMessage:
        from mailroom.scanning.records import read_record  # noqa: PLC0415 - boto3, see email_stack.operations.aws

        record, _tag = read_record(self.s3, message.item)
        return (
            message if record is None else replace(message, verdict=record.result.verdict.value, reason=record.reason)
        )

    def _queue_url(self) -> str:
        """URL of the queue of the bucket's scanner, the cell's or the tenant's own.

        S3 notifies that queue, or one whose tag names it: sorting on the way would replace the sender's id.
        """
        from mailroom.turns import QUEUE_TAG  # noqa: PLC0415 - boto3, see email_stack.operations.aws

        configured = self.s3.get_bucket_notification_configuration(Bucket=self.bucket).get("QueueConfigurations", [])
        if not configured:
            raise AwsError(f"bucket {self.bucket}: notifies no scanner; deploy its tenant again")
        told = self.sqs.get_queue_url(QueueName=configured[0]["QueueArn"].rpartition(":")[2])["QueueUrl"]
        name = self.sqs.list_queue_tags(QueueUrl=told).get("Tags", {}).get(QUEUE_TAG)
        return told if name is None else self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
