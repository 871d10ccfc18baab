"""Transfer encodings, decoded like the most lenient client: nothing is refused, and all that can be decoded is. Pure."""

from __future__ import annotations

import binascii
import io
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailroom.messages.base64_library import strict_base64

__all__ = [
    "EncodedFile",
    "base64_body",
    "base64_runs",
    "is_base64",
    "is_quoted_printable",
    "lenient_base64",
    "lenient_quoted_printable",
    "letters_of",
    "usual_letters_of",
    "uuencoded",
    "with_lf",
    "yencoded",
]

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOISE: Final = bytes(set(range(256)) - set(_LETTERS))
_PADDED: Final = re.compile(rb"[A-Za-z0-9+/]++=*+")
_PADDED_RUN: Final = re.compile(rb"[^=]++=*+")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]")
_RUN: Final = re.compile(
    rb"(?:^[ \t>]*+(?:[A-Za-z0-9+/]{4,}+={0,2}+|[A-Za-z0-9+/]{2,3}+={1,2}+)[ \t]*+$\n?){2,}|[A-Za-z0-9+/]{24,}+={0,2}+",
    re.MULTILINE,
)
_UU_BEGIN: Final = re.compile(
    rb"^begin(?P<base64>-base64)? [0-7]{3,4} (?P<name>[^\n]*+)\n(?!begin(?:-base64)? [0-7]{3,4} )", re.MULTILINE
)
"""First lines of blocks; a line that another such line follows begins no block."""
_FILLED_LINE: Final = re.compile(rb"[^\n]++")
_YENC: Final = re.compile(rb"^=ybegin (?P<settings>[^\n]*+)\n", re.MULTILINE)
_YENC_END: Final = re.compile(rb"^=yend", re.MULTILINE)
_YENC_PART: Final = re.compile(rb"\A=ypart [^\n]*+\n")
_YENC_ESCAPED: Final = re.compile(rb"=(.)", re.DOTALL)
_YENC_OCTETS: Final = bytes((octet - 42) & 255 for octet in range(256))
_OCTET: Final = re.compile(rb"=[0-9A-Fa-f]{2}")
_PADDED_BREAK: Final = re.compile(rb"=[ \t]++\r?\n")
_SOFT_BREAK: Final = re.compile(rb"=[ \t]*+\r?\n")
_SMALLEST_RUN: Final = 24
_ZEROS: Final = 1_000_000
"""Most bytes by which the uuencoded files of a text may be longer than the text."""
_LONG: Final = 1000
"""Letters of a block that gets a check of its own."""
_LINE: Final = 4
"""Fewest letters of a stretch's line, without padding."""
_BLOCK: Final = 60_000
"""Bytes of a body that are decoded at once: they stay in the processor's cache."""
_LINES_OF_LETTERS: Final = _LETTERS[:-1] + b"\n"
_KINDS: Final = bytes(
    97 if one in _LETTERS[:-1] else 32 if one in b" \t>" else one if one in b"=\n" else 33 for one in range(256)
)
"""By the kind of each octet: an a for a letter, a space for what may stand around a line, = and LF as they are, ! for the rest."""
_RUN_OF_LETTERS: Final = b"a" * 24
_LINE_OF_LETTERS: Final = re.compile(rb"\n *+(?:a{4,}+={0,2}+|a{2,3}+={1,2}+) *+(?:\n|\Z)")
_BLOCK_END: Final = re.compile(rb"\n(?=[\n-])")


def with_lf(data: bytes) -> bytes:
    """`data` with lines that end in LF, whether they ended in CR LF, CR or LF."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def lenient_base64(data: bytes) -> bytes:
    """Decode base64: other characters are skipped, and text behind padding is decoded, too.

    Two encoded bodies in sequence give both contents; a last incomplete group gives its complete bytes.

    Source: RFC 2045 6.8, which wants other characters ignored.
    """
    plain = data.translate(None, _NOISE)
    letters = plain.rstrip(b"=")
    if b"=" not in letters:  # as nearly all is
        return _group(letters)
    return b"".join(_group(run) for run in _PADDED.findall(plain))


def base64_body(raw: bytes, start: int, end: int) -> tuple[bytes, bool]:
    """Decode a part's base64 body; returns its bytes, and whether it is whole. A broken body is decoded by `lenient_base64`.

    Two encoded bodies in sequence are not broken, only unusual.

    Args:
        raw: bytes that hold it.
        start: position where it begins.
        end: position behind it.
    """
    equal = _in_equal_lines(raw, start, end)
    if equal is not None:
        return equal, True
    letters = raw[start:end].translate(None, b" \t\r\n")
    try:
        return strict_base64(letters), True
    except binascii.Error:
        whole = all(len(run) % 4 == 0 for run in _PADDED_RUN.findall(letters))
        return lenient_base64(letters), whole and not _NOT_BASE64.search(letters)


def _in_equal_lines(raw: bytes, start: int, end: int) -> bytes | None:
    """Decode a body in lines of equal length, which is the usual form; None for other forms, and for broken ones."""
    closing = raw[max(start, end - 8) : end]
    end -= len(closing) - len(closing.rstrip(b"\r\n"))
    feed = raw.find(b"\n", start, min(end, start + _LONG))
    width = feed - start - (raw[feed - 1 : feed] == b"\r")
    if width < 4:
        return None
    line = feed + 1 - start
    ends, last = divmod(end - start, line)
    if last > width or any(raw[at:end:line] != raw[at : at + 1] * ends for at in range(start + width, feed + 1)):
        return None
    decoded = io.BytesIO()
    # To get the memory step by step takes longer than to decode.
    decoded.seek((ends * width + last) // 4 * 3)
    decoded.write(b"\0")
    decoded.seek(0)
    # Four lines have whole groups of letters, whatever their length.
    block = line * 4 * (1 + _BLOCK // line // 4)
    for at in range(start, end, block):
        letters = bytearray(memoryview(raw)[at : min(at + block, end)])
        # Much faster than to look at each byte.
        for ending in range(line, width, -1):
            del letters[width::ending]
        try:
            size = decoded.write(strict_base64(letters))
        except binascii.Error:
            return None
        if at + block < end and 4 * size != 3 * len(letters):
            return None  # padding
    decoded.truncate()
    return decoded.getvalue()


def _group(run: bytes) -> bytes:
    letters = run.rstrip(b"=")
    rest = len(letters) % 4
    if rest == 1:
        letters = letters[:-1]
        rest = 0
    return strict_base64(letters + b"=" * (-rest % 4))


def is_base64(data: bytes) -> bool:
    """Whether `data` has only base64 and white space."""
    return not data.translate(None, _LETTERS + b" \t\r\n")


def base64_runs(data: bytes) -> Iterator[bytes]:
    """Decode each stretch of `data` that looks like base64, at any place. Lines end in LF."""
    # No stretch goes on behind an empty line or into one that begins with a hyphen, as delimiters do.
    for whole in _blocks_of_lines(data):
        block = whole.strip(b"\n")
        decoded = letters_of(block)
        if decoded is not None:
            yield decoded
            continue
        if not _may_have_runs(block):
            continue
        for match in _RUN.finditer(block):
            if len(match[0]) >= _SMALLEST_RUN:
                yield lenient_base64(match[0])


def _blocks_of_lines(data: bytes) -> Iterator[bytes]:
    """The blocks that are long enough for a stretch. Shorter ones, of which there may be very many, are not kept."""
    at = 0
    for match in _BLOCK_END.finditer(data):
        if match.start() - at >= _SMALLEST_RUN:
            yield data[at : match.start()]
        at = match.end()
    if len(data) - at >= _SMALLEST_RUN:
        yield data[at:]


def _may_have_runs(block: bytes) -> bool:
    """Whether a block can have base64: False for prose, in a fraction of the pattern's time."""
    kinds = block.translate(_KINDS)
    return _RUN_OF_LETTERS in kinds or _LINE_OF_LETTERS.search(b"\n" + kinds) is not None


def letters_of(block: bytes) -> bytes | None:
    """Decode a block that is one stretch of base64 from end to end, as an attachment's is; None for other blocks.

    The result is that of `lenient_base64` and `base64_runs`, but faster.

    Args:
        block: lines that end in LF, without empty ones around them.
    """
    if len(block) < _LONG or block[:_LONG].translate(None, _LETTERS + b"\n"):
        return None  # as prose is
    core = block.rstrip(b"=")
    if len(core) < _LONG or len(block) - len(core) > 2 or core.translate(None, _LINES_OF_LETTERS):
        return None
    lines = core.split(b"\n")
    shortest = min(map(len, lines[:-1]), default=_LINE)
    padded = len(block) > len(core)
    return _group(b"".join(lines)) if shortest >= _LINE and len(lines[-1]) >= _last_line(padded=padded) else None


def usual_letters_of(raw: bytes, start: int, end: int) -> bytes | None:
    """`letters_of` a body in lines of equal length, which is the usual form, where it stands; None for other forms.

    Args:
        raw: bytes that hold it.
        start: position where it begins.
        end: position behind it, with or without its last line ends.
    """
    tail = raw[max(end - 16, start) : end].rstrip(b"\r\n")
    fewest = _last_line(padded=tail.endswith(b"="))
    last = tail.rstrip(b"=")[-fewest:]
    if end - start < _LONG or len(last) < fewest or b"\n" in last or b"\r" in last:
        return None
    return _in_equal_lines(raw, start, end)


def _last_line(*, padded: bool) -> int:
    """Fewest letters of a stretch's last line."""
    return 2 if padded else _LINE


def is_quoted_printable(data: bytes) -> bool:
    """Whether decoding would change `data`: it has an encoded byte, or a soft line break behind text other than base64."""
    if b"=" not in data:
        return False
    if _OCTET.search(data):
        return True
    lines = ((data.rfind(b"\n", 0, match.start()) + 1, match.start()) for match in _SOFT_BREAK.finditer(data))
    return any(not is_base64(data[start:end]) for start, end in lines)


def lenient_quoted_printable(data: bytes) -> bytes:
    """`data` with `=XX` decoded and soft line breaks joined, also those with blanks behind; malformed text stays.

    Source: RFC 2045 6.7.
    """
    return quopri.decodestring(_PADDED_BREAK.sub(b"=\n", data))


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """A file that is written into text.

    Args:
        name: its name; "" without one.
        data: its decoded bytes.
        start: position of its first line.
        end: position behind its last one.
        whole: whether it has an end.
        cut: whether it was cut at the limit, behind which the text is not read.
    """

    name: str
    data: bytes
    start: int
    end: int
    whole: bool
    cut: bool = False


def uuencoded(data: bytes) -> Iterator[EncodedFile]:
    """Every `begin` block in `data`, whether or not it has an `end`. Lines end in LF.

    Lines may lack their last spaces, which are zeros: one letter can be 63 of them. The decoded bytes are at most a megabyte more
    than the text.

    Source: POSIX.1-2017, uuencode.
    """
    room = len(data) + _ZEROS
    for match, block in _blocks(_UU_BEGIN, data):
        name = match["name"].decode("utf-8", "replace").strip()
        if match["base64"]:
            text, closing, _ = block.partition(b"\n====")
            end = min(match.end() + len(text) + len(b"\n====\n"), len(data)) if closing else match.end() + len(block)
            yield EncodedFile(name, lenient_base64(text), match.start(), end, bool(closing))
        else:
            lines = _uu_lines(block, room)
            room -= len(lines.data)
            yield EncodedFile(name, lines.data, match.start(), match.end() + lines.size, lines.whole, lines.cut)
            if lines.cut:
                return


def _blocks(begin: re.Pattern[bytes], data: bytes) -> Iterator[tuple[re.Match[bytes], bytes]]:
    """First lines of blocks, each with the text up to the next one: so many blocks cost no more than one long one."""
    if b"begin" not in data:  # which both kinds of block have in their first line
        return
    match = begin.search(data)
    while match is not None:
        following = begin.search(data, match.end())
        yield match, data[match.end() : following.start() if following is not None else len(data)]
        match = following


@dataclass(frozen=True, slots=True)
class _UuLines:
    """Decoded lines of a block, the length of these lines, and their end."""

    data: bytes
    size: int
    whole: bool = False
    cut: bool = False


def _uu_lines(block: bytes, room: int) -> _UuLines:
    """The lines up to an `end` or to an invalid line, as far as there is room."""
    data = bytearray()
    for match in _FILLED_LINE.finditer(block):
        line = match[0]
        if line.startswith(b"end"):
            return _UuLines(bytes(data), min(match.end() + 1, len(block)), whole=True)
        if line != b"`":
            piece = _uu_line(line)
            if piece is None:
                return _UuLines(bytes(data), match.start())
            if len(data) + len(piece) > room:
                return _UuLines(bytes(data), match.start(), cut=True)
            data += piece
    return _UuLines(bytes(data), len(block))


def _uu_line(line: bytes) -> bytes | None:
    """The bytes of one line; None for an invalid line."""
    octets = (line[0] - 32) & 63
    # Some encoders leave out spaces at the end, and some count wrong: the line's own length counts.
    needed = 1 + 4 * ((octets + 2) // 3)
    padded = line[:needed].ljust(needed, b" ")
    try:
        return binascii.a2b_uu(padded)
    except binascii.Error:
        return None


def yencoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """File name and content of every `=ybegin` block in `data`. Lines end in LF. Source: the yEnc draft 1.3."""
    for match, block in _blocks(_YENC, data):
        body = _YENC_END.split(block, maxsplit=1)[0]
        body = _YENC_PART.sub(b"", body, count=1).replace(b"\r", b"").replace(b"\n", b"")
        unescaped = _YENC_ESCAPED.sub(lambda found: bytes([(found[1][0] - 64) & 255]), body)
        name = match["settings"].partition(b"name=")[2].decode("utf-8", "replace").strip()
        yield name, unescaped.translate(_YENC_OCTETS)
