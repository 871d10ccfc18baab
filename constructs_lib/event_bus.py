"""The right of a function to publish events of mail on the account's default bus."""

from __future__ import annotations

from typing import Any

from constructs_lib.intrinsics import arn
from constructs_lib.statements import allow_to
from mailroom.events.form import SOURCE

__all__ = ["allow_publishing_events"]


def allow_publishing_events() -> dict[str, Any]:
    """Statement of a function's role: events of the platform's own source, on the default bus."""
    return {
        **allow_to(["events:PutEvents"], arn("events", "event-bus/default")),
        "Condition": {"StringEquals": {"events:source": SOURCE}},
    }
