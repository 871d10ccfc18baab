"""Names of the metrics, which code counts and alarms watch. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["AGE", "DEFINITIONS", "DETECTIONS", "HELD", "NAMESPACE", "SCANNER"]

NAMESPACE: Final = "EmailSubdomains"

SCANNER: Final = "Scanner"
"""Dimension of a scanner's metrics: its name."""

DEFINITIONS: Final = "Definitions"
"""Dimension of a mirror's metrics: the bucket it publishes to."""

DETECTIONS: Final = "Detections"
HELD: Final = "Held"

AGE: Final = "Age"
"""Seconds since the source confirmed that the published definitions are current."""
