"""What a reader of the store is given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from mailroom.messages.model import Address, Kind, Message
from mailroom.threads import Link
from mailroom.tracking.model import Engagement

__all__ = [
    "Delivery",
    "Page",
    "StoredMessage",
    "Summary",
    "ThreadSummary",
    "delivery_from",
    "summary_from",
    "thread_from",
]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some of many.

    Args:
        items: these.
        next: what to ask the next page with; "" behind the last one. Means nothing to anybody else.
    """

    items: tuple[T, ...]
    next: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadSummary:
    """A thread, as lists show it.

    Args:
        thread: names it. A thread that becomes part of another keeps its name as a second one of that.
        subject: of its first message.
        first: when its first message was sent.
        latest: when its latest was.
        messages: how many came, those included whose time has passed.
        participants: addresses of authors, at most twenty.
    """

    thread: str
    subject: str
    first: datetime
    latest: datetime
    messages: int
    participants: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A message, as lists show it.

    Args:
        digest: names it.
        at: where it stands among others: when it was sent, or else received.
        received: when it was received first.
        message_id: its own identifier.
        subject: at most 300 characters of it.
        from_: its first authors.
        snippet: how its text begins, on one line.
        kinds: what else it is.
        attachments: how many it has.
        octets: how big it is.
        sent: whether the tenant sent it.
        link: for `mailroom.threads.thread_messages`, which draws the tree of a thread; identifiers are digests.
    """

    digest: str
    at: datetime
    received: datetime
    message_id: str
    subject: str
    from_: tuple[Address, ...]
    snippet: str
    kinds: frozenset[Kind]
    attachments: int
    octets: int
    sent: bool
    link: Link


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One way by which a message came.

    Args:
        ses_id: SES's id of it.
        source: key of the message in the bucket, as it was delivered by the scanner.
        received: when.
        sender: of the envelope.
        recipients: of the envelope.
        verdicts: what SES found.
    """

    ses_id: str
    source: str
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    verdicts: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """A message, with everything but the octets of its attachments.

    Args:
        thread: names its thread.
        summary: as lists show it.
        content: the message; its envelope is that of the first delivery.
        deliveries: the ways by which it came, or was sent, by SES's ids.
        engagements: of a message that the tenant sent, what became of it, in the order it happened: the first hundred.
    """

    thread: str
    summary: Summary
    content: Message
    deliveries: tuple[Delivery, ...]
    engagements: tuple[Engagement, ...] = ()


def thread_from(item: dict[str, Any]) -> ThreadSummary:
    """The thread that an item is about."""
    return ThreadSummary(
        thread=item["thread"],
        subject=item["subject"],
        first=datetime.fromisoformat(item["first_at"]),
        latest=datetime.fromisoformat(item["latest"]),
        messages=item["messages"],
        participants=tuple(item["participants"]),
    )


def summary_from(item: dict[str, Any]) -> Summary:
    """The message that an item is about."""
    return Summary(
        digest=item["digest"],
        at=datetime.fromisoformat(item["at"]),
        received=datetime.fromisoformat(item["received"]),
        message_id=item["message_id"],
        subject=item["subject"],
        from_=tuple(Address(one["address"], one["name"]) for one in item["from"]),
        snippet=item["snippet"],
        kinds=frozenset(Kind(kind) for kind in item["kinds"]),
        attachments=int(item["attachments"]),
        octets=int(item["octets"]),
        sent=item.get("sent", False),
        link=Link(
            key=item["digest"],
            message_id="".join(item["own"]),
            references=tuple(item["above"]),
            date=datetime.fromisoformat(item["at"]),
            also=tuple(item["also"]),
        ),
    )


def delivery_from(item: dict[str, Any]) -> Delivery:
    """The delivery that an item is about."""
    return Delivery(
        ses_id=item["ses_id"],
        source=item["source"],
        received=datetime.fromisoformat(item["received"]),
        sender=item["sender"],
        recipients=tuple(item["recipients"]),
        verdicts=dict(item["verdicts"]),
    )
