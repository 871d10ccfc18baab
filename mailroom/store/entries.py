"""Parts of a message's items, independent of its thread. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailroom.findings import Finding
from mailroom.store.keys import id_digest, sortable

if TYPE_CHECKING:
    from mailroom.messages import Message
    from mailroom.store.table import Item
    from mailroom.threads import ThreadNode

__all__ = [
    "MOST_ADDRESS",
    "MOST_IDENTIFIERS",
    "SUBJECT",
    "Identifiers",
    "InboundMessage",
    "addresses_of",
    "identifiers_of",
    "snippet_of",
    "summary_of",
    "time_of",
]

MOST_IDENTIFIERS: Final = 60
MOST_ADDRESS: Final = 320
SUBJECT: Final = 300
_MOST_FOUND_BY: Final = 5000
_MOST_DATE_BEHIND: Final = timedelta(days=30)
_SNIPPET: Final = 200
_SHOWN_AUTHORS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMessage:
    """A message to store.

    Args:
        message: the parsed message.
        source: key of the message in the bucket.
        ses_id: SES's id of this delivery.
        received: when, with a time zone.
        size: size of the message.
        sent: whether the tenant sent it. Default: False.
        verdict: the scanner's verdict at the delivery. Default: "", unknown.
        risks: classes of active content in the delivered message. Default: none.
        removed: findings that the scanner removed before the delivery. Default: none.
    """

    message: Message
    source: str
    ses_id: str
    received: datetime
    size: int
    sent: bool = False
    verdict: str = ""
    risks: tuple[str, ...] = ()
    removed: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Digests of a message's own identifier, of its ancestors', and of further values that join it to a thread."""

    own: tuple[str, ...]
    above: tuple[str, ...]
    also: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        """All digests, each once."""
        return list(dict.fromkeys((*self.own, *self.above, *self.also)))


def identifiers_of(link: ThreadNode) -> Identifiers:
    """The identifiers that a message joins threads by."""
    ancestors = link.ancestors
    # The first one, which is the thread's beginning, and the last ones, which are the nearest.
    kept = ancestors if len(ancestors) < MOST_IDENTIFIERS else (ancestors[0], *ancestors[2 - MOST_IDENTIFIERS :])
    return Identifiers(
        own=(id_digest(link.message_id),) if link.message_id else (),
        above=tuple(id_digest(one) for one in kept),
        also=tuple(id_digest(f"also:{one}") for one in link.also),
    )


def time_of(message: Message, received: datetime) -> datetime:
    """Time that orders the message: its Date if that is credible, else its receipt."""
    sent = message.date
    if sent is None or not received - _MOST_DATE_BEHIND <= sent <= received:
        return received
    return sent.astimezone(UTC)


def summary_of(arrival: InboundMessage, at: datetime, identifiers: Identifiers) -> Item:
    """A message's attributes for lists, and for its place in the thread."""
    message = arrival.message
    return {
        "digest": message.digest,
        "at": sortable(at),
        "received": sortable(arrival.received),
        "message_id": message.message_id,
        "subject": message.subject[:SUBJECT],
        "from": [
            {"name": one.name[:SUBJECT], "address": one.address[:MOST_ADDRESS]}
            for one in message.from_[:_SHOWN_AUTHORS]
        ],
        "snippet": snippet_of(message),
        "kinds": sorted(kind.value for kind in message.kinds),
        "attachments": len(message.attachments),
        "octets": arrival.size,
        **({"sent": True} if arrival.sent else {}),
        "own": list(identifiers.own),
        "above": list(identifiers.above),
        "also": list(identifiers.also),
    }


def snippet_of(message: Message) -> str:
    """Beginning of a message's text, on one line."""
    return " ".join(message.reply[: 4 * _SNIPPET].split())[:_SNIPPET]


def addresses_of(message: Message) -> list[str]:
    """Addresses under which lists show the message: of the envelope first, then authors and recipients."""
    boxes = (*message.from_, *message.reply_to, *message.to, *message.cc)
    found = dict.fromkeys(one for one in (*message.envelope.recipients, *(box.address for box in boxes)) if "@" in one)
    folded = {address.casefold(): address for address in found if len(address) <= MOST_ADDRESS}
    return list(folded.values())[:_MOST_FOUND_BY]
