"""Events on EventBridge about messages: facts and ids, no content and no addresses."""

from mailroom.events.domains import DomainChanged
from mailroom.events.form import SOURCE, Event
from mailroom.events.inbound import (
    MessageDiscarded,
    MessageHeld,
    MessageRecalled,
    MessageReceived,
    MessageReleased,
    RecipientsAdded,
)
from mailroom.events.outbound import MessageInDoubt, MessageRefused, MessageSent, MessageTracked
from mailroom.events.publisher import EventPublisher

__all__ = [
    "SOURCE",
    "DomainChanged",
    "Event",
    "EventPublisher",
    "MessageDiscarded",
    "MessageHeld",
    "MessageInDoubt",
    "MessageRecalled",
    "MessageReceived",
    "MessageRefused",
    "MessageReleased",
    "MessageSent",
    "MessageTracked",
    "RecipientsAdded",
]
