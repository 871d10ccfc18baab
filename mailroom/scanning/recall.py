"""Recalls a delivered message after malware was found in it.

A notice replaces the message, and the message returns to quarantine, where it is scanned like an arrival: the result of the
tenant's policy replaces the notice. Each step can fail: the next try finds the finished steps and continues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.faults import GONE, code_of
from mailroom.layout import OUTGOING_PREFIX, RAW_PREFIX, RECALLED_MARK, VERDICT_PREFIX
from mailroom.messages.parse import digest_of
from mailroom.metric_names import RECALLED
from mailroom.scanning.alerts import recall_alert
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.clean_objects import Standing, clean_key, deliver, read_clean, recall_metadata, standing_at
from mailroom.scanning.events import RawObject
from mailroom.scanning.lanes import QUICK_SECONDS, TooSlowError, quickly, was_cut
from mailroom.scanning.ledger import Entry, short
from mailroom.scanning.scan import AnswerCache, Deadline, Engine, scan_message
from mailroom.scanning.tags import Recipient
from mailroom.scanning.verdicts import ScanResult, Verdict
from mailroom.scanning.versions import kept_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

__all__ = ["NOTICE", "Recalls", "Seen"]

NOTICE: Final = (
    b"Subject: Message withdrawn\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"This message was withdrawn after it was delivered, because malware was found in it.\r\n"
    b"What of it is harmless comes back in this place where the settings of your mail say so.\r\n"
)
"""The notice in the place of a recalled message."""

_MAIL: Final = {"ContentType": "message/rfc822"}


class Seen(StrEnum):
    """Result of a look at a delivered message."""

    CLEAN = "clean"
    RECALLED = "recalled"
    GONE = "gone"
    """It is not there, or another stands there by now: it ended, was deleted, or was recalled before."""
    SLOW = "slow"
    """Put into the slow lane, undecided."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalls:
    """The rescans and recalls of delivered mail, with their collaborators.

    Args:
        s3: a client.
        sns: a client.
        engine: scans files.
        recipient_of: the tenant of a bucket; raises `MailroomError` if that is unknown.
        clock: the time now, with a time zone.
        cache: known answers.
        count: counts recalls.
        most_seconds: time for the scan of one message. Default: 150.
        defer: asks the slow lane for a scan, by bucket and id of the delivery; raises RetryableError. Default: None, the scan has
            `most_seconds`; with it, as long as in the quick lane.
    """

    s3: S3Client
    sns: SNSClient
    engine: Engine
    recipient_of: Callable[[str], Recipient]
    clock: Callable[[], datetime]
    cache: AnswerCache
    count: Callable[[str, int], None]
    most_seconds: float = 150.0
    defer: Callable[[str, str], None] | None = None

    def look(self, bucket: str, id: str, delivered: str = "") -> Seen:
        """Scan a delivered message with the present definitions, and recall it if they find malware.

        Args:
            bucket: the tenant's.
            id: SES's id of the delivery.
            delivered: digest of the delivered message, as in `short`; another digest is another message. Default: any.

        Raises:
            RetryableError: the engine or AWS failed, or another worker holds the lock.
        """
        recipient, item = self.recipient_of(bucket), _item(bucket, id)
        try:
            standing = self._standing(recipient, item, delivered)
            if standing is None:
                return Seen.GONE
            if standing.notice is not None:
                return self._finish(recipient, item, standing, "")
            octets = read_clean(self.s3, item, standing)
            result = self._scanned(octets)
            if result is None:
                return self._deferred(bucket, id)
            if not result.infected:
                return Seen.CLEAN
            signature = next(part.signature for part in result.found if part.verdict is Verdict.INFECTED)
            return self._recall(recipient, item, standing, standing.recalled or digest_of(octets), signature)
        except (ClamdError, BotoCoreError, ClientError) as error:
            raise RetryableError(f"{_where(recipient, item)}: {error}") from error

    def _scanned(self, octets: bytes) -> ScanResult | None:
        """None where a limit of the quick lane ended the scan before it found malware."""
        if self.defer is None:
            return scan_message(octets, self.engine, self.cache, Deadline.after(self.most_seconds))
        try:
            with quickly():
                result = scan_message(octets, self.engine, self.cache, Deadline.after(QUICK_SECONDS))
        except TooSlowError:
            return None
        return result if result.infected or not was_cut(result) else None

    def _deferred(self, bucket: str, id: str) -> Seen:
        if self.defer is not None:
            self.defer(bucket, id)
        return Seen.SLOW

    def at_once(self, entry: Entry, signature: str) -> Seen:
        """Recall a delivered message with a known infected part. Reads no mail.

        Args:
            entry: the delivery.
            signature: finding in the part.

        Raises:
            RetryableError: AWS failed, or another worker holds the lock.
        """
        recipient, item = self.recipient_of(entry.bucket), _item(entry.bucket, entry.id)
        try:
            standing = self._standing(recipient, item, entry.delivered)
            if standing is None:
                return Seen.GONE
            if standing.notice is not None:
                return self._finish(recipient, item, standing, signature)
            return self._recall(recipient, item, standing, standing.recalled or entry.message, signature)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"{_where(recipient, item)}: {error}") from error

    def _standing(self, recipient: Recipient, item: RawObject, delivered: str) -> Standing | None:
        """The message, or the notice in its place; None where both are missing, or the message is another one."""
        if not recipient.mail or item.key.startswith(OUTGOING_PREFIX):
            return None
        standing = standing_at(self.s3, item)
        if standing is None:
            return None
        if standing.notice is not None:
            return standing if standing.original else None
        return standing if not delivered or (standing.sha256 and short(standing.sha256) == delivered) else None

    def _recall(self, recipient: Recipient, item: RawObject, standing: Standing, digest: str, signature: str) -> Seen:
        said = recall_metadata(standing, digest=digest, signature=signature)
        if not deliver(self.s3, item, NOTICE, metadata=said, headers=_MAIL, replaces=standing):
            raise RetryableError(f"{_where(recipient, item)}: locked by another worker")
        notice = standing_at(self.s3, item)
        if notice is None or not notice.original:
            raise RetryableError(f"{_where(recipient, item)}: locked by another worker")
        return self._finish(recipient, item, notice, signature)

    def _finish(self, recipient: Recipient, item: RawObject, notice: Standing, signature: str) -> Seen:
        """The steps after the notice."""
        if self._was_taken_back(item, notice):
            return Seen.GONE
        now = self.clock()
        alert = recall_alert(item, tenant=recipient.tenant, signature=signature or notice.signature, now=now)
        # The alert comes before the copy: once the message is in quarantine, these steps are not repeated.
        self.sns.publish(
            TopicArn=recipient.topic_arn, Subject=alert.subject, Message=alert.message, MessageStructure="json"
        )
        self.count(RECALLED, 1)
        try:
            self.s3.copy_object(
                Bucket=item.bucket,
                Key=item.key,
                CopySource={"Bucket": item.bucket, "Key": clean_key(item), "VersionId": notice.original},
                Metadata={RECALLED_MARK: notice.recalled},
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                ContentType="message/rfc822",
            )
        except ClientError as error:
            # S3 deletes the replaced message after a day: then the notice stays.
            if code_of(error) not in GONE:
                raise
        return Seen.RECALLED

    def _was_taken_back(self, item: RawObject, notice: Standing) -> bool:
        """Whether the message is in quarantine again, or has a new verdict from there."""
        if any(one["Key"] == item.key for one in kept_versions(self.s3, item.bucket, item.key)):
            return True
        own = f"{VERDICT_PREFIX}{item.message_id}/"
        listed = self.s3.list_objects_v2(Bucket=item.bucket, Prefix=own).get("Contents", [])
        later = [one["Key"] for one in listed if notice.since is not None and one["LastModified"] >= notice.since]
        return any(key != f"{own}{notice.raw_version}.json" for key in later)


def _item(bucket: str, id: str) -> RawObject:
    return RawObject(bucket, f"{RAW_PREFIX}{id}", "")


def _where(recipient: Recipient, item: RawObject) -> str:
    return f'tenant "{recipient.tenant}": {item.bucket}/{clean_key(item)}'
