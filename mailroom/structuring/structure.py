"""Makes an entity of one delivered message: reads it, files it, tells others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.announcements.events import MessageReceived
from mailroom.errors import PermanentError, RetryableError
from mailroom.faults import GONE, code_of
from mailroom.layout import CLEAN_PREFIX, MAX_MESSAGE_OCTETS, RISKS_MARK
from mailroom.messages import parse
from mailroom.notifications import StoredObject
from mailroom.store import Arrival, Filed, Filing, Objects, Table
from mailroom.store.run_time import read_run_time

if TYPE_CHECKING:
    from datetime import timedelta

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from mailroom.messages.joining import JoinBy

__all__ = ["Structuring"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Structuring:
    """The work on one object, with what it works with.

    Args:
        s3: a client.
        dynamodb: a client.
        announce: tells others of a message; raises RetryableError.
        tenant: whose mail it is.
        table: name of the tenant's table.
        retention: how long messages are kept; None until somebody deletes them.
        join_by: what else than identifiers makes one thread of messages.
        clock: the time now, with a time zone. Default: clock of the machine.
    """

    s3: S3Client
    dynamodb: DynamoDBClient
    announce: Callable[[MessageReceived], None]
    tenant: str
    table: str
    retention: timedelta | None
    join_by: frozenset[JoinBy]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, item: StoredObject) -> Filed | None:
        """Make an entity of one object, and tell others once it is there; None when the object is gone.

        None, too, of mail for an address that its organisation has switched off: it stays below `clean/`, and nobody is told.

        Raises:
            RetryableError: AWS failed, or others write to the same thread all the time.
            PermanentError: it is bigger than any mail.
        """
        where = f'tenant "{self.tenant}": {item.bucket}/{item.key}'
        try:
            answer = self.s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
            if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
                raise PermanentError(f"{where}: has {answer['ContentLength']} octets, more than SES takes")
            raw = answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            if code_of(error) in GONE:
                return None
            raise RetryableError(f"{where}: cannot be read: {code_of(error)}") from error
        message = parse(raw)
        table = Table(client=self.dynamodb, name=self.table)
        if _is_off(table, message.envelope.recipients):
            logger.info("%s: is for an address that is switched off, and stays where it is", where)
            return None
        delivered = answer["LastModified"].astimezone(UTC)
        arrival = Arrival(
            message=message,
            source=item.key,
            ses_id=item.key.removeprefix(CLEAN_PREFIX),
            # When SES received it; a rescan can deliver it weeks later.
            received=min(message.envelope.received or delivered, delivered).astimezone(UTC),
            octets=len(raw),
            verdict=answer["Metadata"].get("verdict", "clean"),
            risks=tuple(answer["Metadata"].get(RISKS_MARK, "").split()),
        )
        filing = Filing(
            table=table,
            objects=Objects(client=self.s3, bucket=item.bucket),
            retention=self.retention,
            join_by=self.join_by,
            clock=self.clock,
        )
        filed = filing.file(arrival)
        if not filed.announced:
            self.announce(self._event(arrival, filed))
            filing.mark_announced(filed.digest, arrival.ses_id)
        return filed

    def _event(self, arrival: Arrival, filed: Filed) -> MessageReceived:
        message = arrival.message
        return MessageReceived(
            tenant=self.tenant,
            message=filed.digest,
            thread=filed.thread,
            delivery=arrival.ses_id,
            first=filed.first,
            received=arrival.received,
            kinds=sorted(kind.value for kind in message.kinds),
            attachments=len(message.attachments),
            verdict=arrival.verdict,
            verdicts=dict(message.envelope.verdicts),
            risks=arrival.risks,
            sender_authenticated=message.sender_authenticated,
        )


def _is_off(table: Table, recipients: Sequence[str]) -> bool:
    """Whether every address that SES names as a recipient is off; where SES names none, as of mail to several, none is."""
    run_time = read_run_time(table) if recipients else None
    return run_time is not None and not any(run_time.is_on(_plain(one)) for one in recipients)


def _plain(address: str) -> str:
    """Without a label behind a plus sign, as SES takes it."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
