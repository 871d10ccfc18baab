"""The events of mail that arrives, as others get them. Pure.

Each has a JSON Schema beside this file. Fields are only ever added; one that changes its meaning makes a new version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from mailroom.announcements.form import SOURCE, VERSION, schema_of, time_text

__all__ = [
    "SOURCE",
    "DomainChanged",
    "MessageDiscarded",
    "MessageHeld",
    "MessageRecalled",
    "MessageReceived",
    "MessageReleased",
    "schema_of",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReceived:
    """A message is there to be read. At least once for each delivery: the same one may be told twice.

    Args:
        tenant: whose it is.
        message: names the message, for `MessageReader.message`.
        thread: names its thread, for `MessageReader.thread`.
        delivery: SES's id of the delivery.
        first: False for a copy of a message that came before.
        received: when, with a time zone.
        kinds: what else it is, such as "bounce".
        attachments: how many it has.
        verdict: what the scanner found before it delivered the message.
        verdicts: what SES found, by "spam", "virus", "spf", "dkim" and "dmarc"; only what it says.
        risks: classes of active content that it was delivered with; "unauthenticated-sender" where it fails DMARC.
        sender_authenticated: domain of its authors, where SES found that it comes from there; "" otherwise.
    """

    TYPE: ClassVar[str] = "MessageReceived"

    tenant: str
    message: str
    thread: str
    delivery: str
    first: bool
    received: datetime
    kinds: Sequence[str]
    attachments: int
    verdict: str
    verdicts: dict[str, str]
    risks: Sequence[str] = ()
    sender_authenticated: str = ""

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "message": self.message,
            "thread": self.thread,
            "delivery": self.delivery,
            "first": self.first,
            "received": time_text(self.received),
            "kinds": list(self.kinds),
            "attachments": self.attachments,
            "verdict": self.verdict,
            "verdicts": dict(self.verdicts),
            "risks": list(self.risks),
            "sender_authenticated": self.sender_authenticated,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageHeld:
    """A message waits in quarantine, and somebody must decide. At least once for each time it was held.

    Args:
        tenant: whose it is.
        delivery: SES's id of the delivery.
        verdict: what the scanner found: the worst of all.
        reason: why it is held, where its verdict and the tenant's policy alone do not say; "" otherwise.
        held: when, with a time zone.
        risks: classes of active content in it that its tenant wants noted, stripped or held.
        held_id: names it among held mail, for `HeldMail.message`.
    """

    TYPE: ClassVar[str] = "MessageHeld"

    tenant: str
    delivery: str
    verdict: str
    reason: str
    held: datetime
    risks: Sequence[str] = ()
    held_id: str = ""

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "delivery": self.delivery,
            "verdict": self.verdict,
            "reason": self.reason,
            "held": time_text(self.held),
            "risks": list(self.risks),
            "held_id": self.held_id,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReleased:
    """A message was let go that was held, by an operator or an application. At least once for each; who, and why, stands in the
    verdict's record.

    Args:
        tenant: whose it is.
        delivery: SES's id of the delivery.
        verdict: what the scanner found when it was released; "error" when it was not scanned.
        released: when, with a time zone.
        held_id: what named it among held mail.
    """

    TYPE: ClassVar[str] = "MessageReleased"

    tenant: str
    delivery: str
    verdict: str
    released: datetime
    held_id: str = ""

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "delivery": self.delivery,
            "verdict": self.verdict,
            "released": time_text(self.released),
            "held_id": self.held_id,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainChanged:
    """Something became of a domain that a customer brought by the settings API. Told at least once.

    Args:
        tenant: id of its infrastructure.
        organization: whose it is, as tokens name it.
        change: "proven", "suspended", "deployed", "failed" or "removed".
        revision: of its settings that this is about; 0 where it is about none.
        at: when, with a time zone.
    """

    TYPE: ClassVar[str] = "DomainChanged"

    tenant: str
    organization: str
    change: str
    revision: int
    at: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "organization": self.organization,
            "change": self.change,
            "revision": self.revision,
            "at": time_text(self.at),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRecalled:
    """Malware was found in a message after it was delivered, and readers are shown something else. At least once for each change.

    Args:
        tenant: whose it is.
        message: names the message, for `MessageReader.message`.
        thread: names its thread.
        delivery: SES's id of the delivery.
        content: what is shown now: "withdrawn", "stripped" or "restored", as of `Recalled`.
        signature: name of what was found.
        recalled: when it was changed, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageRecalled"

    tenant: str
    message: str
    thread: str
    delivery: str
    content: str
    signature: str
    recalled: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "message": self.message,
            "thread": self.thread,
            "delivery": self.delivery,
            "content": self.content,
            "signature": self.signature,
            "recalled": time_text(self.recalled),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageDiscarded:
    """A held message was deleted because an application asked for it. At least once; who, and why, stands in the verdict's record.

    Args:
        tenant: whose it is.
        delivery: SES's id of the delivery.
        verdict: what the scanner had found.
        discarded: when, with a time zone.
        held_id: what named it among held mail.
    """

    TYPE: ClassVar[str] = "MessageDiscarded"

    tenant: str
    delivery: str
    verdict: str
    discarded: datetime
    held_id: str

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "delivery": self.delivery,
            "verdict": self.verdict,
            "discarded": time_text(self.discarded),
            "held_id": self.held_id,
        }
