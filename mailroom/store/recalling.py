"""Shows the present content of recalled messages from `clean/`: a notice, the stripped message, or the message again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import Standing, Term
from mailroom.messages.model import Message
from mailroom.store.documents import packed, unpacked
from mailroom.store.keys import (
    PARTITION,
    RETENTION_KEY,
    SORT,
    attachment_key,
    body_key,
    message_key,
    recall_key,
)
from mailroom.store.objects import Objects
from mailroom.store.table import ConflictError, Item, Table, Write
from mailroom.store.withheld import WITHDRAWN, withheld
from mailroom.store.writer import INLINE_OCTETS

__all__ = ["Now", "Recalling", "Shown"]

_TRIES: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """The present object under `clean/` of a recalled message.

    Args:
        tag: its unique id.
        content: "withdrawn" for a notice, "stripped" for the stripped message, "restored" for the unchanged one.
        signature: the finding in a notice; "" otherwise.
        message: the message to show; None for a notice.
    """

    tag: str
    content: str
    signature: str
    message: Message | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The present content for readers.

    Args:
        thread: id of the message's thread.
        content: as of `Now`.
        signature: the finding in the message.
        told: whether its event was published.
        tag: as of `Now`.
    """

    thread: str
    content: str
    signature: str
    told: bool
    tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalling:
    """Replaces the content of recalled messages in a tenant's store.

    The recall is recorded first, and is checked after a message is stored: so the notice is shown in either order. Changes are
    counted: a read from before another change is repeated.

    Args:
        table: the tenant's.
        objects: of the tenant's bucket.
        retention: lifetime of messages; None without limit.
        clock: gives the time, with a time zone. Default: clock of the machine.
    """

    table: Table
    objects: Objects
    retention: timedelta | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def is_recalled(self, digest: str) -> bool:
        """Whether the message was recalled once. Raises MailroomError."""
        return self.table.get(recall_key(digest)) is not None

    def follow(self, digest: str, now: Callable[[], Now | None]) -> Shown | None:
        """Show the present object under `clean/`; None where there is no message or no object.

        Args:
            digest: id of the message.
            now: reads the object.

        Raises:
            RetryableError: AWS failed, or concurrent changes go on.
            PermanentError: AWS refuses.
        """
        for _ in range(_TRIES):
            try:
                self._note(digest)
                found = self.table.get_many([recall_key(digest), message_key(digest), RETENTION_KEY])
                note, item = found.get(recall_key(digest)), found.get(message_key(digest))
                standing = Standing.of(found.get(RETENTION_KEY), self.clock().timestamp())
                if note is None:
                    continue
                if item is None or not standing.lives(item):
                    return None
                stands = now()
                if stands is None:
                    return None
                signature = stands.signature or note.get("signature", "")
                self._show(digest, stands, signature, note, item)
            except ConflictError:
                continue
            return Shown(
                thread=item["thread"],
                content=stands.content,
                signature=signature,
                told=note.get("told") == stands.tag,
                tag=stands.tag,
            )
        raise RetryableError(f"table {self.table.name}: message {digest} is changed by others all the time; try again")

    def mark_told(self, digest: str, tag: str) -> None:
        """Note that the event of this content is published. Raises RetryableError."""
        told = Write(
            update=(recall_key(digest), "SET #told = :tag"),
            condition="attribute_exists(#pk)",
            values={":tag": tag},
        )
        try:
            self.table.change(told)
        except ConflictError as error:
            raise RetryableError(
                f"table {self.table.name}: message {digest} is changed by others; try again"
            ) from error

    def _note(self, digest: str) -> None:
        """Note the recall, unless it is noted."""
        partition, sort = recall_key(digest)
        moment = self.clock()
        stamps = Term.of(moment, moment, self.retention).stamps
        item = {PARTITION: partition, SORT: sort, "number": 0, "files": 0, **stamps}
        if self.table.get(recall_key(digest)) is None:
            self.table.change(Write(put=item, condition="attribute_not_exists(#pk)"))

    def _show(self, digest: str, stands: Now, signature: str, note: Item, item: Item) -> None:
        """Write objects, then items. Raises ConflictError after a concurrent change."""
        was = max(int(item["attachments"]), int(note["files"]))
        if stands.message is not None:
            message = replace(stands.message, digest=digest)
        else:
            message = withheld(unpacked(item.get("document") or self.objects.open(body_key(digest)).read()))
        for number in range(1, max(was, len(message.attachments)) + 1):
            shown = message.attachments[number - 1 : number]
            data = bytes(shown[0].data) if shown else WITHDRAWN.encode()
            self.objects.put(attachment_key(digest, number), data)
        document = packed(message)
        # Also where the table has the document: an older object must not stay readable.
        if len(document) > INLINE_OCTETS or "document" not in item:
            self.objects.put(body_key(digest), document)
        said: dict[str, Any] = {
            ":recalled": {"content": stands.content, "signature": signature},
            ":attachments": len(message.attachments),
        }
        expression = "SET #recalled = :recalled, #attachments = :attachments"
        if len(document) <= INLINE_OCTETS:
            expression, said[":document"] = f"{expression}, #document = :document", document
        elif "document" in item:
            expression += " REMOVE #document"
        number = int(note["number"])
        self.table.write(
            [
                Write(
                    update=(message_key(digest), expression),
                    condition="#received = :received",
                    values={**said, ":received": item["received"]},
                ),
                Write(
                    update=(recall_key(digest), "SET #number = :next, #files = :files, #signature = :signature"),
                    condition="#number = :number",
                    values={
                        ":number": number,
                        ":next": number + 1,
                        ":files": max(was, len(message.attachments)),
                        ":signature": signature,
                    },
                ),
            ]
        )
