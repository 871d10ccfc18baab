"""Names of the metrics, which code counts and alarms watch. Pure."""

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
"""Templates of tenants that the judge did not let through."""

OLDEST_RUN: Final = "OldestRun"
"""Seconds for which a deployment of settings has been due, or under way: the longest."""

DETECTIONS: Final = "Detections"
HELD: Final = "Held"

RECALLED: Final = "Recalled"
"""Delivered messages that were taken back."""

OLDER_DEFINITIONS: Final = "OlderDefinitions"
"""Messages that were scanned with a set from before, since the newest cannot be had or does not load."""

SECOND_SOURCE: Final = "SecondSource"
"""Runs of the mirror that took the second source, since the first one failed."""

AGE: Final = "Age"
"""Seconds since the source confirmed that the published definitions are current."""
