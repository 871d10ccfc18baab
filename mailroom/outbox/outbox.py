"""Sends an application's mail.

outbox = Outbox.of(table="...", bucket="...")
progress = outbox.send(Outgoing(sender=Address("support@post.acme.example", "Acme"), to=(...), ...), key="order-17-receipt")
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from botocore.config import Config

from mailroom.clients import application_clients
from mailroom.errors import PermanentError
from mailroom.layout import OUTBOX_MARK, OUTGOING_PREFIX
from mailroom.lifetimes import EXPIRES
from mailroom.outbox.compose import compose
from mailroom.outbox.explanations import places_of_files
from mailroom.outbox.model import OutboxState, Outgoing, Progress
from mailroom.outbox.requests import Request, begin_request, progress_from, request_of, requests_of
from mailroom.store.arguments import page_size
from mailroom.store.cursors import request_pages
from mailroom.store.entities import Page
from mailroom.store.objects import put_unless_there
from mailroom.store.run_time import Signature, read_run_time, read_signature
from mailroom.store.table import Table

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

__all__ = ["Outbox"]

_ENDED: Final = {OutboxState.SENT, OutboxState.HELD, OutboxState.REFUSED, OutboxState.IN_DOUBT}
_ASK_SECONDS: Final = 0.25
_LONGER: Final = 1.25
_LONGEST_PAUSE: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """Sends mail of one tenant. `Outbox.of` makes one.

    Each message is scanned first. Then the tenant's own function sends it, because no other role may. An application needs the
    grant `TenantSubdomain.grant_outbox`.

    Args:
        table: table of the tenant.
        s3: client of S3.
        bucket: name of the tenant's bucket.
        clock: gives the time now, with a time zone. Default: clock of the machine, in UTC.

    Source: SES API reference, SendEmail; RFC 5322.
    """

    table: Table
    s3: S3Client
    bucket: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, *, table: str, bucket: str, session: boto3.Session | None = None, config: Config | None = None) -> Self:
        """An outbox of the tenant that has this table and bucket: outputs MessagesTableName and BucketName of its stack.

        Args:
            table: name of the table.
            bucket: name of the bucket.
            session: session of boto3 with credentials and region. Default: a new one, from environment and profile.
            config: settings of both clients, over the default: 3 seconds to connect, 10 to read, 4 attempts in botocore's mode
                "standard".

        Raises:
            PermanentError: neither session, environment nor profile names a region, or the profile does not exist.
        """
        dynamodb, s3 = application_clients(session, config)
        return cls(table=Table(client=dynamodb, name=table), s3=s3, bucket=bucket)

    def send(self, outgoing: Outgoing, *, key: str, deadline: datetime | None = None) -> Progress:
        """Request the sending of a message, and return its state. Each key sends once, also after repeated requests.

        Args:
            outgoing: the message: 1 to 50 recipients, at most 40,000,000 bytes with its attachments encoded.
            key: the caller's own name of the message, such as "order-17-receipt". It is known for 400 days after the last change
                of state.
            deadline: time after which it is not sent any more, with a time zone; that of the first request counts. Default: 30
                hours after SES first takes none of it, so that a whole day's quota can pass; none before that.

        Raises:
            ValueError: `key` is empty, `deadline` has no time zone, or the message cannot be sent as it is: recipients are missing
                or too many, an address is none, a header has a line break, or the message is too big. The text names the field,
                and no address.
            PermanentError: the key was used for another message, or AWS refuses and would again; the text says what to do.
            RetryableError: AWS does not answer, or takes no more now; ask again with the same key.

        Source: SES developer guide, "Sending raw email" and "Service quotas"; RFC 5322.
        """
        if not key:
            raise ValueError("outbox: key must name the message, got an empty one")
        if deadline is not None and deadline.tzinfo is None:
            raise ValueError("outbox: deadline must have a time zone, got none")
        name = hashlib.sha256(key.encode()).hexdigest()[:40]
        known = request_of(self.table, name)
        if known is None:
            asked, (shown, signature) = self.clock(), self._dressing(outgoing)
            raw = compose(_named(outgoing, shown), id=name, at=asked, signature=signature)
            begun = Request(
                progress=Progress(id=name, state=OutboxState.QUEUED, at=asked, asked=asked),
                asked=asked,
                fingerprint=outgoing.fingerprint,
                sha256=hashlib.sha256(raw).hexdigest(),
                deadline=deadline,
                name=shown,
                signature=signature.digest if signature is not None else "",
                files=places_of_files(outgoing),
                tracking=outgoing.tracking,
                guarded=bool(outgoing.in_reply_to) and not outgoing.anyway,
            )
            if not begin_request(self.table, begun):
                # A concurrent request with the same key.
                return self.send(outgoing, key=key, deadline=deadline)
            self._queue(name, raw)
            return begun.progress
        if known.fingerprint != outgoing.fingerprint:
            raise PermanentError(f"outbox: key {key!r} was used for another message; use a key of its own")
        if known.progress.state is OutboxState.QUEUED and not known.is_due(self.clock()):
            # The earlier call may have failed here, or the queue lost the message: the scanner delivers it again.
            self._queue(name, self._again(outgoing, known))
        return known.progress

    def progress(self, id: str) -> Progress | None:
        """State of a message; None where there is no such message.

        Args:
            id: `id` of the Progress that `send` returned: 40 hexadecimal digits.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        known = request_of(self.table, id)
        return known.progress if known is not None else None

    def requests(self, *, state: OutboxState | None = None, limit: int = 50, after: str = "") -> Page[Progress]:
        """Requests and their states, latest first, including requests whose id is lost.

        A change may take a second to appear here; `progress` shows it at once. Requests from before this list existed are missing.

        Args:
            state: lists requests of this state only. Default: all. A page may then be empty before the last one.
            limit: most items of the page, from 1 up. Default: 50; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of requests, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.

        Source: DynamoDB developer guide, "Global secondary indexes": they are eventually consistent.
        """
        pages = request_pages()
        items, following = requests_of(self.table, state=state, limit=page_size(limit), after=pages.position(after))
        now = self.clock().timestamp()
        current = [progress_from(item) for item in items if item.get(EXPIRES, now + 1) > now]
        return Page(items=tuple(current), next=pages.token(following))

    def wait(self, id: str, *, seconds: float = 60) -> Progress | None:
        """State of a message once it is final, or once `seconds` have passed; None where there is no such message.

        Final are `sent`, `held`, `refused` and `in-doubt`. The table is read after a quarter of a second, then less and less often,
        at last every two seconds.

        Args:
            id: `id` of the Progress that `send` returned.
            seconds: longest wait. Default: 60.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        deadline = time.monotonic() + seconds
        found, pause = request_of(self.table, id), _ASK_SECONDS
        while found is not None and found.progress.state not in _ENDED and time.monotonic() <= deadline:
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * _LONGER)
            # The request exists; its state may be a moment old. The last read is consistent.
            found = request_of(self.table, id, eventually=time.monotonic() <= deadline) or found
        return found.progress if found is not None else None

    def _dressing(self, outgoing: Outgoing) -> tuple[str, Signature | None]:
        """Display name and signature of the sender by the organisation's present settings."""
        run_time = read_run_time(self.table)
        now = run_time.addresses.get(outgoing.sender.address.lower()) if run_time is not None else None
        if now is None:
            return "", None
        signed = outgoing.signature and now.signature
        name = "" if outgoing.sender.name else now.name
        return name, read_signature(self.table, now.signature) if signed else None

    def _again(self, outgoing: Outgoing, known: Request) -> bytes:
        """The same bytes as at the first request, despite changed settings. Raises PermanentError."""
        signature = read_signature(self.table, known.signature) if known.signature else None
        if known.signature and signature is None:
            raise PermanentError("outbox: signature of the first request is gone; ask with another key")
        return compose(_named(outgoing, known.name), id=known.progress.id, at=known.asked, signature=signature)

    def _queue(self, id: str, raw: bytes) -> None:
        key = f"{OUTGOING_PREFIX}{id}"

        def write() -> None:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=raw,
                ContentType="message/rfc822",
                IfNoneMatch="*",
                Metadata={OUTBOX_MARK: "request"},
            )

        put_unless_there(write, f"{self.bucket}/{key}")


def _named(outgoing: Outgoing, name: str) -> Outgoing:
    return replace(outgoing, sender=replace(outgoing.sender, name=name)) if name else outgoing
