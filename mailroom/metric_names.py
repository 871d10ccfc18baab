"""Names of the metrics for code and alarms. Pure."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AGE",
    "DEFINITIONS",
    "DETECTIONS",
    "FAILED_DEPLOYMENTS",
    "HELD",
    "NAMESPACE",
    "OLDER_DEFINITIONS",
    "OLDEST_RUN",
    "RECALLED",
    "REFUSED_TEMPLATES",
    "SCANNER",
    "SECOND_SOURCE",
    "SETTINGS",
]

NAMESPACE: Final = "EmailSubdomains"

SCANNER: Final = "Scanner"
"""Dimension of a scanner's metrics: its name."""

DEFINITIONS: Final = "Definitions"
"""Dimension of a mirror's metrics: the bucket it publishes to."""

SETTINGS: Final = "Settings"
"""Dimension of the metrics of a cell's settings: the table."""

FAILED_DEPLOYMENTS: Final = "FailedDeployments"
REFUSED_TEMPLATES: Final = "RefusedTemplates"
"""Templates of tenants that the judge refused."""

OLDEST_RUN: Final = "OldestRun"
"""Seconds for which the longest-waiting deployment of settings has been due, or under way."""

DETECTIONS: Final = "Detections"
HELD: Final = "Held"

RECALLED: Final = "Recalled"
"""Delivered messages that were recalled."""

OLDER_DEFINITIONS: Final = "OlderDefinitions"
"""Messages that were scanned with an older set, since the newest cannot be fetched or loaded."""

SECOND_SOURCE: Final = "SecondSource"
"""Runs of the mirror that took the second source, since the first one failed."""

AGE: Final = "Age"
"""Seconds since the source confirmed that the published definitions are current."""
