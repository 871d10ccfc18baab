"""What others are told on EventBridge of messages: facts and names, no content and no addresses."""

from mailroom.announcements.announcer import Announcer
from mailroom.announcements.events import SOURCE, MessageHeld, MessageReceived, MessageReleased

__all__ = ["SOURCE", "Announcer", "MessageHeld", "MessageReceived", "MessageReleased"]
