"""Takes one object out of quarantine: scans it, delivers what may be delivered, records the verdict, removes the raw version.

Every step can be the last: whatever was done before is found again, and done once. The raw version goes last, so nothing is lost;
nothing is written under `clean/` that was not scanned as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.scanner.alerts import alerts_of
from mailroom.scanner.events import RawObject
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import AnswerCache, Engine, scan_message
from mailroom.scanning.verdicts import Action, Policy, ScanResult

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

__all__ = ["CLEAN_PREFIX", "VERDICT_PREFIX", "Intake", "Outcome", "Recipient"]

CLEAN_PREFIX: Final = "clean/"
VERDICT_PREFIX: Final = "verdicts/"

MAX_MESSAGE_OCTETS: Final = 45_000_000
"""SES takes messages of up to 40 MB. SES developer guide, "Service quotas", e-mail receiving."""

_SOMEBODY_ELSE: Final = timedelta(minutes=10)
"""How long a verdict without its alert is taken for another worker's; longer than one invocation lasts."""

_GONE: Final = {"NoSuchKey", "NoSuchVersion", "404"}
_TAKEN: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class Outcome(StrEnum):
    """What was done with one object."""

    DELIVERED = "delivered"
    STRIPPED = "stripped"
    HELD = "held"
    DELETED = "deleted"
    GONE = "gone"
    """Somebody had done it before."""


_OUTCOMES: Final = {
    Action.DELIVER: Outcome.DELIVERED,
    Action.STRIP: Outcome.STRIPPED,
    Action.HOLD: Outcome.HELD,
    Action.DELETE: Outcome.DELETED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Whose quarantine it is: the tenant's id, its policy, and the topic of its operators."""

    tenant: str
    policy: Policy
    topic_arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """The scanner's work, with what it works with.

    Args:
        s3: a client.
        sns: a client.
        engine: looks at files.
        recipient_of: the tenant of a bucket; raises `MailroomError` when that cannot be told.
        clock: the time now, with a time zone.
        cache: known answers.
    """

    s3: S3Client
    sns: SNSClient
    engine: Engine
    recipient_of: Callable[[str], Recipient]
    clock: Callable[[], datetime]
    cache: AnswerCache

    def take(self, item: RawObject) -> Outcome:
        """Work on one object until nothing is left to do.

        Raises:
            RetryableError: the engine or AWS failed, or another worker is at it.
            PermanentError: the clean message is there already, and is another version's.
        """
        recipient = self.recipient_of(item.bucket)
        try:
            raw = self._raw(item)
            if raw is None:
                return Outcome.GONE
            result = scan_message(raw, self.engine, self.cache)
            delivery = decide(raw, result, recipient.policy, rescan=self._scan, now=self.clock())
            self._tell(item, recipient, raw, result, delivery)
            if delivery.message is not None:
                self._deliver(item, delivery.message, result)
            if delivery.action is not Action.HOLD:
                self.s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
        except ClamdError as error:
            raise RetryableError(f"{_where(recipient, item)}: {error}") from error
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"{_where(recipient, item)}: {error}") from error
        return _OUTCOMES[delivery.action]

    def _scan(self, message: bytes) -> ScanResult:
        return scan_message(message, self.engine, self.cache)

    def _raw(self, item: RawObject) -> bytes | None:
        try:
            answer = self.s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return None
            raise
        if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
            raise PermanentError(f"{item.bucket}/{item.key}: has {answer['ContentLength']} octets, more than SES takes")
        return answer["Body"].read()

    def _tell(self, item: RawObject, recipient: Recipient, raw: bytes, result: ScanResult, delivery: Delivery) -> None:
        """Record the verdict, and tell the operators of each detection, once whoever else does the same at the same time."""
        key = f"{VERDICT_PREFIX}{item.message_id}/{item.version}.json"
        record = _record(item, recipient, result, delivery, self.clock())
        if not self._create(item.bucket, key, record):
            known = json.loads(self.s3.get_object(Bucket=item.bucket, Key=key)["Body"].read())
            if known["told"]:
                return
            if self.clock() - datetime.fromisoformat(known["time"]) < _SOMEBODY_ELSE:
                raise RetryableError(f"{_where(recipient, item)}: another worker is at it")
        now = self.clock()
        for alert in alerts_of(item, tenant=recipient.tenant, raw=raw, result=result, delivery=delivery, now=now):
            self.sns.publish(
                TopicArn=recipient.topic_arn, Subject=alert.subject, Message=alert.message, MessageStructure="json"
            )
        self.s3.put_object(
            Bucket=item.bucket, Key=key, Body=json.dumps({**record, "told": True}), ContentType="application/json"
        )

    def _create(self, bucket: str, key: str, record: dict[str, Any]) -> bool:
        """Write a record that is not there; False when it is."""
        try:
            self.s3.put_object(
                Bucket=bucket, Key=key, Body=json.dumps(record), ContentType="application/json", IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _TAKEN:
                return False
            raise
        return True

    def _deliver(self, item: RawObject, message: bytes, result: ScanResult) -> None:
        key = f"{CLEAN_PREFIX}{item.message_id}"
        try:
            self.s3.put_object(
                Bucket=item.bucket,
                Key=key,
                Body=message,
                ContentType="message/rfc822",
                IfNoneMatch="*",
                Metadata={"raw-version": item.version, "verdict": result.verdict.value},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _TAKEN:
                raise
            there = self.s3.head_object(Bucket=item.bucket, Key=key)["Metadata"].get("raw-version")
            if there != item.version:
                raise PermanentError(
                    f"{item.bucket}/{key}: holds version {there} of its message already, not {item.version}"
                ) from error


def _record(
    item: RawObject, recipient: Recipient, result: ScanResult, delivery: Delivery, now: datetime
) -> dict[str, Any]:
    """What is kept of a scan: verdicts and digests, no content. File names are the sender's words."""
    return {
        "tenant": recipient.tenant,
        "message_id": item.message_id,
        "raw_version": item.version,
        "time": now.isoformat(),
        "verdict": result.verdict.value,
        "action": delivery.action.value,
        "reason": delivery.reason,
        "definitions": result.definitions,
        "parts": [
            {
                "path": part.path,
                "filename": part.filename,
                "verdict": part.verdict.value,
                "signature": part.signature,
                "sha256": part.sha256,
                "octets": part.octets,
                "removed": part in delivery.removed,
            }
            for part in result.parts
        ],
        "told": False,
    }


def _where(recipient: Recipient, item: RawObject) -> str:
    return f'tenant "{recipient.tenant}": {item.bucket}/{item.key} version {item.version}'
