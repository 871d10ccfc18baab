"""Envelope recipients of a message: of SES's header line, and of SES's notification, which may come before or after the message.

Each order ends with all recipients, and ordinary mail is read without another request:

- Recipients that come after their message find it under `clean/`.
- Recipients that come before are looked for a message for `LOOKED_FOR`.
- A message that is stored later than `PROMPT` after SES received it, such as held mail, reads its recipients.

Recipients come after SES received the message, so that one of the two reads the other, as long as `PROMPT` is the shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailroom.ingest.objects import read_object
from mailroom.layout import CLEAN_PREFIX, RECIPIENTS_PREFIX
from mailroom.messages.authentication import same_domain
from mailroom.recipients import listed_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from mailroom.messages import Message
    from mailroom.notifications import StoredObject

__all__ = ["LOOKED_FOR", "LOOKS", "PROMPT", "Recipients", "Said"]

PROMPT: Final = timedelta(minutes=5)
LOOKED_FOR: Final = timedelta(minutes=10)
LOOKS: Final = (5, 60, 240, 300)
"""Seconds between looks for the message: most mail is scanned at the first; the last is later than `LOOKED_FOR`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Recipients by SES's notifications.

    Args:
        recipients: of the tenant.
        written: when they were written, with a time zone.
    """

    recipients: tuple[str, ...]
    written: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipients:
    """Reads recipients of a tenant's messages.

    Args:
        s3: a client.
        tenant: its id.
        subdomain: domain of its addresses: other recipients are left out; "" for none.
        clock: the time now, with a time zone.
    """

    s3: S3Client
    tenant: str
    subdomain: str
    clock: Callable[[], datetime]

    def addressed(self, message: Message, item: StoredObject, told: tuple[str, ...] = ()) -> Message:
        """The message with its recipients of this tenant.

        Args:
            message: as it was parsed.
            item: its object under `clean/`.
            told: recipients by SES's notification. Default: none, a late message reads them.

        Raises:
            MailroomError: S3 failed.
        """
        envelope = message.envelope
        if not told and self._is_late(envelope.received):
            said = self.read(item.bucket, f"{RECIPIENTS_PREFIX}{item.key.removeprefix(CLEAN_PREFIX)}")
            told = said.recipients if said is not None else ()
        recipients = tuple(dict.fromkeys((*told, *self._own(envelope.recipients))))
        return replace(message, envelope=replace(envelope, recipients=recipients))

    def read(self, bucket: str, key: str, version: str = "") -> Said | None:
        """Recipients in an object, of a version or the latest; None without one. Raises MailroomError."""
        where = f'tenant "{self.tenant}": {bucket}/{key}'
        answer = read_object(self.s3, bucket, key, version, where=where)
        if answer is None:
            return None
        return Said(recipients=tuple(self._own(listed_in(answer["Body"]))), written=answer["LastModified"])

    def _is_late(self, received: datetime | None) -> bool:
        """Whether nobody may look for the message any more, as far as its header says."""
        return received is None or self.clock() - received > PROMPT

    def _own(self, recipients: Iterable[str]) -> Iterable[str]:
        """Recipients of this tenant; SES may name one of another tenant in its line, as AWS does not document it."""
        return (one for one in recipients if not self.subdomain or same_domain(one.rpartition("@")[2], self.subdomain))
