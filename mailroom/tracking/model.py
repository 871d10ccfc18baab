"""Recorded events of SES about sent messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

__all__ = ["SendingEvent", "SendingEventKind"]


class SendingEventKind(StrEnum):
    """Kind of event. Values are SES's words in `eventType`, except SOFT_BOUNCE, which is a bounce to SES."""

    SEND = "Send"
    """SES accepted the message."""
    DELIVERY = "Delivery"
    """The recipient's server accepted it."""
    DELIVERY_DELAY = "DeliveryDelay"
    """The recipient's server does not accept it yet; SES goes on trying."""
    BOUNCE = "Bounce"
    """A permanent bounce: usually the mailbox does not exist. SES's `bounceType` Permanent."""
    SOFT_BOUNCE = "SoftBounce"
    """A temporary or undetermined bounce: a full mailbox, an absence note. SES's Transient or Undetermined."""
    COMPLAINT = "Complaint"
    """The recipient reported it as spam, or as no spam, which `SendingEvent.not_spam` tells."""
    REJECT = "Reject"
    """SES found malware in it, and did not send it."""
    RENDERING_FAILURE = "Rendering Failure"
    """SES could not fill in a template; the platform uses none."""
    OPEN = "Open"
    """A reader or a program loaded its images."""
    CLICK = "Click"
    """A link was followed."""


_LISTED: Final = frozenset(
    {
        "EmailValidationSuppressed",
        "OnAccountSuppressionList",
        "OnTenantSuppressionList",
        "Suppressed",
        "UnsubscribedRecipient",
    }
)
"""Subtypes of mail that SES did not try to send, since the address is on a list."""


@dataclass(frozen=True, slots=True)
class SendingEvent:
    """An event of SES about a sent message.

    Args:
        kind: kind of event.
        ses_id: SES's id of the message.
        at: SES's time of the event, with a time zone, to the millisecond.
        link: the link that was followed; "" for all other kinds.
        bot: whether SES attributes it to a program, such as a scanner that follows every link.
        subtype: SES's subtype of a bounce or complaint, such as "NoEmail"; "" without one, and for other kinds.
        feedback: feedback type of a complaint in lower case, such as "abuse" or "not-spam" (RFC 5965 7.3); "" if SES gives none,
            and for other kinds.
        event: id of the event, the same for each delivery; "" if it is not known, as in read events.
        outbox: id of the message in the outbox; "" if it is not known, as in read events.
    """

    kind: SendingEventKind
    ses_id: str
    at: datetime
    link: str = ""
    bot: bool = False
    subtype: str = ""
    feedback: str = ""
    event: str = ""
    outbox: str = ""

    @property
    def not_spam(self) -> bool:
        """Whether a complaint is the opposite of one: the recipient took the message out of the spam folder."""
        return self.feedback == "not-spam"

    @property
    def from_a_list(self) -> bool:
        """Whether SES sent nothing because the address is on a suppression list. Such an event is no news about the address."""
        return self.subtype in _LISTED
