"""What the events have in common. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

__all__ = ["SOURCE", "VERSION", "Announced", "schema_of", "time_text"]

SOURCE: Final = "email-subdomains"
VERSION: Final = "1"


class Announced(Protocol):
    """An event."""

    TYPE: ClassVar[str]

    @property
    def detail(self) -> dict[str, Any]:
        """As the event has it."""


def schema_of(event: type[Announced]) -> dict[str, Any]:
    """JSON Schema of the `detail` of an EventBridge event of this kind. New versions add fields and remove none.

    Args:
        event: MessageReceived, MessageHeld, MessageReleased, MessageDiscarded, MessageRecalled, MessageSent, MessageRefused,
            MessageInDoubt, MessageTracked or DomainChanged.

    Source: JSON Schema, draft 2020-12; EventBridge user guide, "Events in Amazon EventBridge".
    """
    schema: dict[str, Any] = json.loads((Path(__file__).parent / f"{event.TYPE}.schema.json").read_text("utf-8"))
    return schema


def time_text(moment: datetime) -> str:
    """RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
