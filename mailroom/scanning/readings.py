"""Possible beginnings of a part's body, and its decodings, by all mail clients. Pure."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator
from typing import Final

from mailroom.messages.decoders import (
    is_base64,
    is_quoted_printable,
    lenient_base64,
    lenient_quoted_printable,
    letters_of,
    usual_letters_of,
    uuencoded,
    with_lf,
)
from mailroom.messages.mime import Part
from mailroom.messages.parse import MESSAGE_TYPES
from mailroom.scanning.containers.texts import looks_like_mail

__all__ = ["between", "canonical", "readings", "starts", "without_blocks"]

_SPACED_COLON: Final = re.compile(
    rb"^((?:content-[a-z-]++|mime-version|subject|from|to|date))[ \t]++:", re.IGNORECASE | re.MULTILINE
)

_END_OF_LINE: Final = rb"(?:\r\n?|\n|\Z)"
_LINE_BEGIN: Final = rb"(?:(?<=\n)|(?<=\r)(?!\n))"
_HEADER_ENDS: Final = tuple(
    (re.compile(b"(?!" + line + b")"), re.compile(_LINE_BEGIN + b"(?!" + line + b")"))
    for line in (rb"[!-9;-~]*+:|[ \t]", rb"[!-9;-~\x80-\xff]++[ \t]*+:|[ \t]", rb"[^\r\n]")
)
"""Lines that end a part's header, by kind of reader: at its beginning, and further below."""
_DELIMITER_LINE: Final = re.compile(rb"(?:\r\n?|\n)?--[^\r\n]*+" + _END_OF_LINE)
_EMPTY_LINE: Final = re.compile(rb"\r\n|\r|\n")
_PADDED_BREAK: Final = re.compile(rb"=[ \t]++\n")


def between(part: Part, raw: bytes) -> Iterator[bytes]:
    """Texts of a multipart outside of its parts: before the first, behind the last, and behind a delimiter that closes too early.

    Readers that miss a delimiter find a part there.
    """
    ends = (part.start, *(child.end for child in part.children))
    begins = (*(child.begin for child in part.children), part.end)
    for number, (start, end) in enumerate(zip(ends, begins, strict=True)):
        delimiter = _DELIMITER_LINE.match(raw, start, end) if number else None
        text = raw[delimiter.end() if delimiter is not None else start : end]
        if number < len(part.children):
            # Up to the line of the next part's delimiter.
            text = text.rstrip(b"\r\n")
            text = text[: max(text.rfind(b"\n"), text.rfind(b"\r"), 0)]
        if text.strip():
            yield text


def starts(part: Part, raw: bytes) -> set[int]:
    """Possible beginnings of a part's body, since clients end a broken header differently; ordinary parts have one."""
    ends = {_header_end(raw, part, *lines) for lines in _HEADER_ENDS}
    begins = {part.start}
    for end in ends:
        empty = _EMPTY_LINE.match(raw, end, part.end)
        begins.add(empty.end() if empty is not None else end)
    return begins


def _header_end(raw: bytes, part: Part, first: re.Pattern[bytes], below: re.Pattern[bytes]) -> int:
    """Offset of the first line after the header, by the patterns of such lines."""
    if first.match(raw, part.begin, part.end):
        return part.begin
    found = below.search(raw, part.begin + 1, part.end)
    return found.start() if found else part.end


def readings(part: Part, raw: bytes, start: int) -> tuple[list[bytes], bool]:
    """All decodings of a part's body; and whether it is one block of base64, which has one decoding.

    Args:
        part: the part.
        raw: the message.
        start: position where its body begins.
    """
    declared = " ".join(part.header.every("content-transfer-encoding")).lower()
    base64 = "64" in declared
    whole = usual_letters_of(raw, start, part.end) if base64 else None
    if whole is not None:
        return [whole], True
    body = raw[start : part.end]
    # Clients save text with their own system's line ends. A message reads the same with all of them.
    text = with_lf(body)
    whole = letters_of(text.strip(b"\n")) if base64 else None
    if whole is not None:
        return [whole], True
    if base64 and is_base64(text):
        found = []
    else:
        found = [body] if part.kind.value in MESSAGE_TYPES or looks_like_mail(body) else [text, body]
    if base64 or not declared.isascii():
        found.append(lenient_base64(text))
        first, _padding, more = text.partition(b"=")
        if more.strip(b"= \t\n"):
            # Some clients stop at the first padding, and some go on.
            found.append(lenient_base64(first))
    if "quoted" in declared or (not base64 and is_quoted_printable(text)):
        found.append(lenient_quoted_printable(text))
        if _PADDED_BREAK.search(text):
            found.append(quopri.decodestring(text))
    if "uu" in declared:
        found += [file.data for file in uuencoded(text)]
    return found, False


def without_blocks(raw: bytes, blocks: Iterable[tuple[int, int]]) -> bytes:
    """The message without these bodies, if nothing that surrounds them can belong to them.

    A body stays whose text goes on: its first line is below no empty line, or a line follows it that is neither empty nor begins
    with a hyphen, as delimiters do.

    Args:
        raw: the message.
        blocks: begin and end of bodies, in any order; they may overlap.
    """
    kept = []
    at = 0
    for start, end in sorted(blocks):
        if start >= at and _is_apart(raw, start, end):
            kept.append(raw[at:start])
            at = end
    return b"".join((*kept, raw[at:])) if kept else raw


def _is_apart(raw: bytes, start: int, end: int) -> bool:
    above, below = with_lf(raw[max(start - 4, 0) : start]), with_lf(raw[end : end + 3])
    return above.endswith(b"\n\n") and (not below or below.startswith((b"\n\n", b"\n-")))


def canonical(raw: bytes) -> bytes:
    """The message as the most lenient client reads it: lines end in LF, and no space stands before a header's colon."""
    text = with_lf(raw)
    return _SPACED_COLON.sub(rb"\1:", text) if b" :" in text or b"\t:" in text else text
