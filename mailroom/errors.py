"""What goes wrong while a message is worked on, and whether trying again can help."""

from __future__ import annotations

__all__ = ["MailroomError", "PermanentError", "RetryableError"]


class MailroomError(Exception):
    """Base of all; its text names tenant, bucket and key, never content or addresses.

    Args:
        text: what went wrong, and what to do.
        code: AWS's error code, or the name of the error in `botocore.exceptions`; "" where AWS was not asked.
        action: IAM action that failed, such as "dynamodb:Query"; "" where AWS was not asked.
        resource: table, or bucket and key; "" where AWS was not asked.
    """

    def __init__(self, text: str = "", *, code: str = "", action: str = "", resource: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.action = action
        self.resource = resource


class RetryableError(MailroomError):
    """Trying again later may do: the message stays where it is."""


class PermanentError(MailroomError):
    """Trying again does not help: the message stays where it is, and somebody must look at it."""
