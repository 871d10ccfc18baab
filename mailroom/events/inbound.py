"""Events of arriving mail. Pure.

Each has a JSON Schema beside this file. Fields are added and never removed; a changed meaning makes a new version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mailroom.events.form import Event

__all__ = [
    "MessageDiscarded",
    "MessageHeld",
    "MessageRecalled",
    "MessageReceived",
    "MessageReleased",
    "RecipientsAdded",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReceived(Event):
    """A message can be read. Published at least once per delivery, possibly twice.

    Args:
        tenant: id of the tenant.
        message: names the message, for `MessageReader.message`.
        thread: names its thread, for `MessageReader.thread`.
        delivery: SES's id of the delivery.
        first: False for a copy of a message that came before.
        received: when, with a time zone.
        kinds: its kinds, such as "bounce".
        attachments: number of its attachments.
        verdict: the scanner's verdict at the delivery.
        verdicts: SES's verdicts by "spam", "virus", "spf", "dkim" and "dmarc", as far as SES gives them.
        risks: classes of active content in the delivered message; "unauthenticated-sender" if it fails DMARC.
        sender_authenticated: domain of its authors, confirmed by SES; "" otherwise.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageHeld(Event):
    """A message waits in quarantine for a decision. Published at least once each time the scanner holds it.

    Args:
        tenant: id of the tenant.
        delivery: SES's id of the delivery.
        verdict: the scanner's worst verdict.
        reason: reason for holding it besides verdict and policy; "" if there is none.
        held: when, with a time zone.
        risks: classes of active content in it that the tenant's policy flags, strips or holds.
        held_id: its id as a held message, for `HeldMail.message`.
    """

    TYPE: ClassVar[str] = "MessageHeld"

    tenant: str
    delivery: str
    verdict: str
    reason: str
    held: datetime
    risks: Sequence[str] = ()
    held_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReleased(Event):
    """An operator or an application released a held message. Published at least once; the verdict's record has the requester and
    the reason.

    Args:
        tenant: id of the tenant.
        delivery: SES's id of the delivery.
        verdict: the scanner's verdict at the release; "error" if no scan succeeded.
        released: when, with a time zone.
        held_id: its id as a held message.
    """

    TYPE: ClassVar[str] = "MessageReleased"

    tenant: str
    delivery: str
    verdict: str
    released: datetime
    held_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRecalled(Event):
    """Malware was found in a delivered message, and the store shows other content. Published at least once per change.

    Args:
        tenant: id of the tenant.
        message: names the message, for `MessageReader.message`.
        thread: names its thread.
        delivery: SES's id of the delivery.
        content: the present content: "withdrawn", "stripped" or "restored", as in `Recalled`.
        signature: name of the malware.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageDiscarded(Event):
    """An application had a held message deleted. Published at least once; the verdict's record has the requester and the reason.

    Args:
        tenant: id of the tenant.
        delivery: SES's id of the delivery.
        verdict: the scanner's verdict.
        discarded: when, with a time zone.
        held_id: its id as a held message.
    """

    TYPE: ClassVar[str] = "MessageDiscarded"

    tenant: str
    delivery: str
    verdict: str
    discarded: datetime
    held_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientsAdded(Event):
    """Further recipients of a delivery are known, after its MessageReceived. Published at least once per number of recipients.

    Args:
        tenant: id of the tenant.
        message: names the message, for `MessageReader.message`.
        thread: names its thread.
        delivery: SES's id of the delivery.
        recipients: number of its recipients, with those that were known before.
        added: when they were added, with a time zone.
    """

    TYPE: ClassVar[str] = "RecipientsAdded"

    tenant: str
    message: str
    thread: str
    delivery: str
    recipients: int
    added: datetime
