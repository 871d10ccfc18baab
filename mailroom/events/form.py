"""The common form of events. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

__all__ = ["SOURCE", "Event", "schema_of"]

SOURCE: Final = "email-subdomains"
_VERSION: Final = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event. Its fields are those of its `detail`, in their order, behind the version."""

    TYPE: ClassVar[str]

    @property
    def detail(self) -> dict[str, Any]:
        """The event's `detail` for JSON."""
        return {"version": _VERSION} | {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema of the `detail` of an EventBridge event of this kind. New versions add fields and remove none.

    Args:
        event: MessageReceived, MessageHeld, MessageReleased, MessageDiscarded, MessageRecalled, MessageSent, MessageRefused,
            MessageInDoubt, MessageTracked, RecipientsAdded or DomainChanged.

    Source: JSON Schema, draft 2020-12; EventBridge user guide, "Events in Amazon EventBridge".
    """
    schema: dict[str, Any] = json.loads((Path(__file__).parent / f"{event.TYPE}.schema.json").read_text("utf-8"))
    return schema


def _plain(value: object) -> object:
    """A value for JSON: times by RFC 3339 in UTC, sequences as lists, mappings as dictionaries."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
