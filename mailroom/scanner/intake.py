"""Takes one object out of quarantine: scans it, delivers what may be delivered, records the verdict, removes the raw version.

Every step can be the last: whatever was done before is found again, and done once. The raw version goes last, so nothing is lost;
nothing is written under `clean/` that was not scanned as it is.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.announcements.events import MessageHeld
from mailroom.errors import PermanentError, RetryableError
from mailroom.layout import CLEAN_PREFIX, MAX_MESSAGE_OCTETS, VERDICT_PREFIX
from mailroom.metric_names import DETECTIONS
from mailroom.scanner.alerts import alerts_of
from mailroom.scanner.events import RawObject
from mailroom.scanner.tags import Recipient
from mailroom.scanner.versions import is_kept
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import AnswerCache, Deadline, Engine, scan_message
from mailroom.scanning.verdicts import Action, PartVerdict, ScanResult, Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

__all__ = ["Intake", "Outcome"]

_ENVELOPE_OCTETS: Final = 64_000
"""Where SES writes the envelope: in front of a message."""

_SOMEBODY_ELSE: Final = timedelta(minutes=10)
"""How long a verdict without its alert is taken for another worker's; longer than one invocation lasts."""

_RESERVED_SECONDS: Final = 140
"""Of an invocation, for the engine's last answer (120 at most), the verdict, the alerts and the delivery."""
_LEAST_SECONDS: Final = 30
"""With less, a message would be over the limit because the engine had just been started."""

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


def _nobody_counts(_name: str, _number: int) -> None:
    pass


def _no_end() -> float:
    return math.inf


def _nobody_hears(_event: MessageHeld) -> None:
    pass


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
        count: counts detections, and what becomes of messages. Default: nobody does.
        announce: tells others of a message that is held; raises RetryableError. Default: nobody is told.
        seconds_left: how long the invocation may still last. Default: for ever.
        most_seconds: what one message may take; what takes longer is over the limit. Real mail takes less than ten. Default: 150.
    """

    s3: S3Client
    sns: SNSClient
    engine: Engine
    recipient_of: Callable[[str], Recipient]
    clock: Callable[[], datetime]
    cache: AnswerCache
    count: Callable[[str, int], None] = _nobody_counts
    announce: Callable[[MessageHeld], None] = _nobody_hears
    seconds_left: Callable[[], float] = _no_end
    most_seconds: float = 150.0

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
            deadline = self._deadline(recipient, item)
            result = scan_message(raw, self.engine, self.cache, deadline)
            delivery = decide(
                raw,
                result,
                recipient.policy,
                rescan=lambda left: scan_message(left, self.engine, self.cache, deadline),
                now=self.clock(),
            )
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

    def hold(self, item: RawObject) -> Outcome:
        """Leave an object that could not be scanned where it is: its verdict is `error`, and the operators are told.

        Raises:
            RetryableError: AWS failed, or another worker is at it.
            PermanentError: there is a verdict that lets the message go, and it could not be carried out.
        """
        recipient = self.recipient_of(item.bucket)
        try:
            beginning = self._raw(item, most=_ENVELOPE_OCTETS)
            if beginning is None:
                return Outcome.GONE
            known, _tag = self._known(item)
            if known is not None and known["told"] and known["action"] == Action.HOLD.value and _asked(item, known):
                return Outcome.HELD
            if known is not None and known["told"] and known["action"] != Action.HOLD.value:
                raise PermanentError(f"{_where(recipient, item)}: was to be {known['action']}, which cannot be done")
            failed = PartVerdict(
                path="", filename="", verdict=Verdict.ERROR, signature="Scan.Failed", sha256="", octets=0
            )
            result = ScanResult(verdict=Verdict.ERROR, parts=(failed,), definitions="")
            delivery = Delivery(action=Action.HOLD, reason="the scan failed")
            self._tell(item, recipient, beginning, result, delivery)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"{_where(recipient, item)}: {error}") from error
        return Outcome.HELD

    def _deadline(self, recipient: Recipient, item: RawObject) -> Deadline:
        """Until when the message may be worked on. Raises RetryableError when the invocation is nearly over."""
        seconds = min(self.most_seconds, self.seconds_left() - _RESERVED_SECONDS)
        if seconds < min(_LEAST_SECONDS, self.most_seconds):
            raise RetryableError(
                f"{_where(recipient, item)}: too little time is left of this invocation; is tried again"
            )
        return Deadline.after(seconds)

    def _raw(self, item: RawObject, most: int | None = None) -> bytes | None:
        """The message, or so many octets of its beginning; None when it is gone.

        Somebody may have deleted it since it was listed to be scanned anew: then its version can still be read.
        """
        if item.rescan and not is_kept(self.s3, item.bucket, item.key, item.version):
            return None
        try:
            answer = self.s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return None
            raise
        if most is not None:
            with closing(answer["Body"]) as body:
                return body.read(most)
        if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
            raise PermanentError(f"{item.bucket}/{item.key}: has {answer['ContentLength']} octets, more than SES takes")
        return answer["Body"].read()

    def _tell(self, item: RawObject, recipient: Recipient, raw: bytes, result: ScanResult, delivery: Delivery) -> None:
        """Record the verdict, and tell the operators of each detection, once whoever else does the same at the same time."""
        now = self.clock()
        told = list(alerts_of(item, tenant=recipient.tenant, raw=raw, result=result, delivery=delivery, now=now))
        # With nobody to tell, one request is enough; and most mail is clean.
        held = delivery.action is Action.HOLD
        record = {**_record(item, recipient, result, delivery, now), "told": not told and not held}
        if not self._write(item, record, IfNoneMatch="*"):
            known, tag = self._known(item)
            same = known is not None and all(known[name] == record[name] for name in ("verdict", "action"))
            if known is not None and known["told"] and same and _asked(item, known):
                return
            since = self.clock() - datetime.fromisoformat(known["time"]) if known is not None else timedelta()
            if (
                known is None
                or (not known["told"] and since < _SOMEBODY_ELSE)
                or not self._write(item, record, IfMatch=tag)
            ):
                raise RetryableError(f"{_where(recipient, item)}: another worker is at it")
        for alert in told:
            self.sns.publish(
                TopicArn=recipient.topic_arn, Subject=alert.subject, Message=alert.message, MessageStructure="json"
            )
        if told and result.verdict is not Verdict.ERROR:
            self.count(DETECTIONS, len(told))
        if held:
            self.announce(
                MessageHeld(
                    tenant=recipient.tenant,
                    delivery=item.message_id,
                    verdict=result.verdict.value,
                    reason=delivery.reason,
                    held=now,
                )
            )
        if told or held:
            self._write(item, {**record, "told": True})

    def _known(self, item: RawObject) -> tuple[dict[str, Any] | None, str]:
        """The verdict that is recorded, and its entity tag; None where there is none."""
        try:
            answer = self.s3.get_object(Bucket=item.bucket, Key=_verdict_key(item))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return None, ""
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]

    def _write(self, item: RawObject, record: dict[str, Any], **condition: str) -> bool:
        """Write the record; False where the condition does not hold."""
        try:
            self.s3.put_object(
                Bucket=item.bucket,
                Key=_verdict_key(item),
                Body=json.dumps(record),
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
            )
        except ClientError as error:
            if condition and error.response.get("Error", {}).get("Code") in _TAKEN:
                return False
            raise
        return True

    def _deliver(self, item: RawObject, message: bytes, result: ScanResult) -> None:
        key = f"{CLEAN_PREFIX}{item.message_id}"
        digest = hashlib.sha256(message).hexdigest()
        try:
            self.s3.put_object(
                Bucket=item.bucket,
                Key=key,
                Body=message,
                ContentType="message/rfc822",
                IfNoneMatch="*",
                Metadata={"raw-version": item.version, "verdict": result.verdict.value, "sha256": digest},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _TAKEN:
                raise
            there = self.s3.head_object(Bucket=item.bucket, Key=key)["Metadata"]
            if there.get("raw-version") != item.version and there.get("sha256") != digest:
                raise PermanentError(
                    f"{item.bucket}/{key}: holds version {there.get('raw-version')} of its message already, not {item.version}"
                ) from error


def _record(
    item: RawObject, recipient: Recipient, result: ScanResult, delivery: Delivery, now: datetime
) -> dict[str, Any]:
    """What is kept of a scan: verdicts and digests, no content. File names are the sender's words."""
    return {
        "tenant": recipient.tenant,
        "message_id": item.message_id,
        "raw_version": item.version,
        "rescan": item.rescan,
        "time": now.isoformat(),
        "verdict": result.verdict.value,
        "action": delivery.action.value,
        "reason": delivery.reason,
        "definitions": result.definitions,
        "parts": [{**part.document, "removed": part in delivery.removed} for part in result.parts],
    }


def _asked(item: RawObject, known: dict[str, Any]) -> bool:
    """Whether the recorded verdict is on this request, and not on an earlier one."""
    return item.rescan in {"", known["rescan"]}


def _verdict_key(item: RawObject) -> str:
    return f"{VERDICT_PREFIX}{item.message_id}/{item.version}.json"


def _where(recipient: Recipient, item: RawObject) -> str:
    return f'tenant "{recipient.tenant}": {item.bucket}/{item.key} version {item.version}'
