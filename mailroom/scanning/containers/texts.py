"""Text that holds files: letters that were saved, calendars, cards, pages. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from mailroom.messages.decoders import with_lf

__all__ = ["looks_like_mail", "texts_of", "unfolded_blocks", "with_lines_unfolded"]

_FOLDED: Final = rb"[^\r\n]*+(?:\r\n?|\n)(?:[ \t][^\r\n]*+(?:\r\n?|\n))*+"
"""What is behind a field's colon. Nothing of it is given back: each line would be remembered for that."""
_FIELD_LINE: Final = rb"[!-9;-~]{1,80}+[ \t]*+:" + _FOLDED
_TWO_FIELDS: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*+" + _FIELD_LINE * 2)
_ONE_FIELD: Final = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*+(?:received|return-path|from|sender|reply-to|to|cc|subject|date|message-id|mime-version|content-[a-z-]{1,40}+"
    rb"|x-[a-z-]{1,60}+)[ \t]*+:" + _FOLDED + rb"(?:\r\n?|\n|(?<=\r\n))",
    re.IGNORECASE,
)
"""One field that mail begins with, and an empty line; the LF of CR LF may be one, as where CR alone ends lines."""
_PARAGRAPH_END: Final = re.compile(rb"\n\n(?![ \t])")
"""What is behind it continues nothing."""
_NO_TEXT: Final = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_SAMPLE: Final = 65_536


def looks_like_mail(data: bytes) -> bool:
    """Whether a reader that is handed a file may read it as a message."""
    return _TWO_FIELDS.match(data) is not None or _ONE_FIELD.match(data) is not None


def texts_of(data: bytes) -> Iterator[bytes]:
    """`data` as lines that end in LF, in UTF-8 too where it is in UTF-16; nothing where it is no text."""
    for mark, charset in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            yield with_lf(data[2:].decode(charset, "replace").encode())
            return
    sample = data[:_SAMPLE]
    if len(sample) - len(sample.translate(None, _NO_TEXT)) <= len(sample) // 20:
        yield with_lf(data)


def unfolded_blocks(text: bytes) -> Iterator[bytes]:
    """The paragraphs of the text that have lines which continue the one before, those joined. Lines end in LF.

    The others read the same with lines joined and without.
    """
    if b"\n " in text or b"\n\t" in text:
        at = 0
        for end in itertools.chain((match.start() for match in _PARAGRAPH_END.finditer(text)), (len(text),)):
            block = text[at:end]
            if b"\n " in block or b"\n\t" in block:
                yield with_lines_unfolded(block)
            at = end + 2


def with_lines_unfolded(text: bytes) -> bytes:
    """The text with lines joined that continue the one before. Lines end in LF. Source: RFC 5545 3.1, RFC 6350 3.2."""
    return text.replace(b"\n\t", b"\n ").replace(b"\n ", b"")
