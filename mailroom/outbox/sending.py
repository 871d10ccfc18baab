"""Sends one scanned message, once, and records it in its thread."""

from __future__ import annotations

import hashlib
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from mailroom.errors import PermanentError, RetryableError
from mailroom.events import MessageSent
from mailroom.faults import GONE, TOO_OFTEN, code_of
from mailroom.findings import Finding, findings_from
from mailroom.layout import ACTION_GONE, ACTION_HOLD, ACTION_MARK, APPROVED_PREFIX, FINDINGS_MARK, OUTBOX_TAG
from mailroom.lifetimes import Term
from mailroom.messages import parse
from mailroom.messages.mime import read_header
from mailroom.messages.model import Envelope
from mailroom.notifications import StoredObject
from mailroom.outbox import explanations
from mailroom.outbox.again import Again
from mailroom.outbox.composed import recipients_in, transmitted
from mailroom.outbox.ends import Ends, Told, known_book
from mailroom.outbox.model import OutboxState
from mailroom.outbox.moves import Moves
from mailroom.outbox.pacer import Pacer
from mailroom.outbox.pacing import Wait, back_off
from mailroom.outbox.permission import permitted
from mailroom.outbox.requests import Request, move_on, request_of
from mailroom.store import InboundMessage, MessageWriter, Objects, Table, WriteResult
from mailroom.store.suppression import record_recipients

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client

    from mailroom.messages.joining import JoinBy

__all__ = ["Sending"]

logger = logging.getLogger(__name__)

_WAITING: Final = (OutboxState.QUEUED, OutboxState.HELD)
_LOCK_TIME: Final = timedelta(minutes=5)
"""Longer than one invocation lasts."""
_LATER: Final = TOO_OFTEN | {"LimitExceededException", "SlowDown"}
"""Codes of SES for refusals of all mail for now."""
_SAID_OF_THE_DAY: Final = "daily message quota exceeded"
_SAID_LATER: Final = (_SAID_OF_THE_DAY, "maximum sending rate exceeded")
"""Texts of SES for these refusals, under any code. SES developer guide, "Errors related to the sending quotas"."""
_DAILY: Final = "LimitExceededException"
_LONGEST_DEADLINE: Final = timedelta(hours=30)
"""Long enough for a whole day's quota to pass, and for the mail to go out then."""
_NOT_ASKED: Final = (EndpointConnectionError, ConnectTimeoutError)
_UNTRACKED: Final[dict[str, Any]] = {
    "ConfigurationOverrides": {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}
}
"""SES developer guide, "Using configuration overrides"."""


def _ignore_event(_event: Told) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """Sends one message of the outbox, with its collaborators.

    Args:
        s3: a client.
        ses: a client without retries, because a repeated request may send twice.
        dynamodb: a client.
        clock: the time now, with a time zone.
        tenant: id of the tenant, also the name of its SES tenant.
        table: name of the tenant's table.
        configuration_set: name of the tenant's.
        region: SES's, as message ids name it.
        retention: lifetime of messages; None without limit.
        join_by: further ways to join messages into threads, besides Message-IDs.
        put_back: puts a message that waits for SES into the queue again, delayed by so many seconds; raises RetryableError.
        publish: publishes the event of a request; raises RetryableError. Default: publishes nothing.
        chance: evenly from 0 to 1. Default: Python's own.
        pause: waits so many seconds. Default: Python's own.
    """

    s3: S3Client
    ses: SESV2Client
    dynamodb: DynamoDBClient
    clock: Callable[[], datetime]
    tenant: str
    table: str
    configuration_set: str
    region: str
    retention: timedelta | None
    join_by: frozenset[JoinBy]
    put_back: Callable[[Again, int], None]
    publish: Callable[[Told], None] = _ignore_event
    chance: Callable[[], float] = random.random
    pause: Callable[[float], None] = time.sleep

    def take(self, item: StoredObject, again: Again | None = None) -> WriteResult | None:
        """Send one message and store it; None if there is nothing to do now.

        If SES refuses mail for now, the queue gets a new message for it before the present one ends, until the deadline. So the
        mail is tried until then, independent of the queue's number of tries. Of several such messages for one mail, the one that
        waited most counts; `again` is the present one.

        If the scanner held or deleted a message, or it was deleted before the scan, there is a notice instead, and its request
        becomes held or refused.

        The request to SES is recorded first. A worker that finds this record without an answer does not send again: mail that is
        sent twice is worse than mail whose delivery a person must check.

        Raises:
            RetryableError: AWS failed; nothing was sent.
            PermanentError: it has no request, or it is in doubt.
        """
        name = item.key.removeprefix(APPROVED_PREFIX)
        where = f'tenant "{self.tenant}": {item.bucket}/{item.key}'
        table = Table(client=self.dynamodb, name=self.table)
        request = request_of(table, name)
        if request is None:
            raise PermanentError(f"{where}: is no message of the outbox's")
        state = request.progress.state
        if state is OutboxState.REFUSED or request.filed:
            self._ends(table).tell(request)
            return None
        ready = self._ready(table, request, item, again, where)
        if ready is None:
            return None
        raw, known = ready
        if state in _WAITING:
            request = self._send(table, request, raw, known, where)
            if request is None:
                return None
        elif state is not OutboxState.SENT:
            self._doubt(table, request, where)
        filed = self._file(table, item, raw, request)
        self.publish(
            MessageSent(
                tenant=self.tenant,
                outbox=name,
                delivery=request.progress.ses_id,
                message=filed.digest,
                thread=filed.thread,
                sent=request.progress.at,
            )
        )
        self._moves(table).end(
            request, OutboxState.SENT, OutboxState.SENT, at=request.progress.at, filed=True, message=filed.digest
        )
        return filed

    def _ready(
        self, table: Table, request: Request, item: StoredObject, again: Again | None, where: str
    ) -> tuple[bytes, Again] | None:
        """The message and its entry for the queue; None where it is refused or held, waits, or has a newer queue message."""
        state = request.progress.state
        waiting = state in _WAITING
        if again is not None and waiting and (again.turn < request.turn or self._waits(table, request, again)):
            return None
        raw = self._delivered(table, request, item, where)
        if raw is None:
            return None
        if again is not None:
            return raw, again
        known = Again(item=item, turn=request.turn, count=max(1, len(recipients_in(raw))))
        if state is OutboxState.QUEUED and request.is_due(self.clock()):
            return None
        return None if waiting and self._waits(table, request, known) else (raw, known)

    def _delivered(self, table: Table, request: Request, item: StoredObject, where: str) -> bytes | None:
        """The message as the application wrote it; None where the scanner held, deleted or changed it."""
        state = request.progress.state
        raw, said = self._raw(item, where)
        found = findings_from(said.get(FINDINGS_MARK, ""))
        if notice := said.get(ACTION_MARK, ""):
            self._not_sent(table, request, notice, found)
            return None
        if state not in _WAITING:
            return raw
        if raw is None:
            self._ends(table).refuse(request, state, "gone", explanations.of_gone())
        elif hashlib.sha256(raw).hexdigest() != request.sha256:
            # The scanner removed a part of it.
            self._ends(table).refuse(request, state, "scan", explanations.of_findings(found, request.files))
        else:
            return raw
        return None

    def _raw(self, item: StoredObject, where: str) -> tuple[bytes | None, Mapping[str, str]]:
        """The message, None if it was deleted; and the scanner's result."""
        try:
            answer = self.s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
            return answer["Body"].read(), answer["Metadata"]
        except (BotoCoreError, ClientError) as error:
            code = code_of(error)
            if code in GONE:
                return None, {}
            raise RetryableError(f"{where}: cannot be read: {code}") from error

    def _not_sent(self, table: Table, request: Request, notice: str, found: tuple[Finding, ...]) -> None:
        """Record that the scanner held the message, deleted it, or found it gone. A late notice does not change a sent message."""
        if request.turn:
            # The scanner delivered it before, and it waits for SES.
            return
        if notice == ACTION_HOLD:
            if request.progress.state is OutboxState.QUEUED:
                self._moves(table).end(request, OutboxState.QUEUED, OutboxState.HELD)
        elif request.progress.state in _WAITING:
            gone = notice == ACTION_GONE
            why = explanations.of_gone() if gone else explanations.of_findings(found, request.files)
            self._ends(table).refuse(request, request.progress.state, "gone" if gone else "scan", why)

    def _waits(self, table: Table, request: Request, again: Again) -> bool:
        """Whether the message cannot be sent now: its turn has not come, or its deadline is over."""
        if request.deadline is not None and self.clock() >= request.deadline:
            reason = request.progress.reason or "deadline"
            why = explanations.of_deadline(request.progress.reason)
            self._ends(table).refuse(request, request.progress.state, reason, why)
            return True
        turn = self._pacer(table).turn(again.count, slot=again.slot, tries=request.turn)
        if isinstance(turn, Wait):
            self._later(table, request, again, turn, "quota")
            return True
        return False

    def _later(self, table: Table, request: Request, again: Again, wait: Wait, reason: str) -> None:
        """Put the message into the queue, then note that: a failure between the two delivers it twice, and never loses it."""
        now = self.clock()
        deadline = request.deadline or now + _LONGEST_DEADLINE
        # At the deadline the queue delivers it, and it is refused.
        seconds = max(1, math.ceil(min(wait.seconds, (deadline - now).total_seconds())))
        waiting = replace(again, turn=request.turn + 1, slot=wait.slot)
        self.put_back(waiting, seconds)
        move_on(
            table,
            again.name,
            request.progress.state,
            OutboxState.QUEUED,
            request.progress.at,
            turn=waiting.turn,
            due=(now + timedelta(seconds=seconds)).isoformat(),
            deadline=deadline.isoformat(),
            reason=reason,
        )

    def _moves(self, table: Table) -> Moves:
        return Moves(table=table, clock=self.clock, chance=self.chance, pause=self.pause)

    def _ends(self, table: Table) -> Ends:
        return Ends(tenant=self.tenant, moves=self._moves(table), publish=self.publish)

    def _pacer(self, table: Table) -> Pacer:
        return Pacer(table=table, ses=self.ses, clock=self.clock, chance=self.chance)

    def _send(self, table: Table, request: Request, raw: bytes, again: Again, where: str) -> Request | None:
        """Send by SES; returns the changed request, None when the message is refused or waits."""
        before = request.progress.state
        author, why = permitted(table, request, raw)
        if why:
            self._ends(table).refuse(request, before, why, explanations.of_sender(why))
            return None
        # Retries until the record is certain: a write that succeeded without an answer would leave the message in doubt.
        if not self._moves(table).surely(request, before, OutboxState.SENDING, at=self.clock(), reason=""):
            raise RetryableError(f"{where}: locked by another worker")
        try:
            ses_id = self.ses.send_email(
                Content={"Raw": {"Data": raw}},
                FromEmailAddress=author,
                ConfigurationSetName=self.configuration_set,
                TenantName=self.tenant,
                # Each event of SES has this tag: so SES's own event settles a request whose answer was lost.
                EmailTags=[{"Name": OUTBOX_TAG, "Value": request.progress.id}],
                **({} if request.tracking else _UNTRACKED),
            )["MessageId"]
        except _NOT_ASKED as error:
            request = self._not_taken(table, request)
            logger.warning("%s: SES cannot be reached: %s", where, type(error).__name__)
            wait = Wait(back_off(60 * 2 ** min(request.turn, 4), self.chance))
            self._later(table, request, again, wait, "unreachable")
            return None
        except ClientError as error:
            code = code_of(error)
            said = str(error.response["Error"].get("Message", "")).lower()
            if code in _LATER or any(text in said for text in _SAID_LATER):
                # Recorded first: another worker cannot know from the record of the request that SES refused it.
                request = self._not_taken(table, request)
                day = code == _DAILY or _SAID_OF_THE_DAY in said
                logger.info("%s: SES takes none now: %s", where, code)
                wait = self._pacer(table).refused(again.count, day=day, tries=request.turn)
                self._later(table, request, again, wait, "quota")
                return None
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
                raise RetryableError(f"{where}: SES failed: {code}") from error
            header = read_header(raw.partition(b"\r\n\r\n")[0])
            why = explanations.of_ses(code, said, header, author, known_book(table))
            self._ends(table).refuse(request, OutboxState.SENDING, code, why)
            return None
        except BotoCoreError as error:
            # The message may have been sent: the next try finds the request without an answer.
            raise RetryableError(f"{where}: SES did not answer: {type(error).__name__}") from error
        self._moves(table).took(request, ses_id)
        sent = request_of(table, request.progress.id)
        if sent is None or not sent.progress.ses_id:
            raise RetryableError(f"{where}: was sent, and cannot be recorded yet")
        return sent

    def _not_taken(self, table: Table, request: Request) -> Request:
        """Put the request back to QUEUED after SES did not take the message."""
        progress = replace(request.progress, state=OutboxState.QUEUED)
        self._moves(table).surely(request, OutboxState.SENDING, OutboxState.QUEUED, at=progress.at)
        return replace(request, progress=progress)

    def _doubt(self, table: Table, request: Request, where: str) -> None:
        """Mark a request in doubt, because SES's answer is lost. Always raises."""
        progress = request.progress
        if progress.state is OutboxState.SENDING:
            if self.clock() - progress.at < _LOCK_TIME:
                raise RetryableError(f"{where}: locked by another worker")
            if not move_on(table, progress.id, OutboxState.SENDING, OutboxState.IN_DOUBT, self.clock()):
                raise RetryableError(f"{where}: locked by another worker")
            request = request_of(table, progress.id) or request
        self._ends(table).tell(request)
        # The queue retries meanwhile: SES's own event settles the request, and then the message is stored.
        raise PermanentError(f"{where}: was sent or was not, and is not sent again; see SES's events of that minute")

    def _file(self, table: Table, item: StoredObject, raw: bytes, request: Request) -> WriteResult:
        """Record the recipients, which events lack here, and store the message in its thread."""
        ses_id, at = request.progress.ses_id, request.progress.at
        sent = transmitted(raw, ses_id, self.region)
        recipients = recipients_in(raw)
        message = parse(sent)
        term = Term.of(at, self.clock(), self.retention)
        record_recipients(
            table,
            ses_id,
            digest=message.digest,
            recipients=recipients,
            expires=term.end,
            kept_from=int(term.kept_from.timestamp()),
        )
        writer = MessageWriter(
            table=table,
            objects=Objects(client=self.s3, bucket=item.bucket),
            retention=self.retention,
            join_by=self.join_by,
            clock=self.clock,
        )
        return writer.file(
            InboundMessage(
                message=replace(message, envelope=Envelope(recipients=recipients)),
                source=item.key,
                ses_id=ses_id,
                received=at,
                size=len(sent),
                sent=True,
            )
        )
