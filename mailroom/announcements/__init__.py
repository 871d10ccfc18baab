"""Events on EventBridge about messages: facts and ids, no content and no addresses."""

from mailroom.announcements.announcer import Announcer
from mailroom.announcements.domains import DomainChanged
from mailroom.announcements.events import (
    MessageDiscarded,
    MessageHeld,
    MessageRecalled,
    MessageReceived,
    MessageReleased,
)
from mailroom.announcements.form import SOURCE, Announced
from mailroom.announcements.outbound import MessageInDoubt, MessageRefused, MessageSent, MessageTracked

__all__ = [
    "SOURCE",
    "Announced",
    "Announcer",
    "DomainChanged",
    "MessageDiscarded",
    "MessageHeld",
    "MessageInDoubt",
    "MessageRecalled",
    "MessageReceived",
    "MessageRefused",
    "MessageReleased",
    "MessageSent",
    "MessageTracked",
]
