"""Processes one object in quarantine: scans it, delivers it by policy, records the verdict, removes the raw version.

Every step can fail: the next try finds the finished steps and does not repeat them. The order is: record the verdict, deliver the
message, alert operators, delete the raw version. So no message is lost, no alert is wrong, and `clean/` has only scanned bytes.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.events.inbound import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.held_mail import held_id
from mailroom.layout import MAX_MESSAGE_OCTETS, OUTBOX_MARK, OUTGOING_PREFIX, RECALLED_MARK
from mailroom.messages.dmarc import DmarcPolicy
from mailroom.metric_names import DETECTIONS
from mailroom.scanning import decisions, holding
from mailroom.scanning.active.risks import Reaction
from mailroom.scanning.arrived import ENVELOPE_OCTETS, Arrived, read_raw
from mailroom.scanning.authentication import fails_dmarc
from mailroom.scanning.carry_out import bring_again, deliver_by, notify_of
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.clean_objects import read_clean, standing_at
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.events import RawObject
from mailroom.scanning.lanes import QuickLane, TooSlowError, Turn, was_cut
from mailroom.scanning.ledger import Ledger
from mailroom.scanning.limits import beyond_limits
from mailroom.scanning.noting import bad_parts, entry_of
from mailroom.scanning.plans import Case, Plan, plans_for
from mailroom.scanning.records import VerdictRecord, read_record, write_record
from mailroom.scanning.release import DISCARDED, Release
from mailroom.scanning.scan import AnswerCache, Deadline, Engine, scan_message
from mailroom.scanning.tags import Recipient
from mailroom.scanning.telling import alerts_on, event_on
from mailroom.scanning.vanished import tell_gone
from mailroom.scanning.verdicts import Action, PartVerdict, ScanResult, Verdict, policy_on

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

__all__ = ["Intake", "Outcome"]

_LOCK_TIME: Final = timedelta(minutes=10)
"""Age up to which a verdict without its alert belongs to another worker; longer than one invocation lasts."""

_RESERVED_SECONDS: Final = 140
"""Seconds of an invocation for the engine's last answer (120 at most), the verdict, the alerts and the delivery."""
_LEAST_SECONDS: Final = 30
"""Least seconds for a scan: with less, a message would be over the limit after a start of the engine."""


class Outcome(StrEnum):
    """Result of processing one object."""

    DELIVERED = "delivered"
    STRIPPED = "stripped"
    HELD = "held"
    DELETED = "deleted"
    GONE = "gone"
    """Another worker has finished it, or the object was deleted."""
    NOTHING = "nothing"
    """It is a folder's mark, or a request about a message that is not held any more."""
    RELEASED = "released"
    """Delivered as it came, because an operator or an application said so."""
    SLOW = "slow"
    """Put into the slow lane, undecided."""


_OUTCOMES: Final = {
    Action.DELIVER: Outcome.DELIVERED,
    Action.STRIP: Outcome.STRIPPED,
    Action.HOLD: Outcome.HELD,
    Action.DELETE: Outcome.DELETED,
}


def _ignore_count(_name: str, _number: int) -> None:
    pass


def _no_end() -> float:
    return math.inf


def _unknown_policy(_domain: str) -> DmarcPolicy:
    return DmarcPolicy.UNKNOWN


def _ignore_event(_event: MessageHeld | MessageReleased | MessageDiscarded) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """The scanner's processing of one object, with its collaborators.

    Args:
        s3: a client.
        sns: a client.
        engine: scans files.
        recipient_of: the tenant of a bucket; raises `MailroomError` if that is unknown.
        clock: the time now, with a time zone.
        cache: known answers.
        count: counts detections and actions. Default: no count.
        publish: publishes the event of a held, released or discarded message; raises RetryableError. Default: publishes nothing.
        seconds_left: remaining time of the invocation. Default: unlimited.
        dmarc_policy_of: DMARC policy of a domain. Default: unknown, which counts as failed.
        most_seconds: time for one message; beyond it the message is over the limit. Real mail takes less than ten. Default: 150.
        ledger: records delivered mail and infected parts. Default: None, no records and no recall.
        pause: waits so many seconds. Default: Python's own.
        quick: of a worker of the quick lane, where a slow scan ends undecided. Default: None, it is another one.
    """

    s3: S3Client
    sns: SNSClient
    engine: Engine
    recipient_of: Callable[[str], Recipient]
    clock: Callable[[], datetime]
    cache: AnswerCache
    count: Callable[[str, int], None] = _ignore_count
    publish: Callable[[MessageHeld | MessageReleased | MessageDiscarded], None] = _ignore_event
    seconds_left: Callable[[], float] = _no_end
    dmarc_policy_of: Callable[[str], DmarcPolicy] = _unknown_policy
    most_seconds: float = 150.0
    ledger: Ledger | None = None
    pause: Callable[[float], None] = time.sleep
    quick: QuickLane | None = None

    def take(self, item: RawObject) -> Outcome:
        """Process one object until no step is left.

        Raises:
            RetryableError: the engine or AWS failed, or another worker holds the lock.
            TooSlowError: the message must go into the slow lane.
            PermanentError: the clean message is there already, and is another version's.
        """
        recipient = self.recipient_of(item.bucket)
        if recipient.mail and decisions.is_decision(item):
            return self._on_request(item, recipient, self.take)
        with _failures(recipient, item):
            arrived = read_raw(self.s3, item)
            if arrived is None:
                return self._gone(item, recipient)
            if _is_folder(item, arrived):
                return Outcome.NOTHING
            self._check_time(recipient, item)
            if self.quick is None or arrived.size > MAX_MESSAGE_OCTETS:
                return self._carry_out(item, recipient, arrived, self._decided(item, recipient, arrived))
            with self.quick.timed(item.bucket, arrived.data) as turn:
                fresh = self._decided(item, recipient, arrived, turn)
            return self._carry_out(item, recipient, arrived, fresh)

    def hold(self, item: RawObject) -> Outcome:
        """Hold an object whose scan failed: its verdict is `error`, and operators get an alert.

        Decisions, alerts and deliveries of an earlier try stay valid, and are finished. If the object was held for the same reason
        before, and an operator released it, it is delivered unscanned, with that verdict.

        Raises:
            RetryableError: AWS failed, or another worker holds the lock.
            PermanentError: an earlier verdict delivers the message, which is not possible.
        """
        recipient = self.recipient_of(item.bucket)
        if recipient.mail and decisions.is_decision(item):
            return self._on_request(item, recipient, self.hold)
        with _failures(recipient, item):
            arrived = read_raw(self.s3, item, most=ENVELOPE_OCTETS if item.release is None else MAX_MESSAGE_OCTETS)
            if arrived is None:
                return self._gone(item, recipient)
            if _is_folder(item, arrived):
                return Outcome.NOTHING
            failed = PartVerdict(
                path="", filename="", verdict=Verdict.ERROR, signature="Scan.Failed", sha256="", size=0
            )
            result = ScanResult(verdict=Verdict.ERROR, parts=(failed,), definitions="")
            fresh = Plan(result=result, delivery=Delivery(action=Action.HOLD, reason="the scan failed"))
            return self._carry_out(item, recipient, arrived, fresh)

    def _on_request(self, item: RawObject, recipient: Recipient, release: Callable[[RawObject], Outcome]) -> Outcome:
        """Execute an application's request, then delete it."""
        with _failures(recipient, item):
            asked = decisions.asked_by(self.s3, item, _where(recipient, item))
            if asked is not None:
                decisions.wait_for_end(self.s3, asked, self.pause)
        outcome = Outcome.NOTHING
        if asked is not None:
            outcome = (
                release(asked.item) if asked.discard is None else self._discard(asked.item, recipient, asked.discard)
            )
        with _failures(recipient, item):
            decisions.ended(self.s3, item, asked, gone=outcome is Outcome.GONE)
        return outcome

    def _discard(self, item: RawObject, recipient: Recipient, discard: Release) -> Outcome:
        """Delete a held message unscanned; its verdict stays, with the requester."""
        with _failures(recipient, item):
            arrived = read_raw(self.s3, item, most=ENVELOPE_OCTETS)
            known, _tag = read_record(self.s3, item)
            if arrived is None or known is None:
                return Outcome.GONE
            delivery = Delivery(action=Action.DELETE, reason=DISCARDED, risks=known.risks)
            plan = Plan(result=known.result, delivery=delivery, findings=known.findings, discard=discard)
            return self._carry_out(item, recipient, arrived, plan)

    def _gone(self, item: RawObject, recipient: Recipient) -> Outcome:
        if recipient.mail:
            tell_gone(self.s3, item)
        return Outcome.GONE

    def _decided(self, item: RawObject, recipient: Recipient, arrived: Arrived, turn: Turn | None = None) -> Plan:
        """Action for the present findings."""
        limited = beyond_limits(item, arrived, recipient.policy)
        if limited is not None:
            return limited
        raw = arrived.data
        scan = partial(self._scan, turn=turn)
        result = scan(raw)
        policy = policy_on(recipient.policy, outgoing=_is_outgoing(item, recipient, arrived))
        asked = recipient.mail and policy.unauthenticated is not Reaction.DELIVER
        fails = asked and fails_dmarc(raw, self.dmarc_policy_of)
        delivery = decide(raw, result, policy, rescan=scan, now=self.clock(), unauthenticated=fails)
        delivered = hashlib.sha256(delivery.message).hexdigest() if delivery.message is not None else ""
        return Plan(result=result, delivery=delivery, delivered=delivered)

    def _carry_out(self, item: RawObject, recipient: Recipient, arrived: Arrived, fresh: Plan) -> Outcome:
        """Execute the steps that earlier tries left."""
        outgoing = _is_outgoing(item, recipient, arrived)
        case = Case(
            item=item,
            arrived=arrived,
            once=recipient.mail or outgoing,
            policy=recipient.policy,
            scan_delivered=lambda standing: self._scan(read_clean(self.s3, item, standing)),
            standing=standing_at(self.s3, item) if outgoing or not recipient.mail else None,
        )
        case, todo, written, tag = self._planned(recipient, fresh, case)
        for plan in todo:
            if written is None and not plan.recorded:
                written = self._record(item, recipient, plan, replaces=tag)
                if written is None:
                    raise RetryableError(f"{_where(recipient, item)}: locked by another worker")
            if plan.delivery.message is not None:
                deliver_by(plan, case, self.s3, _where(recipient, item))
            elif outgoing and plan.delivery.action in {Action.HOLD, Action.DELETE}:
                notify_of(plan, case, self.s3, _where(recipient, item))
            if plan.held and recipient.mail:
                description = holding.description_of(item, arrived, plan, self.clock())
                holding.write_description(self.s3, item.bucket, description)
            tag = self._tell(item, recipient, arrived, plan) or written or tag
            written = None
        last = todo[-1]
        if outgoing:
            bring_again(last, case, self.s3, _where(recipient, item))
        if self.ledger is not None and recipient.mail and not outgoing:
            self._note(self.ledger, case, last)
        if not last.held:
            self._let_go(recipient, case)
        return Outcome.RELEASED if last.released else _OUTCOMES[last.delivery.action]

    def _let_go(self, recipient: Recipient, case: Case) -> None:
        """Delete the description and the raw version of a message that is not held."""
        item = case.item
        if recipient.mail and (case.known is not None or item.rescan):
            waited = held_id(item.message_id, item.version, case.arrived.modified)
            holding.drop_description(self.s3, item.bucket, waited)
        self.s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)

    def _planned(self, recipient: Recipient, fresh: Plan, case: Case) -> tuple[Case, tuple[Plan, ...], str | None, str]:
        """The case with its known verdict; the remaining plans; entity tags of the verdict written now, and of an older one."""
        item = case.item
        again = bool(item.rescan) or case.standing is not None or RECALLED_MARK in case.arrived.metadata
        if not again:
            # Usually this is the first try, which one conditional write proves.
            todo = plans_for(fresh, case)
            written = self._record(item, recipient, todo[0], replaces="")
            if written is not None:
                return case, todo, written, ""
        known, tag = read_record(self.s3, item)
        ended = again if known is None else known.told or self.clock() - known.time >= _LOCK_TIME
        if not ended:
            raise RetryableError(f"{_where(recipient, item)}: locked by another worker")
        case = replace(case, known=known, standing=standing_at(self.s3, item))
        return case, plans_for(fresh, case), None, tag

    def _note(self, ledger: Ledger, case: Case, last: Plan) -> None:
        """Record deliveries and infected parts before the raw version is deleted, so that neither is lost."""
        item, now, message, standing = case.item, self.clock(), last.delivery.message, case.standing
        if message is None and standing is not None and standing.sha256 == last.delivered != "":
            message = read_clean(self.s3, item, standing)
        if message is not None:
            ledger.note(entry_of(item, last, message, now))
        for part in bad_parts(last.result):
            ledger.note_bad(part.sha256, part.signature, now)

    def _scan(self, message: bytes, turn: Turn | None = None) -> ScanResult:
        if turn is None and self.quick is not None:
            turn = Turn()
        most = turn.seconds if turn is not None else self.most_seconds
        seconds = min(most, self.seconds_left() - _RESERVED_SECONDS)
        check = turn.check if turn is not None and turn.careful else None
        result = scan_message(message, self.engine, self.cache, Deadline.after(seconds), check)
        if turn is not None and was_cut(result):
            raise TooSlowError("scan: a limit of the quick lane ended it")
        return result

    def _check_time(self, recipient: Recipient, item: RawObject) -> None:
        """Raise RetryableError when the invocation is nearly over."""
        if self.seconds_left() - _RESERVED_SECONDS < _LEAST_SECONDS:
            raise RetryableError(
                f"{_where(recipient, item)}: too little time is left of this invocation; is tried again"
            )

    def _record(
        self, item: RawObject, recipient: Recipient, plan: Plan, *, replaces: str | None, told: bool = False
    ) -> str | None:
        """Write the verdict; returns its entity tag, None where another one is there."""
        record = VerdictRecord(
            tenant=recipient.tenant,
            message_id=item.message_id,
            raw_version=item.version,
            rescan=item.rescan,
            time=self.clock(),
            action=plan.delivery.action,
            reason=plan.delivery.reason,
            result=plan.result,
            removed=plan.delivery.removed,
            findings=plan.total,
            delivered=plan.delivered,
            told=told or plan.told or plan.silent,
            release=plan.release,
            risks=plan.delivery.risks,
            discard=plan.discard,
        )
        return write_record(self.s3, item, record, replaces=replaces)

    def _tell(self, item: RawObject, recipient: Recipient, arrived: Arrived, plan: Plan) -> str | None:
        """Send alerts and events; returns the record's entity tag if that changed it."""
        if plan.told or plan.silent:
            return None
        now = self.clock()
        for alert in alerts_on(plan, item, tenant=recipient.tenant, raw=arrived.data, now=now):
            self.sns.publish(
                TopicArn=recipient.topic_arn, Subject=alert.subject, Message=alert.message, MessageStructure="json"
            )
        if plan.total and plan.result.verdict is not Verdict.ERROR:
            self.count(DETECTIONS, plan.total)
        waits = held_id(item.message_id, item.version, arrived.modified) if recipient.mail else ""
        event = event_on(plan, item, tenant=recipient.tenant, now=now, held_id=waits)
        if event is not None:
            self.publish(event)
        return self._record(item, recipient, plan, replaces=None, told=True)


@contextmanager
def _failures(recipient: Recipient, item: RawObject) -> Iterator[None]:
    """Raise errors of the engine and of AWS as RetryableError."""
    try:
        yield
    except (ClamdError, BotoCoreError, ClientError) as error:
        raise RetryableError(f"{_where(recipient, item)}: {error}") from error


def _is_folder(item: RawObject, arrived: Arrived) -> bool:
    """Whether the object is a folder's mark of S3's console."""
    return item.key.endswith("/") and arrived.size == 0


def _is_outgoing(item: RawObject, recipient: Recipient, arrived: Arrived) -> bool:
    """Whether the object is outgoing mail of an application."""
    return item.key.startswith(OUTGOING_PREFIX) and (recipient.mail or OUTBOX_MARK in arrived.metadata)


def _where(recipient: Recipient, item: RawObject) -> str:
    return f'tenant "{recipient.tenant}": {item.bucket}/{item.key} version {item.version}'
