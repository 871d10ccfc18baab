"""Events of sent mail: delivery, bounce, open, click. Event, message and time, without personal data."""

from mailroom.tracking.model import SendingEvent, SendingEventKind

__all__ = ["SendingEvent", "SendingEventKind"]
