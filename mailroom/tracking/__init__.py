"""What became of mail that was sent: delivered, bounced, opened, clicked. Event, message and time, and nothing of anybody."""

from mailroom.tracking.model import Engagement, EngagementKind

__all__ = ["Engagement", "EngagementKind"]
