"""The event of a domain that a customer brought by the settings API. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mailroom.events.form import Event

__all__ = ["DomainChanged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainChanged(Event):
    """A domain of the settings API changed its state. Published at least once per change.

    Args:
        tenant: id of its infrastructure.
        organization: the organisation that owns it, as named in tokens.
        change: "proven", "suspended", "deployed", "failed" or "removed".
        revision: revision of its settings; 0 if the change concerns none.
        at: when, with a time zone.
    """

    TYPE: ClassVar[str] = "DomainChanged"

    tenant: str
    organization: str
    change: str
    revision: int
    at: datetime
