"""The notice that replaces a recalled message. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from mailroom.messages.model import Attachment, Message

__all__ = ["WITHDRAWN", "withheld"]

WITHDRAWN: Final = (
    "This message was withdrawn after it was delivered, because malware was found in it.\n"
    "What of it is harmless comes back in this place where the settings of your mail say so.\n"
)
"""Text of a message that was recalled, and of each file that was attached to it."""


def withheld(message: Message) -> Message:
    """A message without its content: authors, recipients, date and subject stay."""
    data = WITHDRAWN.encode()
    files = tuple(
        Attachment(
            path=one.path,
            filename="withdrawn.txt",
            content_type="text/plain",
            disposition="attachment",
            charset="utf-8",
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            origin=one.origin,
            data=data,
        )
        for one in message.attachments
    )
    return replace(message, text=WITHDRAWN, reply=WITHDRAWN, quoted="", html="", attachments=files, nested=())
