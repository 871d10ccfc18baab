"""Ingests one delivered message: reads and parses it, stores it, and publishes its event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.events.inbound import MessageRecalled, MessageReceived
from mailroom.faults import GONE, code_of
from mailroom.findings import findings_from
from mailroom.layout import (
    ACTION_MARK,
    CLEAN_PREFIX,
    FINDINGS_MARK,
    MAX_MESSAGE_OCTETS,
    RECALLED_MARK,
    RISKS_MARK,
    SIGNATURE_MARK,
)
from mailroom.messages import parse
from mailroom.notifications import StoredObject
from mailroom.store import InboundMessage, MessageWriter, Now, Objects, Recalling, Table, WriteResult
from mailroom.store.run_time import read_run_time

if TYPE_CHECKING:
    from datetime import timedelta

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from mailroom.messages.joining import JoinBy

__all__ = ["Ingest"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingest:
    """Ingests objects, with its collaborators.

    Args:
        s3: a client.
        dynamodb: a client.
        publish: publishes an event; raises RetryableError.
        tenant: id of the tenant.
        table: name of the tenant's table.
        retention: lifetime of messages; None without limit.
        join_by: further ways to join messages into threads, besides Message-IDs.
        clock: the time now, with a time zone. Default: clock of the machine.
    """

    s3: S3Client
    dynamodb: DynamoDBClient
    publish: Callable[[MessageReceived | MessageRecalled], None]
    tenant: str
    table: str
    retention: timedelta | None
    join_by: frozenset[JoinBy]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, item: StoredObject) -> WriteResult | None:
        """Ingest one object: parse it, store the message, and publish its event. None if the object was deleted, or is of a
        recalled message.

        The object of a recalled message replaces the content of its stored message.

        Also None for mail to a switched-off address: it stays under `clean/`, without an event.

        Raises:
            RetryableError: AWS failed, or concurrent writes to the same thread go on.
            PermanentError: the object is bigger than SES's limit for mail.
        """
        answer = self._read(item.bucket, item.key, item.version)
        if answer is None:
            return None
        recalling = Recalling(
            table=Table(client=self.dynamodb, name=self.table),
            objects=Objects(client=self.s3, bucket=item.bucket),
            retention=self.retention,
            clock=self.clock,
        )
        recalled = answer["Metadata"].get(RECALLED_MARK)
        if recalled:
            self._show(recalling, recalled, item)
            return None
        raw = answer["Body"]
        message = parse(raw)
        if _is_off(recalling.table, message.envelope.recipients):
            logger.info("%s/%s: is for an address that is switched off, and stays where it is", item.bucket, item.key)
            return None
        delivered = answer["LastModified"].astimezone(UTC)
        arrival = InboundMessage(
            message=message,
            source=item.key,
            ses_id=item.key.removeprefix(CLEAN_PREFIX),
            # Time of SES's receipt; a rescan can deliver it weeks later.
            received=min(message.envelope.received or delivered, delivered).astimezone(UTC),
            size=len(raw),
            verdict=answer["Metadata"].get("verdict", "clean"),
            risks=tuple(answer["Metadata"].get(RISKS_MARK, "").split()),
            removed=findings_from(answer["Metadata"].get(FINDINGS_MARK, "")),
        )
        writer = MessageWriter(
            table=recalling.table,
            objects=Objects(client=self.s3, bucket=item.bucket),
            retention=self.retention,
            join_by=self.join_by,
            clock=self.clock,
        )
        filed = writer.file(arrival)
        if recalling.is_recalled(filed.digest):
            self._show(recalling, filed.digest, item)
        if not filed.published:
            self.publish(self._event(arrival, filed))
            writer.mark_published(filed.digest, arrival.ses_id)
        return filed

    def _read(self, bucket: str, key: str, version: str = "") -> dict[str, Any] | None:
        """An object with its bytes, of a version or the latest; None if it was deleted."""
        where = f'tenant "{self.tenant}": {bucket}/{key}'
        named: Any = {"VersionId": version} if version else {}
        try:
            answer: dict[str, Any] = {**self.s3.get_object(Bucket=bucket, Key=key, **named)}
            if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
                raise PermanentError(f"{where}: has {answer['ContentLength']} bytes, more than SES accepts")
            return {**answer, "Body": answer["Body"].read()}
        except (BotoCoreError, ClientError) as error:
            if code_of(error) in GONE:
                return None
            raise RetryableError(f"{where}: cannot be read: {code_of(error)}") from error

    def _show(self, recalling: Recalling, digest: str, item: StoredObject) -> None:
        """Show the present object in the place of a recalled message, and publish the event once."""

        def now() -> Now | None:
            stands = self._read(item.bucket, item.key)
            if stands is None:
                return None
            notice = ACTION_MARK in stands["Metadata"]
            message = None if notice else parse(stands["Body"])
            content = "withdrawn" if message is None else "restored" if message.digest == digest else "stripped"
            return Now(
                tag=stands["ETag"],
                content=content,
                signature=stands["Metadata"].get(SIGNATURE_MARK, ""),
                message=message,
            )

        shown = recalling.follow(digest, now)
        if shown is None or shown.told:
            return
        self.publish(
            MessageRecalled(
                tenant=self.tenant,
                message=digest,
                thread=shown.thread,
                delivery=item.key.removeprefix(CLEAN_PREFIX),
                content=shown.content,
                signature=shown.signature,
                recalled=self.clock(),
            )
        )
        recalling.mark_told(digest, shown.tag)

    def _event(self, arrival: InboundMessage, filed: WriteResult) -> MessageReceived:
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
    """Whether all recipients that SES names are switched off. SES names none of mail to several: then the answer is False."""
    run_time = read_run_time(table) if recipients else None
    return run_time is not None and not any(run_time.is_on(_plain(one)) for one in recipients)


def _plain(address: str) -> str:
    """The address without its label behind a plus sign, as SES matches it."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
