"""Text with files in it: saved mail, calendars, cards, pages. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from mailroom.messages.decoders import with_lf

__all__ = ["looks_like_mail", "texts_of", "unfolded_blocks", "with_lines_unfolded"]

_BEGINNING: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+")
_FIELD: Final = re.compile(rb"[!-9;-~]{1,80}+[ \t]*+:")
_FIELD_OF_MAIL: Final = re.compile(
    rb"(?:received|return-path|from|sender|reply-to|to|cc|subject|date|message-id|mime-version|content-[a-z-]{1,40}+"
    rb"|x-[a-z-]{1,60}+)[ \t]*+:",
    re.IGNORECASE,
)
"""A field with which mail can begin."""
_LINE_END: Final = re.compile(rb"[\r\n]")
_END_OF_FIELD: Final = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?![ \t])")
"""A line end behind which no folded line follows."""
_PARAGRAPH_END: Final = re.compile(rb"\n\n(?![ \t])")
"""End of a paragraph: the next line continues no other."""
_NO_TEXT: Final = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_SAMPLE: Final = 65_536


def looks_like_mail(data: bytes) -> bool:
    """Whether a reader may open a file as a message."""
    beginning = _BEGINNING.match(data)
    start = beginning.end() if beginning is not None else 0
    if (field := _FIELD_OF_MAIL.match(data, start)) is not None:
        end = _field_end(data, field)
        # The LF of a CR LF is an empty line where CR alone ends lines, also if the last folded line has no end.
        if (end is not None and data[end : end + 1] in {b"\r", b"\n"}) or data.find(b"\r\n", field.end(), end) >= 0:
            return True
    if (field := _FIELD.match(data, start)) is None or (end := _field_end(data, field)) is None:
        return False
    second = _FIELD.match(data, end)
    return second is not None and _LINE_END.search(data, second.end()) is not None


def _field_end(data: bytes, field: re.Match[bytes]) -> int | None:
    """Position behind a field and its folded lines; None where no line end ends it."""
    found = _END_OF_FIELD.search(data, field.end())
    return found.end() if found is not None else None


def texts_of(data: bytes) -> Iterator[bytes]:
    """`data` with LF at line ends, and UTF-16 also as UTF-8; nothing for data other than text."""
    for mark, charset in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            yield with_lf(data[2:].decode(charset, "replace").encode())
            return
    sample = data[:_SAMPLE]
    if len(sample) - len(sample.translate(None, _NO_TEXT)) <= len(sample) // 20:
        yield with_lf(data)


def unfolded_blocks(text: bytes) -> Iterator[bytes]:
    """Paragraphs of the text with continuation lines, joined. Lines end in LF.

    Other paragraphs read the same with and without joined lines.
    """
    if b"\n " in text or b"\n\t" in text:
        at = 0
        for end in itertools.chain((match.start() for match in _PARAGRAPH_END.finditer(text)), (len(text),)):
            block = text[at:end]
            if b"\n " in block or b"\n\t" in block:
                yield with_lines_unfolded(block)
            at = end + 2


def with_lines_unfolded(text: bytes) -> bytes:
    """The text with joined continuation lines. Lines end in LF. Source: RFC 5545 3.1, RFC 6350 3.2."""
    return text.replace(b"\n\t", b"\n ").replace(b"\n ", b"")
