"""Everything in a message that some mail client could open, in every reading of it. Pure.

A scanner that reads mail in one way misses what a client that reads it in another shows: lines that end in CR alone, a space
before a header's colon, two encoded bodies behind each other, text that holds a file. So a message is read in all of these ways,
and every distinct sequence of octets that comes out is looked at once.
"""

from __future__ import annotations

import email
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.message import Message
from typing import Final

from mailroom.messages.parse import opened_files
from mailroom.scanning.decoders import (
    base64_runs,
    is_base64,
    is_quoted_printable,
    lenient_base64,
    lenient_quoted_printable,
    uuencoded,
    yencoded,
)

__all__ = ["MAX_DEPTH", "MAX_PIECES", "Piece", "canonical", "openings"]

MAX_PIECES: Final = 2000
MAX_DEPTH: Final = 12

_SPACED_COLON: Final = re.compile(
    rb"^((?:content-[a-z-]+|mime-version|subject|from|to|date))[ \t]+:", re.IGNORECASE | re.MULTILINE
)
_MAIL: Final = re.compile(rb"\s*(?:[!-9;-~]{1,80}[ \t]*:[^\r\n]*(?:\r\n?|\n)(?:[ \t][^\r\n]*(?:\r\n?|\n))*){2}")
"""Two header fields in a row."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to look at.

    Args:
        path: as in `PartVerdict`.
        filename: as the sender named it; "" when not named.
        data: its octets.
        sealed: why it cannot be looked into, though it is no file by itself; "" when it can.
        sha256: of its octets.
    """

    path: str
    filename: str
    data: bytes
    sealed: str = ""
    sha256: bytes = b""


def canonical(raw: bytes) -> bytes:
    """The message as the most lenient client reads it: lines end in LF, and no space stands before a header's colon."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _SPACED_COLON.sub(rb"\1:", text) if b" :" in text or b"\t:" in text else text


@dataclass(slots=True)
class _Reader:
    seen: set[bytes] = field(default_factory=set)
    pieces: int = 0

    def fresh(self, piece: Piece) -> Iterator[Piece]:
        """The piece, unless the same octets came before."""
        if not piece.data and not piece.sealed:
            return
        digest = hashlib.sha256(piece.data).digest()
        if digest in self.seen and not piece.sealed:
            return
        self.seen.add(digest)
        self.pieces += 1
        yield replace(piece, sha256=digest)


def openings(raw: bytes) -> Iterator[Piece]:
    """The message itself, then everything in it, each distinct sequence of octets once.

    At most 2,000 pieces and 12 messages deep: behind either, one last piece says so by `sealed`.

    Args:
        raw: the message as it came; anything.
    """
    reader = _Reader()
    for piece in itertools.chain(_message(raw, "", 0, reader), _opened_later(raw, reader)):
        yield piece
        if reader.pieces >= MAX_PIECES:
            yield Piece("", "", b"", sealed="Limits.Parts")
            return


def _message(raw: bytes, path: str, depth: int, reader: _Reader) -> Iterator[Piece]:
    yield from reader.fresh(Piece(path, "", raw))
    if depth > MAX_DEPTH:
        yield Piece(path, "", b"", sealed="Limits.Depth")
        return
    text = canonical(raw)
    # Parts first, so that what is found has the name and number of its part where it is one.
    readings = [text] if raw.replace(b"\r\n", b"\n") == text else [text, raw]
    for reading in readings:
        try:
            yield from _parts(email.message_from_bytes(reading), path, depth, reader)
        except RecursionError:
            yield Piece(path, "", b"", sealed="Limits.Nesting")
    yield from _swept(text, path, depth, reader)


def _opened_later(raw: bytes, reader: _Reader) -> Iterator[Piece]:
    """What the platform itself opens of a message, which is more than others do where no client is as lenient."""
    for one in opened_files(raw):
        if bytes.fromhex(one.sha256) not in reader.seen:
            yield from reader.fresh(Piece(f":read-{one.path}", one.filename, bytes(one.data)))


def _swept(text: bytes, path: str, depth: int, reader: _Reader) -> Iterator[Piece]:
    """What stands in the text whatever MIME says of it."""
    for name, data in (*((found.name, found.data) for found in uuencoded(text)), *yencoded(text)):
        yield from _decoded(Piece(f"{path}:encoded-file", name, data), depth, reader)
    for data in base64_runs(text):
        yield from _decoded(Piece(f"{path}:base64", "", data), depth, reader)
    if is_quoted_printable(text):
        yield from reader.fresh(Piece(f"{path}:quoted-printable", "", lenient_quoted_printable(text)))


def _decoded(piece: Piece, depth: int, reader: _Reader) -> Iterator[Piece]:
    """The piece, and what is in it where it is a message itself."""
    before = reader.pieces
    yield from reader.fresh(piece)
    if reader.pieces > before and _MAIL.match(piece.data):
        yield from _message(piece.data, piece.path, depth + 1, reader)


def _parts(root: Message, path: str, depth: int, reader: _Reader) -> Iterator[Piece]:
    """The leaves of a parsed message, by their numbers."""
    stack: list[tuple[Message, str]] = [(root, path)]
    while stack:
        part, at = stack.pop()
        kind = part.get_content_type()
        if kind == "message/partial":
            yield from reader.fresh(Piece(at, _filename(part), b"", sealed="Message.Partial"))
        if part.is_multipart():
            children = [child for child in part.get_payload() if isinstance(child, Message)]
            dot = f"{at}." if at else ""
            stack += [(child, f"{dot}{number}") for number, child in reversed(list(enumerate(children, start=1)))]
            if kind == "message/rfc822" and children:
                yield from reader.fresh(Piece(at, _filename(part), _as_sent(children[0])))
            continue
        yield from _leaf(part, at, depth, reader)


def _leaf(part: Message, at: str, depth: int, reader: _Reader) -> Iterator[Piece]:
    name = _filename(part)
    declared = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    # Without the header, the library gives the octets as they came.
    del part["Content-Transfer-Encoding"]
    decoded = part.get_payload(decode=True)
    body = decoded if isinstance(decoded, bytes) else b""
    base64 = "64" in declared
    if not base64 or not is_base64(body):
        yield from _decoded(Piece(at, name, body), depth, reader)
    candidates = []
    if base64 or not declared.isascii():
        candidates.append(lenient_base64(body))
    if "quoted" in declared or (not base64 and is_quoted_printable(body)):
        candidates.append(lenient_quoted_printable(body))
    if "uu" in declared:
        candidates += [found.data for found in uuencoded(body)]
    for data in candidates:
        yield from _decoded(Piece(at, name, data), depth, reader)


def _filename(part: Message) -> str:
    """The name that a client would show, from wherever it takes it; "" when there is none."""
    try:
        return part.get_filename() or ""
    except (LookupError, ValueError, TypeError):
        # The library does not read every malformed parameter (RFC 2231); the part is scanned all the same.
        return ""


def _as_sent(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (LookupError, ValueError, TypeError, AttributeError, MessageError):
        # Its parts and the text around them are looked at one by one.
        return b""
