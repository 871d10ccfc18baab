"""The events of mail that a tenant sends, as others get them: names, kinds and times, and the link that was followed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from mailroom.announcements.form import VERSION, time_text

__all__ = ["MessageInDoubt", "MessageRefused", "MessageSent", "MessageTracked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent:
    """SES took a message of the outbox, and it can be read in its thread. At least once for each.

    Args:
        tenant: whose it is.
        outbox: id of the request, for `Outbox.progress`.
        delivery: SES's id, for `MessageReader.engagements`.
        message: names the message, for `MessageReader.message`.
        thread: names its thread, for `MessageReader.thread`.
        sent: when SES took it, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageSent"

    tenant: str
    outbox: str
    delivery: str
    message: str
    thread: str
    sent: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "outbox": self.outbox,
            "delivery": self.delivery,
            "message": self.message,
            "thread": self.thread,
            "sent": time_text(self.sent),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRefused:
    """A message of the outbox will not be sent. At least once for each.

    Args:
        tenant: whose it is.
        outbox: id of the request, for `Outbox.progress`.
        reason: why, as `Progress.reason`.
        explanation: which address or file, and which rule, as `Progress.explanation`.
        refused: when, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageRefused"

    tenant: str
    outbox: str
    reason: str
    explanation: str
    refused: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "outbox": self.outbox,
            "reason": self.reason,
            "explanation": self.explanation,
            "refused": time_text(self.refused),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageInDoubt:
    """A message of the outbox was sent, or was not: nobody came back with SES's answer. At least once for each.

    Where SES sent it, MessageTracked tells so, and the request is `sent` then.

    Args:
        tenant: whose it is.
        outbox: id of the request, for `Outbox.progress`.
        since: since when, with a time zone.
    """

    TYPE: ClassVar[str] = "MessageInDoubt"

    tenant: str
    outbox: str
    since: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {"version": VERSION, "tenant": self.tenant, "outbox": self.outbox, "since": time_text(self.since)}


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTracked:
    """Something became of a message that was sent: as much as `MessageReader.engagements` keeps. At least once for each `event`.

    Args:
        tenant: whose it is.
        delivery: SES's id of the message.
        kind: what happened, as `EngagementKind`: "Send", "Delivery", "DeliveryDelay", "Bounce", "SoftBounce", "Complaint",
            "Reject", "Rendering Failure", "Open" or "Click".
        at: when, with a time zone, to the millisecond.
        outbox: id of the request; "" where the message was sent around the outbox.
        link: the link that was followed; "" for all other kinds.
        bot: whether SES took it for a program's doing.
        subtype: SES's word for the kind of bounce or complaint; "" where it has none.
        feedback: what the recipient said in a complaint; "" where SES does not say.
        event: id of the event, the same each time it is told; "" where it is not known.
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

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "version": VERSION,
            "tenant": self.tenant,
            "delivery": self.delivery,
            "kind": self.kind,
            "at": time_text(self.at),
            "outbox": self.outbox,
            "link": self.link,
            "bot": self.bot,
            "subtype": self.subtype,
            "feedback": self.feedback,
            "event": self.event,
        }
