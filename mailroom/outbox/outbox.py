"""What an application sends with.

outbox = Outbox.of(table="...", bucket="...")
progress = outbox.send(Outgoing(sender=Address("support@post.acme.example", "Acme"), to=(...), ...), key="order-17-receipt")
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.layout import OUTBOX_MARK, OUTGOING_PREFIX
from mailroom.outbox.compose import compose
from mailroom.outbox.model import OutboxState, Outgoing, Progress
from mailroom.outbox.requests import Request, begin_request, request_of
from mailroom.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Outbox"]

_THERE: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_ENDED: Final = {OutboxState.SENT, OutboxState.HELD, OutboxState.REFUSED, OutboxState.IN_DOUBT}
_ASK_SECONDS: Final = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """Sends one tenant's mail. What it sends is scanned first, then sent by the tenant's function, which alone may.

    Args:
        table: the tenant's.
        s3: a client.
        bucket: the tenant's.
        clock: the time now, with a time zone. Default: the machine's.
    """

    table: Table
    s3: S3Client
    bucket: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, *, table: str, bucket: str, session: boto3.Session | None = None) -> Self:
        """An outbox of the tenant that has this table and bucket: outputs MessagesTableName and BucketName of its stack.

        Args:
            table: the table's name.
            bucket: the bucket's name.
            session: with credentials and region. Default: boto3's own.
        """
        own = session or boto3.Session()
        return cls(table=Table(client=own.client("dynamodb"), name=table), s3=own.client("s3"), bucket=bucket)

    def send(self, outgoing: Outgoing, *, key: str, deadline: datetime | None = None) -> Progress:
        """Have a message sent, once for each key, however often it is asked for; returns how far it is.

        Args:
            outgoing: the message.
            key: the caller's name of it, such as "order-17-receipt".
            deadline: after which it is not sent any more, with a time zone; what was said first counts. Default: 30 hours after
                SES first takes none of it, so that a whole day's quota can pass; none before that.

        Raises:
            ValueError: the message cannot be sent as it is, see `compose`, `key` is empty, or `deadline` is of no time zone.
            PermanentError: the key was used for another message.
            RetryableError: AWS failed; ask again with the same key.
        """
        if not key:
            raise ValueError("outbox: key must name the message, got an empty one")
        if deadline is not None and deadline.tzinfo is None:
            raise ValueError("outbox: deadline must have a time zone, got none")
        name = hashlib.sha256(key.encode()).hexdigest()[:40]
        known = request_of(self.table, name)
        asked = known.asked if known is not None else self.clock()
        raw = compose(outgoing, id=name, at=asked)
        if known is None:
            begun = Request(
                progress=Progress(id=name, state=OutboxState.QUEUED, at=asked),
                asked=asked,
                fingerprint=outgoing.fingerprint,
                sha256=hashlib.sha256(raw).hexdigest(),
                deadline=deadline,
            )
            if not begin_request(self.table, begun):
                # Somebody asked for it at the same moment.
                return self.send(outgoing, key=key, deadline=deadline)
            self._queue(name, raw)
            return begun.progress
        if known.fingerprint != outgoing.fingerprint:
            raise PermanentError(f"outbox: key {key!r} was used for another message; use a key of its own")
        if known.progress.state is OutboxState.QUEUED and not known.is_due(self.clock()):
            # Whoever asked before may have come no further, or the queue lost it: the scanner delivers it again.
            self._queue(name, raw)
        return known.progress

    def progress(self, id: str) -> Progress | None:
        """How far a message is, by the id that `send` returned; None where there is none. Raises RetryableError."""
        known = request_of(self.table, id)
        return known.progress if known is not None else None

    def wait(self, id: str, *, seconds: float = 60) -> Progress | None:
        """How far a message is once nothing more will happen to it by itself, or once so much time has passed.

        Raises RetryableError.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = self.progress(id)
            if found is None or found.state in _ENDED or time.monotonic() > deadline:
                return found
            time.sleep(_ASK_SECONDS)

    def _queue(self, id: str, raw: bytes) -> None:
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{OUTGOING_PREFIX}{id}",
                Body=raw,
                ContentType="message/rfc822",
                IfNoneMatch="*",
                Metadata={OUTBOX_MARK: "request"},
            )
        except (BotoCoreError, ClientError) as error:
            code = _code(error)
            if code not in _THERE:
                raise RetryableError(
                    f"{self.bucket}/{OUTGOING_PREFIX}{id}: cannot be written: {code}; try again"
                ) from error


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
