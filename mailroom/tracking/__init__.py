"""Events of sent mail: delivery, bounce, open, click. Event, message and time, without personal data."""

from mailroom.tracking.model import Engagement, EngagementKind

__all__ = ["Engagement", "EngagementKind"]
