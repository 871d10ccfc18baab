"""Tracking of sent mail."""

from constructs_lib.tracking.engagement_events import EngagementEvents
from constructs_lib.tracking.engagement_tracking import EngagementTracking, EngagementTrackingProps

__all__ = ["EngagementEvents", "EngagementTracking", "EngagementTrackingProps"]
