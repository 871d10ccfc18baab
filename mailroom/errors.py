"""What goes wrong while a message is worked on, and whether trying again can help."""

from __future__ import annotations

__all__ = ["MailroomError", "PermanentError", "RetryableError"]


class MailroomError(Exception):
    """Base of all; its text names tenant, bucket and key, never content or addresses."""


class RetryableError(MailroomError):
    """Trying again later may do: the message stays where it is."""


class PermanentError(MailroomError):
    """Trying again does not help: the message stays where it is, and somebody must look at it."""
