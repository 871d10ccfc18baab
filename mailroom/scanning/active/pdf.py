"""PDF that starts programs or runs script, and programs in PDF. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Final

__all__ = ["is_pdf", "pdf_acts", "pdf_streams"]

_HEAD: Final = 1024
_MOST_OCTETS: Final = 128_000_000
"""Most bytes of all streams of a file, inflated."""
_MOST_RATIO: Final = 100
_MOST_STREAMS: Final = 50_000
_BEFORE_STREAM: Final = 600
_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_END: Final = re.compile(rb"endstream|endobj")
_NO_DIGITS: Final = re.compile(rb"[^0-9A-Fa-f]")
_UNCERTAIN: Final = re.compile(rb"/(?:LZWDecode|LZW)\b")
_OBJECTS: Final = re.compile(rb"/ObjStm\b")


def _name(word: str) -> bytes:
    """A pattern for a name whose characters may be written in hexadecimal. Source: ISO 32000-2, 7.3.5."""
    return b"".join(b"(?:%c|#%02x|#%02X)" % ((ord(letter),) * 3) for letter in word)


_ACTS: Final = re.compile(
    rb"/(?:" + b"|".join(_name(word) for word in ("Launch", "JavaScript")) + rb")(?=[\s/<(\[>\])}%\0]|\Z)"
)
"""An action that runs script has /JavaScript for its type, wherever that script is. Source: ISO 32000-2, 12.6.4.6 and 12.6.4.17."""
_FORM_SCRIPT: Final = re.compile(rb"application/x-(?:java|form)script", re.IGNORECASE)
"""Script types of XFA. Source: XML Forms Architecture 3.3, "Scripting"."""


def is_pdf(data: bytes) -> bool:
    """Whether a reader may open the bytes as PDF."""
    return b"%PDF-" in data[:_HEAD]


def pdf_streams(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Streams, decoded as far as their filters are supported, and whether each is complete.

    Source: ISO 32000-2, 7.3.8 and 7.4.
    """
    left = min(_MOST_OCTETS, _MOST_RATIO * len(data) + 1_000_000)
    at = number = 0
    while (begin := _STREAM.search(data, at)) is not None:
        number += 1
        end = _END.search(data, begin.end())
        stop = end.start() if end else len(data)
        said = data[max(at, begin.start() - _BEFORE_STREAM) : begin.start()]
        content, whole = _decoded(data[begin.end() : stop], said, left)
        left -= len(content)
        yield content, whole and left > 0 and not (_UNCERTAIN.search(said) and _OBJECTS.search(said))
        if left <= 0 or number > _MOST_STREAMS:
            yield b"", False
            return
        at = stop


def pdf_acts(data: bytes, streams: list[tuple[bytes, bool]]) -> bool:
    """Whether the PDF starts programs or runs script, or that is unknown."""
    if _ACTS.search(data):
        return True
    return any(not whole or _ACTS.search(text) or _FORM_SCRIPT.search(text) for text, whole in streams)


def _decoded(content: bytes, said: bytes, left: int) -> tuple[bytes, bool]:
    if b"/A85" in said or b"/ASCII85" in said:
        content = _of_85(content)
    elif b"/AHx" in said or b"/ASCIIHex" in said:
        content = _of_hex(content)
    if content[:1] and content[0] & 0x0F == 8:
        inflater = zlib.decompressobj()
        try:
            inflated = inflater.decompress(content, left)
        except zlib.error:
            return content, True
        return inflated, not inflater.unconsumed_tail
    return content, True


def _of_hex(content: bytes) -> bytes:
    digits = _NO_DIGITS.sub(b"", content.partition(b">")[0])
    return binascii.unhexlify(digits + b"0" * (len(digits) % 2))


def _of_85(content: bytes) -> bytes:
    text = content.partition(b"~>")[0].strip().removeprefix(b"<~")
    try:
        return base64.a85decode(text, ignorechars=b" \t\n\r\v\0\f")
    except ValueError:
        return content
