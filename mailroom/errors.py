"""Errors of work on messages: whether a retry can help."""

from __future__ import annotations

__all__ = ["MailroomError", "PermanentError", "RetryableError"]


class MailroomError(Exception):
    """Base class of errors; the text names tenant, bucket and key, never content or addresses.

    Args:
        text: problem and remedy.
        code: AWS's error code, or the name of the error in `botocore.exceptions`; "" without a call to AWS.
        action: IAM action that failed, such as "dynamodb:Query"; "" without a call to AWS.
        resource: table, or bucket and key; "" without a call to AWS.
    """

    def __init__(self, text: str = "", *, code: str = "", action: str = "", resource: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.action = action
        self.resource = resource


class RetryableError(MailroomError):
    """A later retry may help: the message stays in place."""


class PermanentError(MailroomError):
    """A retry does not help: the message stays in place, and an operator must act."""
