"""Events of a tenant's sent mail: ids, kinds, times, and the followed link. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mailroom.events.form import Event

__all__ = ["MessageInDoubt", "MessageRefused", "MessageSent", "MessageTracked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent(Event):
    """SES accepted a message of the outbox, and its thread has it. Published at least once per message.

    Args:
        tenant: id of the tenant.
        outbox: id of the request, for `Outbox.progress`.
        delivery: SES's id, for `MessageReader.sending_events`.
        message: names the message, for `MessageReader.message`.
        thread: names its thread, for `MessageReader.thread`.
        sent: time at which SES accepted it, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageSent"

    tenant: str
    outbox: str
    delivery: str
    message: str
    thread: str
    sent: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRefused(Event):
    """A message of the outbox will not be sent. Published at least once per message.

    Args:
        tenant: id of the tenant.
        outbox: id of the request, for `Outbox.progress`.
        reason: as `Progress.reason`.
        explanation: the address or file, and the rule, as `Progress.explanation`.
        refused: when, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageRefused"

    tenant: str
    outbox: str
    reason: str
    explanation: str
    refused: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageInDoubt(Event):
    """SES's answer for a message of the outbox was lost: it may have been sent. Published at least once per message.

    If SES sent it, MessageTracked reports that, and the request becomes `sent`.

    Args:
        tenant: id of the tenant.
        outbox: id of the request, for `Outbox.progress`.
        since: when the state began, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageInDoubt"

    tenant: str
    outbox: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTracked(Event):
    """SES reports on a sent message, with the fields of `MessageReader.sending_events`. Published at least once per `event`.

    Args:
        tenant: id of the tenant.
        delivery: SES's id of the message.
        kind: kind of event, as `SendingEventKind`: "Send", "Delivery", "DeliveryDelay", "Bounce", "SoftBounce", "Complaint",
            "Reject", "Rendering Failure", "Open" or "Click".
        at: when, with a time zone, to the millisecond.
        outbox: id of the request; "" if the message was not sent by the outbox.
        link: the link that was followed; "" for all other kinds.
        bot: whether SES attributes it to a program.
        subtype: SES's subtype of the bounce or complaint; "" without one.
        feedback: feedback type of a complaint; "" if SES gives none.
        event: id of the event, the same for each publication; "" if it is not known.
    """

    TYPE: ClassVar[str] = "MessageTracked"

    tenant: str
    delivery: str
    kind: str
    at: datetime
    outbox: str = ""
    link: str = ""
    bot: bool = False
    subtype: str = ""
    feedback: str = ""
    event: str = ""
