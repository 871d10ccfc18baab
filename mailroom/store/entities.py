"""What a reader of the store is given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from mailroom.findings import Finding, findings_from
from mailroom.messages.model import Address, Kind, Message
from mailroom.threads import Link
from mailroom.tracking.model import Engagement

__all__ = [
    "Delivery",
    "Page",
    "Recalled",
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
    """One page of a list.

    Args:
        items: items of the page, at most 100. A page may hold fewer than asked for, or none, before the last one.
        next: position behind the page, for `after` of the next call; "" on the last page. It holds no address, and
            may stand in a URL as it is. Opaque: its form may change.
        thread: present id of the thread that was asked for, which differs once it became part of another; "" where there is none,
            and for other lists.
    """

    items: tuple[T, ...]
    next: str = ""
    thread: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadSummary:
    """A thread, as lists show it.

    Args:
        thread: id of the thread. A thread that becomes part of another can still be read by its old id.
        subject: subject of its first message, at most 300 characters.
        first: time of its first message, with a time zone.
        latest: time of its latest message, with a time zone.
        messages: number of its messages, with those that have expired.
        participants: addresses of authors, at most twenty.
        sent: number of those messages that the tenant sent, without what it sent before this was kept. `messages - sent` came:
            whoever keeps what that number was when the thread was last read knows how many are unread, without another request.
    """

    thread: str
    subject: str
    first: datetime
    latest: datetime
    messages: int
    participants: tuple[str, ...]
    sent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A message, as lists show it.

    Args:
        digest: id of the message, for `MessageReader.message`: 64 hexadecimal digits.
        at: time that orders it, with a time zone: when it was sent, or else received.
        received: time of its first delivery, with a time zone.
        message_id: its Message-ID without angle brackets; "" without one.
        subject: its subject, at most 300 characters.
        from_: its first authors.
        snippet: beginning of its text, on one line.
        kinds: what else it is, such as a bounce.
        attachments: number of its attachments.
        octets: size of the raw message, in bytes.
        sent: whether the tenant sent it.
        link: what `thread_messages` makes the tree of a thread from; identifiers are digests.
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
    """One delivery of a message; copies of one message have several.

    Args:
        ses_id: SES's id of the delivery.
        source: key of the raw message in the bucket, as the scanner delivered it.
        received: time of the delivery, with a time zone.
        sender: sender of the envelope; "" for none, as bounces have.
        recipients: recipients of the envelope, as far as they are known: of received mail, the one that SES names.
        verdicts: SES's own verdicts, in lower case, by "spam", "virus", "spf", "dkim" and "dmarc".
        verdict: verdict of the tenant's own scanner when it delivered the message: "clean", or what it found, such as "infected",
            whatever SES says. "" for sent messages, and for what came before this was kept.
        risks: classes of active content that the message was delivered with: "programs", "macros", "web-scripts", "onenote-files"
            and "pdf-actions"; "unauthenticated-sender" where it fails the DMARC policy of its author's domain. Empty where there is
            none, or the tenant wants it delivered unnoted.
        removed: files that the scanner took out of the message before it delivered it, and why, the worst first, as many as fit
            into 1,200 bytes. It is the scanner's word, whatever a file in the message says. Empty where nothing was taken out, and
            for what came before this was kept.
        sender_authenticated: domain of the authors, where SES found that the message comes from there; "" where it did not, and
            the From field says what anybody can write.
    """

    ses_id: str
    source: str
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    verdicts: dict[str, str]
    verdict: str = ""
    risks: tuple[str, ...] = ()
    removed: tuple[Finding, ...] = ()
    sender_authenticated: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalled:
    """That malware was found in a message after it was delivered.

    Args:
        content: what is shown of it now: "withdrawn" for nothing, "stripped" for the message without what was found, "restored" for
            the message as it came, since newer definitions find nothing in it, or an operator let it go.
        signature: name of what was found.
    """

    content: str
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """A message, with everything but the bytes of its attachments.

    Args:
        thread: id of its thread, for `MessageReader.thread`.
        summary: the message as lists show it.
        content: the message; its envelope is that of the first delivery.
        deliveries: its deliveries, or for a sent message its sendings, by SES's ids.
        engagements: events of a message that the tenant sent, the oldest first, at most 100.
        recalled: that malware was found in it after it was delivered; None where none was.
    """

    thread: str
    summary: Summary
    content: Message
    deliveries: tuple[Delivery, ...]
    engagements: tuple[Engagement, ...] = ()
    recalled: Recalled | None = None


def thread_from(item: dict[str, Any]) -> ThreadSummary:
    """The thread that an item is about."""
    return ThreadSummary(
        thread=item["thread"],
        subject=item["subject"],
        first=datetime.fromisoformat(item["first_at"]),
        latest=datetime.fromisoformat(item["latest"]),
        messages=item["messages"],
        participants=tuple(item["participants"]),
        sent=item.get("sent", 0),
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
        verdict=item.get("verdict", ""),
        risks=tuple(item.get("risks", ())),
        removed=findings_from(item.get("removed", "")),
        sender_authenticated=item.get("sender_authenticated", ""),
    )
