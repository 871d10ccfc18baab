"""Why something that an organisation asks for is not done. Texts tell of what is its own, and of nobody else's."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason", "RefusedError"]


class Reason(StrEnum):
    """What kind of refusal it is; whoever serves an API makes a status of it."""

    INVALID = "invalid"
    """The value can never be right."""
    FORBIDDEN = "forbidden"
    """The platform gives it to nobody."""
    MISSING = "missing"
    """The organisation has nothing by that id or name."""
    CONFLICT = "conflict"
    """It is at odds with what is there."""
    CHANGED = "changed"
    """It has changed since the caller read it."""
    TOO_MANY = "too-many"
    """A limit of the organisation is reached; it is given back by deleting."""
    TOO_FAST = "too-fast"
    """A limit for a time is reached; it is given back by waiting."""


class RefusedError(Exception):
    """It is not done, and nothing has changed.

    Args:
        reason: the kind.
        text: `subject: field problem; do Y`. It may be shown to the caller.
        retry_after_seconds: when it may be tried again. Default: 0, waiting does not help.
    """

    def __init__(self, reason: Reason, text: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
