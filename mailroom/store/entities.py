"""Results of the store's reader. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from mailroom.findings import Finding, findings_from
from mailroom.messages.model import Address, Kind, Message
from mailroom.store.keys import DELIVERY_PREFIX, RECIPIENTS_PREFIX, SORT
from mailroom.threads import ThreadNode
from mailroom.tracking.model import SendingEvent

__all__ = [
    "Delivery",
    "Page",
    "Recalled",
    "StoredMessage",
    "Summary",
    "ThreadSummary",
    "addressed",
    "deliveries_from",
    "summary_from",
    "thread_from",
]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Args:
        items: items of the page, at most 100. A page before the last one may have fewer than requested, or none.
        next: position behind the page, for `after` of the next call; "" on the last page. It contains no address, and is valid in a
            URL. Opaque: its form may change.
        thread: present id of the requested thread, which differs after a merge; "" if there is none, and for other lists.
    """

    items: tuple[T, ...]
    next: str = ""
    thread: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadSummary:
    """A thread's entry in lists.

    Args:
        thread: id of the thread. After a merge, the old id still works.
        subject: subject of its first message, at most 300 characters.
        first: time of its first message, with a time zone.
        latest: time of its latest message, with a time zone.
        messages: number of its messages, with those that have expired.
        participants: addresses of authors, at most twenty.
        sent: number of messages that the tenant sent, without those from before this was recorded. `messages - sent` is the number
            of received ones: an application that stores it at the last reading can compute the unread ones without another request.
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
    """A message's entry in lists.

    Args:
        digest: id of the message, for `MessageReader.message`: 64 hexadecimal digits.
        at: time that orders it, with a time zone: its Date, or else its receipt.
        received: time of its first delivery, with a time zone.
        message_id: its Message-ID without angle brackets; "" without one.
        subject: its subject, at most 300 characters.
        from_: its first authors.
        snippet: beginning of its text, on one line.
        kinds: its kinds, such as a bounce.
        attachments: number of its attachments.
        size: size of the raw message, in bytes.
        sent: whether the tenant sent it.
        link: its link for `thread_messages`; identifiers are digests.
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
    size: int
    sent: bool
    link: ThreadNode


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One delivery of a message; copies of one message have several.

    Args:
        ses_id: SES's id of the delivery.
        source: key of the raw message in the bucket, as the scanner delivered it.
        received: time of the delivery, with a time zone.
        sender: sender of the envelope; "" for none, as bounces have.
        recipients: recipients of the envelope: of received mail, those of the tenant. At first the one in SES's header line, if SES
            has not told of the others yet.
        verdicts: SES's own verdicts, in lower case, by "spam", "virus", "spf", "dkim" and "dmarc".
        verdict: verdict of the tenant's scanner at the delivery, such as "clean" or "infected", independent of SES's. "" for sent
            messages, and for messages from before this was recorded.
        risks: classes of active content that the message was delivered with: "programs", "macros", "web-scripts", "onenote-files"
            and "pdf-actions"; "unauthenticated-sender" where it fails the DMARC policy of its author's domain. Empty if there is
            none, or the policy delivers it unflagged.
        removed: files that the scanner removed before the delivery, with its findings, worst first, as many as fit into 1,200
            bytes. Trust this and no file of the message. Empty if none was removed, and for messages from before this was recorded.
        sender_authenticated: domain of the authors, confirmed by SES; "" if it is not confirmed: then the From field may be forged.
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
    """A recall of a delivered message because of malware.

    Args:
        content: its present content: "withdrawn" for none, "stripped" for the message without the finding, "restored" for the
            message as it came, because newer definitions find nothing in it or an operator released it.
        signature: name of the malware.
    """

    content: str
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """A message, with everything but the bytes of its attachments.

    Args:
        thread: id of its thread, for `MessageReader.thread`.
        summary: its entry in lists.
        content: the message; its envelope is that of the first delivery.
        deliveries: its deliveries, or for a sent message its sendings, by SES's ids.
        sending_events: events of a message that the tenant sent, the oldest first, at most 100.
        recalled: its recall; None without one.
    """

    thread: str
    summary: Summary
    content: Message
    deliveries: tuple[Delivery, ...]
    sending_events: tuple[SendingEvent, ...] = ()
    recalled: Recalled | None = None


def thread_from(item: dict[str, Any]) -> ThreadSummary:
    """The thread of an item."""
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
    """The message of an item."""
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
        size=int(item["octets"]),
        sent=item.get("sent", False),
        link=ThreadNode(
            key=item["digest"],
            message_id="".join(item["own"]),
            references=tuple(item["above"]),
            date=datetime.fromisoformat(item["at"]),
            also=tuple(item["also"]),
        ),
    )


def deliveries_from(items: Iterable[dict[str, Any]]) -> tuple[Delivery, ...]:
    """Deliveries of items, each with the recipients that SES told of later, in an item of their own."""
    listed = list(items)
    told = {one["ses_id"]: one["recipients"] for one in listed if one[SORT].startswith(RECIPIENTS_PREFIX)}
    return tuple(
        _delivery_from(one, told.get(one["ses_id"], ())) for one in listed if one[SORT].startswith(DELIVERY_PREFIX)
    )


def addressed(message: Message, deliveries: Iterable[Delivery]) -> Message:
    """The message with all recipients of the delivery that its envelope is of."""
    for one in deliveries:
        if one.ses_id == message.envelope.ses_id:
            return replace(message, envelope=replace(message.envelope, recipients=one.recipients))
    return message


def _delivery_from(item: dict[str, Any], told: Iterable[str] = ()) -> Delivery:
    """The delivery of an item, and of recipients that SES told of later."""
    return Delivery(
        ses_id=item["ses_id"],
        source=item["source"],
        received=datetime.fromisoformat(item["received"]),
        sender=item["sender"],
        recipients=tuple(dict.fromkeys((*item["recipients"], *sorted(told)))),
        verdicts=dict(item["verdicts"]),
        verdict=item.get("verdict", ""),
        risks=tuple(item.get("risks", ())),
        removed=findings_from(item.get("removed", "")),
        sender_authenticated=item.get("sender_authenticated", ""),
    )
