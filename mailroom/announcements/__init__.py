"""What others are told on EventBridge of messages: facts and names, no content and no addresses."""

from mailroom.announcements.announcer import Announcer
from mailroom.announcements.events import SOURCE, MessageDiscarded, MessageHeld, MessageReceived, MessageReleased

__all__ = ["SOURCE", "Announcer", "MessageDiscarded", "MessageHeld", "MessageReceived", "MessageReleased"]
