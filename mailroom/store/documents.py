"""A message's document in the store: compressed JSON with each text once. Pure."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from mailroom.messages.documents import message_from

if TYPE_CHECKING:
    from mailroom.messages.model import Message

__all__ = ["packed", "unpacked"]

_WORDS: Final = (
    b'original_message_id": "recipients": [{"feedback": "path": "filename": "content_type": "disposition": "attachment", '
    b'"charset": "utf-8", "sha256": "octets": "origin": "part"}], "what": "place": "verdicts": {"spam": "pass", "virus": "pass", '
    b'"spf": "pass", "dkim": "pass", "dmarc": "pass"}, "dmarc_domain": "<div><br></div></body></html>", "> wrote:\\n\\n'
    b'{"digest": "", "message_id": "@mail.gmail.com", "in_reply_to": ["], "references": ["], "thread_index": "", "date": "2026-'
    b'T09:00:00+00:00", "subject": "Re: ", "from": [{"name": "", "address": "@", "group": ""}], "sender": [], "reply_to": [], '
    b'"to": [{"name": "", "address": "", "group": ""}], "cc": [], "resent_from": [], "text": "\\n\\n", "reply": , "quoted": "", '
    b'"html": "", "attachments": [], "nested": [], "kinds": [], "report": null, "envelope": {"sender": "", "recipients": [], '
    b'"ses_id": "", "received": null, "verdicts": {}}, "problems": []}'
)
"""Dictionary of common words. Stored documents need exactly this one: another dictionary would need a mark of its own.

Source: RFC 1950 2.3, FDICT; zlib takes a stream without it all the same.
"""


def packed(message: Message) -> bytes:
    """The message's document, compressed."""
    document = _once(message.document)
    packer = zlib.compressobj(level=9, zdict=_WORDS)
    return packer.compress(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")) + packer.flush()


def unpacked(document: bytes | str) -> Message:
    """The message of a document, also of older ones without compression or with repeated texts.

    Raises:
        KeyError, TypeError, ValueError, zlib.error: the bytes are no document.
    """
    if isinstance(document, bytes) and not document.startswith(b"{"):
        unpacker = zlib.decompressobj(zdict=_WORDS)
        document = unpacker.decompress(document) + unpacker.flush()
    return message_from(_in_full(json.loads(document)))


def _once(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its reply as a number of characters of the text, where the rest of the text is the quotation."""
    text, reply, quoted = document["text"], document["reply"], document["quoted"]
    nested = [{**one, "message": _once(one["message"])} for one in document["nested"]]
    return {**document, "nested": nested} | ({"reply": len(reply), "quoted": ""} if text == reply + quoted else {})


def _in_full(document: dict[str, Any]) -> dict[str, Any]:
    reply, nested = document["reply"], document["nested"]
    full = {**document, "nested": [{**one, "message": _in_full(one["message"])} for one in nested]}
    if isinstance(reply, int):
        full |= {"reply": document["text"][:reply], "quoted": document["text"][reply:]}
    return full
