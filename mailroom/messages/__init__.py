"""Parses mail: raw bytes in, a `Message` with attachments out. Pure."""

from mailroom.messages.model import (
    Address,
    Attachment,
    Envelope,
    Kind,
    Message,
    Nested,
    Origin,
    Problem,
    Report,
    ReportedRecipient,
)
from mailroom.messages.parse import parse

__all__ = [
    "Address",
    "Attachment",
    "Envelope",
    "Kind",
    "Message",
    "Nested",
    "Origin",
    "Problem",
    "Report",
    "ReportedRecipient",
    "parse",
]
