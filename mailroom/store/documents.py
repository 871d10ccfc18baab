"""A message's document as the store keeps it: JSON, compressed. Pure."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from mailroom.messages.documents import message_from

if TYPE_CHECKING:
    from mailroom.messages.model import Message

__all__ = ["packed", "unpacked"]


def packed(message: Message) -> bytes:
    """The message's document, compressed."""
    return zlib.compress(json.dumps(message.document, ensure_ascii=False).encode("utf-8", "replace"))


def unpacked(document: bytes | str) -> Message:
    """The message of a document; also of one from before they were compressed.

    Raises:
        KeyError, TypeError, ValueError, zlib.error: it is none.
    """
    if isinstance(document, bytes) and not document.startswith(b"{"):
        document = zlib.decompress(document)
    return message_from(json.loads(document))
