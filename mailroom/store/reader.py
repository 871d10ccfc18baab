"""Reads a tenant's messages: for applications that show or work on them.

reader = MessageReader.of(table="...", bucket="...")
page = reader.threads(limit=20)
for summary in reader.thread(page.items[0].thread).items:
    message = reader.message(summary.digest)
    for attachment in message.content.attachments: ...
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from botocore.config import Config

from mailroom.addresses import AddressBook
from mailroom.clients import application_clients
from mailroom.errors import MailroomError, PermanentError
from mailroom.faults import is_gone
from mailroom.lifetimes import Standing
from mailroom.messages.model import Attachment, Message
from mailroom.store.address_book import read_address_book
from mailroom.store.arguments import address_of, message_id_of, page_size
from mailroom.store.cursors import address_pages, event_pages, message_pages, suppression_pages, thread_pages
from mailroom.store.documents import unpacked
from mailroom.store.entities import (
    Delivery,
    Page,
    Recalled,
    StoredMessage,
    Summary,
    ThreadSummary,
    addressed,
    deliveries_from,
    summary_from,
    thread_from,
)
from mailroom.store.entries import snippet_of
from mailroom.store.headers import header
from mailroom.store.identifiers import items_naming
from mailroom.store.keys import (
    AT_PREFIX,
    BY_ACTIVITY,
    DELIVERIES_PREFIX,
    LATEST,
    LISTED,
    RETENTION_KEY,
    SORT,
    THREAD,
    attachment_key,
    body_key,
    message_key,
    recall_key,
)
from mailroom.store.merging import Threads
from mailroom.store.objects import Objects
from mailroom.store.sending_events import sending_events_of
from mailroom.store.suppression import Suppression, suppression_of, suppressions_of
from mailroom.store.table import Item, Table
from mailroom.store.thread_pages import read_parts
from mailroom.tracking.model import SendingEvent

if TYPE_CHECKING:
    import boto3
    from botocore.response import StreamingBody

__all__ = ["MessageReader"]

_ROUNDS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReader:
    """Reads the messages of one tenant, from its table and its bucket. `MessageReader.of` makes one.

    A reader changes nothing, and has no state between two calls. It leaves out expired items, which DynamoDB deletes days later. An
    application needs read access to the table, and to `clean/`, `attachments/` and `bodies/` in the bucket.

    Args:
        table: table of the tenant.
        objects: objects of the tenant's bucket.
        clock: gives the time, in seconds since 1970. Default: clock of the machine.

    Raises:
        RetryableError: in each method, AWS does not answer, or takes no more now; the same call may succeed later.
        PermanentError: in each method, AWS refuses, and would again: a table, bucket or permission is missing, credentials or
            region are wrong. The text names action, resource and remedy.

    Source: DynamoDB developer guide, "Time to Live"; RFC 5322 for what the fields of a message mean.
    """

    table: Table
    objects: Objects
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, *, table: str, bucket: str, session: boto3.Session | None = None, config: Config | None = None) -> Self:
        """A reader of the tenant that has this table and bucket: outputs MessagesTableName and BucketName of its stack.

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
        return cls(table=Table(client=dynamodb, name=table), objects=Objects(client=s3, bucket=bucket))

    def threads(self, *, limit: int = 50, after: str = "") -> Page[ThreadSummary]:
        """Threads, the one with the latest message first.

        A thread that gets mail while pages are read goes to the front: no later page has it. A copy of all mail also needs the
        threads that `MessageReceived` events name meanwhile.

        Args:
            limit: most items of the page, from 1 up. Default: 50; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of threads, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        pages = thread_pages()
        items, following = self.table.query(
            LISTED,
            index=BY_ACTIVITY,
            names=(LISTED, LATEST),
            backwards=True,
            limit=page_size(limit),
            after=pages.position(after),
        )
        standing = self._standing()
        shown = [
            {**item, **of}
            for item in self._current(items, standing)
            if (of := header(self.table, standing, item)) is not None
        ]
        return Page(items=tuple(thread_from(item) for item in shown), next=pages.token(following))

    def thread(self, thread: str, *, limit: int = 100, after: str = "", latest_first: bool = False) -> Page[Summary]:
        """Messages of a thread, the oldest first; an empty page for a thread that does not exist.

        After a merge, the id of the old thread gives the merged one, which `thread` of the page names. A page also shows messages
        that are being moved between the two.

        Args:
            thread: `thread` of a ThreadSummary or StoredMessage.
            limit: most items of the page, from 1 up. Default: 100; 100 for a greater number.
            after: `next` of the page before; "" for the first page.
            latest_first: whether the latest message comes first. Default: False.

        Raises:
            ValueError: `after` is no `next` of a page of messages, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        pages, wanted = message_pages(), page_size(limit)
        start = pages.position(after)
        standing = self._standing()
        threads = Threads(self.table, standing)
        root = threads.root(thread)
        if root is None:
            return Page(items=())
        after_sort = start[SORT] if start else ""
        for _ in range(_ROUNDS):
            cut = read_parts(self.table, root, after_sort, wanted, backwards=latest_first)
            now = threads.root(root["thread"])
            if now is None or (now["thread"] == root["thread"] and now.get("fragments", set()) <= cut.parts):
                break
            # A merge meanwhile: messages moved since then may be in neither part.
            root = now
        ordered = sorted(cut.found, reverse=latest_first)
        page = ordered[:wanted]
        shown = tuple(summary_from(item) for item in self._current([cut.found[sort] for sort in page], standing))
        last = ordered[wanted - 1] if len(ordered) > wanted else cut.end
        return Page(items=shown, next=pages.token({SORT: last} if last else None), thread=root["thread"])

    def message(self, digest: str) -> StoredMessage | None:
        """One message with its text, HTML, deliveries and delivery status; None where there is none.

        Attachments come without their bytes, which `open_attachment` reads.

        Args:
            digest: `digest` of a Summary, or `message` of an event: 64 hexadecimal digits.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        found = self.table.get_many([message_key(digest), RETENTION_KEY])
        item, standing = found.get(message_key(digest)), Standing.of(found.get(RETENTION_KEY), self.clock())
        if item is None or not standing.lives(item):
            return None
        try:
            document = item.get("document") or self.objects.open(body_key(digest)).read()
        except MailroomError as error:
            if is_gone(error):
                # A shortened retention deleted it, and has not reached the table yet.
                return None
            raise
        root = Threads(self.table, standing).root(item["thread"])
        deliveries: list[Item] = []
        position: Item | None = None
        while True:
            items, position = self.table.query(message_key(digest)[0], DELIVERIES_PREFIX, after=position)
            deliveries += items
            if position is None:
                break
        content = unpacked(document)
        summary = summary_from({"snippet": snippet_of(content), **item})
        told = (self.sending_events(one["ses_id"]).items for one in deliveries if summary.sent)
        received = deliveries_from(self._current(deliveries, standing))
        return StoredMessage(
            thread=root["thread"] if root is not None else item["thread"],
            summary=summary,
            content=addressed(content, received),
            deliveries=received,
            sending_events=tuple(event for page in told for event in page),
            recalled=Recalled(**item["recalled"]) if "recalled" in item else None,
        )

    def recalled(self, digests: Iterable[str]) -> frozenset[str]:
        """Those of the messages that were recalled; `message` says why, and what is shown of each.

        Args:
            digests: `digest` of Summaries.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        keys = {recall_key(digest): digest for digest in digests}
        return frozenset(keys[key] for key in self.table.get_many(keys))

    def by_message_id(self, message_id: str) -> tuple[str, ...]:
        """Digests of the messages that have this Message-ID; several where a sender used it again, none where it is unknown.

        Args:
            message_id: the Message-ID with or without angle brackets, such as "a1b2@example.net".

        Raises:
            ValueError: `message_id` is empty.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.

        Source: RFC 5322 3.6.4.
        """
        items = items_naming(self.table, message_id_of(message_id))
        # The claim may outlive the message that it names.
        first = [item["digest"] for item in items if item[SORT] == THREAD]
        found = self.table.get_many([RETENTION_KEY, *map(message_key, first)])
        standing = Standing.of(found.get(RETENTION_KEY), self.clock())
        messages = [item for item in items if item[SORT] != THREAD] + [
            found[message_key(one)] for one in first if message_key(one) in found
        ]
        return tuple(dict.fromkeys(item["digest"] for item in self._current(messages, standing)))

    def by_address(self, address: str, *, limit: int = 50, after: str = "") -> Page[Summary]:
        """Messages from or to an address, the latest first.

        Args:
            address: address in full, in upper or lower case; a name beside it counts for nothing, as in "Anna <anna@example.net>".
            limit: most items of the page, from 1 up. Default: 50; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of this address, `limit` is below 1, or `address` is not one address.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        pages = address_pages(address_of(address))
        items, following = self.table.query(
            pages.partition,
            AT_PREFIX,
            backwards=True,
            limit=page_size(limit),
            after=pages.position(after),
        )
        current = self._current(items, self._standing())
        # A copy of a message with many ancestors leaves them out; the message's item has them.
        short = [message_key(item["digest"]) for item in current if "above" not in item]
        messages = self.table.get_many(short)
        whole = ({"above": messages.get(message_key(item["digest"]), {}).get("above", []), **item} for item in current)
        return Page(items=tuple(summary_from(item) for item in whole), next=pages.token(following))

    def sending_events(self, ses_id: str, *, limit: int = 100, after: str = "") -> Page[SendingEvent]:
        """Events of a message that the tenant sent, the oldest first; an empty page where none is known.

        Args:
            ses_id: SES's id of the message: `ses_id` of a Progress or Delivery.
            limit: most items of the page, from 1 up. Default: 100; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of events, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.

        Source: SES developer guide, "Contents of event data that Amazon SES publishes".
        """
        pages = event_pages(ses_id)
        found, following = sending_events_of(self.table, ses_id, limit=page_size(limit), after=pages.position(after))
        return Page(
            items=tuple(one for one, expires in found if self._is_current(expires)), next=pages.token(following)
        )

    def suppression(self, address: str) -> Suppression | None:
        """The permanent bounce or complaint that is recorded for an address; None where there is none.

        Args:
            address: address in full, in upper or lower case; a name beside it counts for nothing.

        Raises:
            ValueError: `address` is not one address.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        found = suppression_of(self.table, address_of(address))
        return found[0] if found is not None and self._is_current(found[1]) else None

    def suppressions(self, *, limit: int = 100, after: str = "") -> Page[Suppression]:
        """All recorded permanent bounces and complaints, one item an address, in no order that means anything.

        Args:
            limit: most items of the page, from 1 up. Default: 100; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of suppressions, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        pages = suppression_pages()
        found, following = suppressions_of(self.table, limit=page_size(limit), after=pages.position(after))
        return Page(
            items=tuple(one for one, expires in found if self._is_current(expires)), next=pages.token(following)
        )

    def address_book(self) -> AddressBook | None:
        """Addresses that may send and receive, as deployed; None in the first minute of a tenant.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        return read_address_book(self.table)

    def open_attachment(self, message: Message, attachment: Attachment) -> StreamingBody:
        """A stream of an attachment's bytes. The caller reads and closes it.

        Args:
            message: `content` of a StoredMessage.
            attachment: one of `message.attachments`.

        Raises:
            PermanentError: the message has no such attachment, or AWS refuses.
            RetryableError: AWS does not answer, or takes no more now.
        """
        for number, one in enumerate(message.attachments, start=1):
            if one == attachment:
                return self.objects.open(attachment_key(message.digest, number))
        raise PermanentError(f"message {message.digest}: has no attachment {attachment.path!r}")

    def open_source(self, delivery: Delivery) -> StreamingBody:
        """A stream of the raw message, as the scanner delivered it. The caller reads and closes it.

        Args:
            delivery: one of `deliveries` of a StoredMessage.

        Raises:
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, or the message has expired.

        Source: RFC 5322 for the format.
        """
        return self.objects.open(delivery.source)

    def _standing(self) -> Standing:
        return Standing.of(self.table.get(RETENTION_KEY), self.clock())

    @staticmethod
    def _current(items: Sequence[Item], standing: Standing) -> list[Item]:
        return [item for item in items if standing.lives(item)]

    def _is_current(self, expires: int | None) -> bool:
        return expires is None or expires > self.clock()
