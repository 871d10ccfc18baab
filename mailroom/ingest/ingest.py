"""Ingests one delivered message: reads and parses it, stores it, and publishes its event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailroom.errors import RetryableError
from mailroom.events.inbound import MessageRecalled, MessageReceived, RecipientsAdded
from mailroom.findings import findings_from
from mailroom.ingest.objects import read_object
from mailroom.ingest.recipients import LOOKED_FOR, Recipients
from mailroom.layout import (
    ACTION_MARK,
    CLEAN_PREFIX,
    FINDINGS_MARK,
    RECALLED_MARK,
    RECIPIENTS_PREFIX,
    RISKS_MARK,
    SIGNATURE_MARK,
)
from mailroom.messages import parse
from mailroom.notifications import StoredObject
from mailroom.store import InboundMessage, MessageWriter, Now, Objects, Recalling, Table, WriteResult
from mailroom.store.recipients import Addressing
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
        subdomain: domain of the tenant's addresses: other recipients are not recorded. Default: "", all are.
        clock: the time now, with a time zone. Default: clock of the machine.
    """

    s3: S3Client
    dynamodb: DynamoDBClient
    publish: Callable[[MessageReceived | MessageRecalled | RecipientsAdded], None]
    tenant: str
    table: str
    retention: timedelta | None
    join_by: frozenset[JoinBy]
    subdomain: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, item: StoredObject) -> WriteResult | None:
        """Ingest one object: parse it, store the message, and publish its event. None if the object was deleted, or is of a
        recalled message.

        An object with recipients by SES's notification adds them to the delivery, and stores the message if that is not done. If
        the message is not delivered yet, whoever stores it later reads the object.

        The object of a recalled message replaces the content of its stored message.

        Also None for mail to a switched-off address: it stays under `clean/`, without an event.

        Raises:
            RetryableError: AWS failed, concurrent writes to the same thread go on, or recipients came shortly before their message.
            PermanentError: the object is bigger than SES's limit for mail.
        """
        if item.key.startswith(RECIPIENTS_PREFIX):
            return self._address(item)
        answer = self._read(item.bucket, item.key, item.version)
        if answer is None:
            return None
        recalling = self._recalling(item.bucket)
        recalled = answer["Metadata"].get(RECALLED_MARK)
        if recalled:
            self._show(recalling, recalled, item)
            return None
        return self._file(item, answer, recalling)

    def _file(
        self, item: StoredObject, answer: dict[str, Any], recalling: Recalling, told: tuple[str, ...] = ()
    ) -> WriteResult | None:
        """Store a message, and publish its event; None for mail to a switched-off address."""
        raw = answer["Body"]
        message = self.recipients.addressed(parse(raw), item, told)
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

    def _address(self, item: StoredObject) -> WriteResult | None:
        """Add recipients to their delivery, and publish the event of it unless the message's own event told them."""
        said = self.recipients.read(item.bucket, item.key, item.version)
        if said is None or not said.recipients:
            return None
        ses_id = item.key.removeprefix(RECIPIENTS_PREFIX)
        answer = self._read(item.bucket, f"{CLEAN_PREFIX}{ses_id}")
        if answer is None:
            if self.clock() - said.written < LOOKED_FOR:
                raise RetryableError(f"{item.bucket}/{item.key}: its message is not delivered yet; is looked for again")
            return None
        recalling, filed = self._recalling(item.bucket), None
        digest = answer["Metadata"].get(RECALLED_MARK)
        if not digest:
            clean = StoredObject(item.bucket, f"{CLEAN_PREFIX}{ses_id}", answer.get("VersionId", ""))
            filed = self._file(clean, answer, recalling, said.recipients)
            if filed is None:
                return None
            digest = filed.digest
        addressing = Addressing(table=recalling.table, objects=recalling.objects, clock=self.clock)
        known = addressing.add(digest, ses_id, said.recipients)
        if known is not None and not known.told:
            self.publish(
                RecipientsAdded(
                    tenant=self.tenant,
                    message=digest,
                    thread=known.thread,
                    delivery=ses_id,
                    recipients=known.recipients,
                    added=self.clock(),
                )
            )
            addressing.mark_told(digest, ses_id, known.recipients)
        return filed

    def _recalling(self, bucket: str) -> Recalling:
        return Recalling(
            table=Table(client=self.dynamodb, name=self.table),
            objects=Objects(client=self.s3, bucket=bucket),
            retention=self.retention,
            clock=self.clock,
        )

    def _read(self, bucket: str, key: str, version: str = "") -> dict[str, Any] | None:
        """An object with its bytes, of a version or the latest; None if it was deleted."""
        return read_object(self.s3, bucket, key, version, where=f'tenant "{self.tenant}": {bucket}/{key}')

    @property
    def recipients(self) -> Recipients:
        """What reads recipients by SES's notifications."""
        return Recipients(s3=self.s3, tenant=self.tenant, subdomain=self.subdomain, clock=self.clock)

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
    """Whether all known recipients are switched off; False where none is known."""
    run_time = read_run_time(table) if recipients else None
    return run_time is not None and not any(run_time.is_on(_plain(one)) for one in recipients)


def _plain(address: str) -> str:
    """The address without its label behind a plus sign, as SES matches it."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
