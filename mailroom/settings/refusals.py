"""Refusals of an organisation's requests. Their texts have facts of that organisation only."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason", "RefusedError"]


class Reason(StrEnum):
    """Kind of a refusal; an API maps it to a status."""

    INVALID = "invalid"
    """The value can never be right."""
    FORBIDDEN = "forbidden"
    """The platform gives it to no organisation."""
    MISSING = "missing"
    """The organisation has nothing by that id or name."""
    CONFLICT = "conflict"
    """The request contradicts an existing entry."""
    CHANGED = "changed"
    """The entry has changed since the caller read it."""
    TOO_MANY = "too-many"
    """A limit of the organisation is reached; deleting frees it."""
    TOO_FAST = "too-fast"
    """A rate limit is reached; waiting frees it."""


class RefusedError(Exception):
    """The request is refused, and nothing has changed.

    Args:
        reason: the kind.
        text: `subject: field problem; do Y`. It may be shown to the caller.
        retry_after_seconds: wait before the next attempt. Default: 0, waiting does not help.
    """

    def __init__(self, reason: Reason, text: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
