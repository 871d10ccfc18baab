"""Extracts every part of a message that a mail client could open, in every reading of it. Pure.

The platform's own parser finds the parts, so that scanner and parser agree on where a part begins. Mail clients read some messages
in several ways: two encoded bodies in sequence, text with a file in it, an undeclared encoding. Therefore each part is decoded in
all of these ways, the whole text is searched for encoded data, and every distinct sequence of bytes is scanned once.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from mailroom.messages.decoders import (
    base64_runs,
    is_quoted_printable,
    lenient_quoted_printable,
    uuencoded,
    with_lf,
    yencoded,
)
from mailroom.messages.mime import Limits, Part, Problems, read_structure
from mailroom.messages.parse import MESSAGE_TYPES, opened_files
from mailroom.messages.words import ignore_problem
from mailroom.scanning.active.watch import Watch
from mailroom.scanning.containers.formats import recognised
from mailroom.scanning.containers.opening import OPENERS
from mailroom.scanning.containers.results import MAX_MEMBERS, FaultError, Member
from mailroom.scanning.containers.texts import looks_like_mail, texts_of, unfolded_blocks
from mailroom.scanning.readings import between, canonical, readings, starts, without_blocks

__all__ = ["MAX_DEPTH", "MAX_FIELD_OCTETS", "MAX_PIECES", "WITHIN", "WRITTEN", "ExtractedPart", "extracted_parts"]

MAX_PIECES: Final = 2000
MAX_DEPTH: Final = 12
"""Messages and containers within each other."""
MAX_CONTAINERS: Final = 2000
MAX_UNPACKED_OCTETS: Final = 1_000_000_000
"""Most bytes in all containers of a message together."""
WITHIN: Final = ":in"
"""Mark behind the path of a container, for its members."""
WRITTEN: Final = ":text"
"""Mark behind the path of a text, for files within the text."""
MAX_FIELD_OCTETS: Final = 100_000
"""Most bytes of a field that describes a part; real ones have some hundred."""

_OVER_LIMIT: Final = {
    "header-too-long": "Limits.Header",
    "too-deep": "Limits.Nesting",
    "too-many-parts": "Limits.Parts",
}
"""Problems of an incomplete reading, and their names in verdicts."""
_SMALL_OCTETS: Final = 1000
_BEGIN: Final = b"begin"
"""What the first line of each file in text has, uuencoded or in yEnc."""


@dataclass(frozen=True, slots=True)
class ExtractedPart:
    """An extracted part to scan.

    Args:
        path: as in `PartVerdict`.
        filename: the sender's name for it; "" without one.
        data: its bytes.
        unscannable: reason why it is unscannable; "" if it can be scanned.
        sha256: SHA-256 of its bytes.
        opened: whether all its content is extracted, so that content which the engine cannot open does not count.
    """

    path: str
    filename: str
    data: bytes
    unscannable: str = ""
    sha256: bytes = b""
    opened: bool = False


class _OutOfTimeError(Exception):
    """The deadline of the message is over."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class _Reader:
    late: Callable[[], bool]
    watch: Watch = field(default_factory=Watch)
    open: Callable[[bytes, str, str], Iterator[Member | FaultError]] = OPENERS.members
    bytes_left: int = MAX_UNPACKED_OCTETS
    containers: int = 0
    members: int = 0
    begun: set[bytes] = field(default_factory=set)
    limits: Limits = field(default_factory=lambda: Limits(parts=MAX_PIECES, bytes_left=0))
    seen: set[bytes] = field(default_factory=set)
    pieces: int = 0

    def refuse_if_late(self) -> None:
        """Raise `_OutOfTimeError` when the deadline is over."""
        if self.late():
            raise _OutOfTimeError

    def is_new(self, piece: ExtractedPart) -> bool:
        """Whether the bytes of a piece with its digest are new; marks them as begun."""
        if not piece.data or piece.sha256 in self.seen or piece.sha256 in self.begun:
            return False
        self.begun.add(piece.sha256)
        return True

    def digested(self, piece: ExtractedPart) -> ExtractedPart:
        """The piece with its digest."""
        self.refuse_if_late()
        return piece if piece.sha256 else replace(piece, sha256=hashlib.sha256(piece.data).digest())

    def fresh(self, piece: ExtractedPart) -> Iterator[ExtractedPart]:
        """The piece with its digest, unless the same bytes came before."""
        piece = self.digested(piece)
        if not piece.unscannable and (not piece.data or piece.sha256 in self.seen):
            return
        self.seen.add(piece.sha256)
        if WITHIN in piece.path:
            self.members += 1
        else:
            self.pieces += 1
        yield piece


def extracted_parts(
    raw: bytes, late: Callable[[], bool] = _never, watch: Watch | None = None
) -> Iterator[ExtractedPart]:
    """The message itself, then its extracted parts, each distinct sequence of bytes once. Takes linear time.

    The message comes at once. Its parts come in groups of about as many bytes.

    A limit is reported by the `unscannable` of a piece without bytes: "Limits.Parts" of 2,000 parts or pieces, or
    10,000 in containers, "Limits.Depth" of 12 messages and containers within each other, "Limits.Nesting" of 30 multiparts,
    "Limits.Header" of 1 MB of header or 100 kB of a field that says what a part is, "Limits.Encoded" of uuencoded files a megabyte
    longer than their text, "Limits.Time" when it is late.

    Args:
        raw: the message as it came; anything.
        late: whether to stop. Default: never.
        watch: records active content. Default: no records.
    """
    reader = _Reader(late, watch if watch is not None else Watch())
    try:
        for piece in _gathered(_limited(_Mail(raw, "", 0), reader), len(raw)):
            reader.refuse_if_late()
            yield piece
    except _OutOfTimeError:
        yield _over_limit("", "Limits.Time")


def _limited(mail: _Mail, reader: _Reader) -> Iterator[ExtractedPart]:
    """The pieces, as far as their number is within the limits."""
    for piece in itertools.chain(_message(mail, reader), _opened_later(mail, reader)):
        yield piece
        if reader.pieces >= MAX_PIECES or reader.members > MAX_MEMBERS:
            yield _over_limit("", "Limits.Parts")
            return


def _gathered(pieces: Iterator[ExtractedPart], octets: int) -> Iterator[ExtractedPart]:
    """The first piece at once, and the others whenever that many bytes are extracted.

    The engine needs longest for the message. Meanwhile this thread extracts, and afterwards the engine scans the parts: two threads
    run at a time, as there are processors, and none keeps the message waiting.
    """
    yield from itertools.islice(pieces, 1)
    gathered: list[ExtractedPart] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece.data)
        if size > octets:
            yield from gathered
            gathered.clear()
            size = 0
    yield from gathered


def _over_limit(path: str, limit: str) -> ExtractedPart:
    return ExtractedPart(path, "", b"", unscannable=limit)


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message: its bytes, its place and its depth.

    Args:
        blocks: begin and end of the bodies that are one block of base64.
        decoded: decoded bytes of those, in the message itself.
    """

    raw: bytes
    path: str
    depth: int
    blocks: set[tuple[int, int]] = field(default_factory=set)
    decoded: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def path_of(self, part: Part) -> str:
        """Number of a part of this message; parts of an attached message have IMAP's numbers (RFC 9051 6.4.5)."""
        return f"{self.path}.{part.path or '1'}" if self.path else part.path


def _message(mail: _Mail, reader: _Reader) -> Iterator[ExtractedPart]:
    yield from reader.fresh(ExtractedPart(mail.path, "", mail.raw, opened=True))
    if mail.raw[:1].isspace():
        # Behind blank lines, some readers see a header, and others a text without one.
        for text in (mail.raw.lstrip(), with_lf(mail.raw).partition(b"\n")[2]):
            yield from reader.fresh(ExtractedPart(f"{mail.path}:text", "", text, opened=True))
    if mail.depth > MAX_DEPTH:
        yield _over_limit(mail.path, "Limits.Depth")
        return
    if mail.depth == 0 and recognised(mail.raw):
        # An uploaded file may be no message.
        yield from _members(ExtractedPart("", "", mail.raw), 0, reader)
    if mail.depth == 0:
        reader.watch.look("", "", mail.raw)
    problems = Problems()
    root = read_structure(mail.raw, problems, reader.limits)
    words = {problem.what for problem in problems.found}
    yield from (_over_limit(mail.path, limit) for word, limit in _OVER_LIMIT.items() if word in words)
    undivided = {problem.place for problem in problems.found if problem.what == "boundary-missing"}
    # Parts come first, so that a finding has name and number of its part, if possible.
    for part in root.walk():
        yield from _part(part, mail, reader, divided=bool(part.children) and part.place not in undivided)
    yield from _swept(mail, reader)


def _opened_later(mail: _Mail, reader: _Reader) -> Iterator[ExtractedPart]:
    """Files that the platform's own parser opens: it is more lenient than the clients."""
    for one in opened_files(mail.raw, mail.decoded):
        if bytes.fromhex(one.sha256) not in reader.seen:
            data = bytes(one.data)
            reader.watch.look(f":read-{one.path}", one.filename, data, one.content_type)
            yield from reader.fresh(ExtractedPart(f":read-{one.path}", one.filename, data))


def _swept(mail: _Mail, reader: _Reader) -> Iterator[ExtractedPart]:
    """Encoded data in the whole text, independent of MIME."""
    rest = canonical(without_blocks(mail.raw, mail.blocks))
    text = canonical(mail.raw) if _BEGIN in mail.raw else rest
    yield from _files_in(text, rest, mail.path, mail.depth, reader)
    if is_quoted_printable(rest):
        decoded = lenient_quoted_printable(canonical(mail.raw))
        yield from reader.fresh(ExtractedPart(f"{mail.path}:quoted-printable", "", decoded, opened=True))


def _files_in(text: bytes, rest: bytes, path: str, depth: int, reader: _Reader) -> Iterator[ExtractedPart]:
    """Encoded data anywhere in the text, also in folded lines of calendars and cards.

    Args:
        text: all of it.
        rest: the text without the blocks that are the content of a part: it is searched for base64.
        path: place of what is found.
        depth: of it.
        reader: of the message.
    """
    once = _Once()
    if _BEGIN in text:
        for file in uuencoded(text):
            if file.cut:
                yield _over_limit(path, "Limits.Encoded")
            if once.is_new(file.name, file.data):
                yield from _decoded(ExtractedPart(f"{path}:encoded-file", file.name, file.data), depth, reader)
        for name, data in yencoded(text):
            if once.is_new(name, data):
                yield from _decoded(ExtractedPart(f"{path}:encoded-file", name, data), depth, reader)
    for reading in itertools.chain((rest,), unfolded_blocks(rest)):
        for data in base64_runs(reading):
            if once.is_new("", data):
                yield from _decoded(ExtractedPart(f"{path}:base64", "", data), depth, reader)


@dataclass(frozen=True, slots=True)
class _Once:
    """Small files within a text, each once: a text may repeat one a million times."""

    before: set[tuple[str, bytes]] = field(default_factory=set)

    def is_new(self, name: str, data: bytes) -> bool:
        """Whether the file is new, or too long to remember."""
        if len(data) > _SMALL_OCTETS:
            return True
        count = len(self.before)
        self.before.add((name, data))
        return len(self.before) > count


def _decoded(
    piece: ExtractedPart, depth: int, reader: _Reader, *, is_message: bool = False, kind: str = ""
) -> Iterator[ExtractedPart]:
    """The piece, and its contents: of a message, a container, or a text with files."""
    reader.watch.look(piece.path, piece.filename, piece.data, kind)
    piece = reader.digested(piece)
    if not reader.is_new(piece):
        return
    if depth > MAX_DEPTH:
        yield _over_limit(piece.path, "Limits.Depth")
        return
    is_message = is_message or looks_like_mail(piece.data)
    if is_message:
        yield from reader.fresh(replace(piece, opened=True))
        yield from _message(_Mail(piece.data, piece.path, depth + 1), reader)
    formats = recognised(piece.data, piece.filename, kind)
    if formats:
        yield from _members(piece, depth, reader, kind)
        piece = replace(piece, opened=all(one.opened_whole for one in formats))
    yield from reader.fresh(piece)
    if not is_message:
        # Text other than a message: a calendar, a card, a page.
        for text in texts_of(piece.data):
            yield from _files_in(text, text, f"{piece.path}{WRITTEN}", depth + 1, reader)


def _members(piece: ExtractedPart, depth: int, reader: _Reader, kind: str = "") -> Iterator[ExtractedPart]:
    """The members of a container; and each reason for missing ones."""
    reader.containers += 1
    if reader.containers > MAX_CONTAINERS:
        yield _over_limit(piece.path, "Limits.Containers")
        return
    for found in reader.open(piece.data, piece.filename, kind):
        if isinstance(found, FaultError):
            yield ExtractedPart(piece.path, piece.filename, b"", unscannable=str(found))
            continue
        reader.bytes_left -= len(found.data)
        if reader.bytes_left < 0:
            yield _over_limit(piece.path, "Limits.Container.Size")
            return
        member = ExtractedPart(f"{piece.path}{WITHIN}", found.name or _stem(piece.filename), found.data)
        yield from _decoded(member, depth + 1, reader, is_message=found.is_message)


def _stem(filename: str) -> str:
    """Name of the file in a compressed file."""
    return filename.rpartition(".")[0] if "." in filename else filename


def _part(part: Part, mail: _Mail, reader: _Reader, *, divided: bool) -> Iterator[ExtractedPart]:
    """All readings of a part's bytes."""
    at = mail.path_of(part)
    said = [value for name, value in part.header.fields if name.startswith("content-")]
    if any(len(value) > MAX_FIELD_OCTETS for value in said):
        yield _over_limit(at, "Limits.Header")
    name = part.disposition(ignore_problem)[1]
    reader.watch.part(at, part)
    if part.kind.value == "message/partial":
        yield from reader.fresh(ExtractedPart(at, name, b"", unscannable="Message.Partial"))
    begins = starts(part, mail.raw)
    if divided:
        # Its parts are read on their own; only readers that end its header elsewhere see another body.
        begins.discard(part.start)
        for text in between(part, mail.raw):
            yield from _decoded(ExtractedPart(f"{at}:between", "", text), mail.depth, reader, is_message=True)
    is_message = part.kind.value in MESSAGE_TYPES
    for start in sorted(begins):
        found, is_block = readings(part, mail.raw, start)
        if is_block:
            mail.blocks.add((start, part.end))
            if mail.depth == 0:
                mail.decoded[start, part.end] = found[0]
        for data in found:
            yield from _decoded(
                ExtractedPart(at, name, data), mail.depth, reader, is_message=is_message, kind=part.kind.value
            )
