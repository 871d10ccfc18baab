"""Properties of every message, with any octets."""

from __future__ import annotations

import hashlib
import json
import re

from mailroom.messages import Attachment, Message, parse
from mailroom.messages.documents import message_from
from mailroom.messages.html import safe_html, shown_images
from mailroom.messages.joining import JoinBy, node_of
from mailroom.scanning.extracted_parts import extracted_parts
from mailroom.threads import thread_messages

__all__ = ["attachments_within", "check_message", "check_scanned"]


def attachments_within(message: Message) -> list[Attachment]:
    """Attachments of the message, and of those in it."""
    return [*message.attachments, *(one for nested in message.nested for one in attachments_within(nested.message))]


def check_message(raw: bytes) -> None:
    """It is read; its document is JSON and makes it again; answer and quotation are its text; it is in one thread."""
    message = parse(raw)
    document = json.loads(json.dumps(message.document, ensure_ascii=False).encode())
    assert message_from(document) == message
    assert message.reply + message.quoted == message.text
    for attachment in attachments_within(message):
        data = bytes(attachment.data)
        assert (attachment.size, attachment.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert attachment.safe_filename.isprintable()
        assert not set(attachment.safe_filename) & set("/\\")
    for attachment in message.attachments:
        assert re.fullmatch(r"[0-9.-]+", attachment.id)
        assert message.attachment(attachment.id) is attachment
    safe_html(message, lambda attachment: f"/attachments/{attachment.sha256}")
    assert set(shown_images(message)) <= set(message.attachments)
    (thread,) = thread_messages([node_of(message, message.digest, frozenset(JoinBy))])
    assert len(thread.positions) == 1


def check_scanned(raw: bytes) -> None:
    """Every attachment is within some piece that is scanned. What the scanner refuses whole is not delivered."""
    pieces = list(extracted_parts(raw))
    if any(piece.unscannable for piece in pieces):
        return
    scanned = [piece.data for piece in pieces]
    # Line ends are the transport's: the scanner also reads the message with those of Unix.
    unix = [_unix(data) for data in scanned]
    for attachment in attachments_within(parse(raw)):
        data = bytes(attachment.data)
        found = any(data in one for one in scanned) or any(_unix(data) in one for one in unix)
        assert found, (attachment.path, attachment.origin, data[:200])


def _unix(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
