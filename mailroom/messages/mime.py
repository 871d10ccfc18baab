"""The structure of a message: header fields, and parts within parts. Pure.

Works on positions within the raw bytes: nothing is copied before a part is decoded. Time grows with the size of the
message times the depth of its parts, which is limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.charsets import decoded_header
from mailroom.messages.model import Problem
from mailroom.messages.parameters import Field, parameterized
from mailroom.messages.words import Note

__all__ = ["MAX_DEPTH", "MAX_PARTS", "Header", "Limits", "Part", "Problems", "read_header", "read_structure"]

MAX_DEPTH: Final = 30
"""Multiparts within multiparts; real mail has five."""
MAX_PARTS: Final = 1000
_MOST_HEADER: Final = 1_000_000
"""Bytes of one header that are read; SES accepts far fewer."""
_MOST_FIELD: Final = 100_000
"""Bytes of one field that are read: a hundred lines of maximum length. RFC 5322 2.1.1."""
_MOST_FIELDS: Final = 10_000
"""Fields of one header that are read; real mail has a hundred."""
_LISTS: Final = frozenset({"from", "sender", "reply-to", "to", "cc"})
"""Fields that may be as long as the header: 5,000 addresses are."""
_NEAR: Final = 4_000
"""Bytes behind a hyphen that are searched for a delimiter."""
_MOST_LOOKS: Final = 100_000
"""Lines of a message that look like a delimiter."""

_USUAL_EMPTY_LINE: Final = b"\r\n\r\n"
_USUAL_HEADER: Final = 20_000
"""Bytes of a header that may have that end."""
_EMPTY_LINE: Final = re.compile(rb"(?:\r\n|\n)(?:\r\n|\n|\r)|\r\r\n?")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_LINES: Final = re.compile(rb"[^\r\n]*+(?:\r\n|\n|\r)|[^\r\n]++\Z")
_FIELD: Final = re.compile(rb"[!-9;-~\x80-\xff]{1,200}+[ \t]{0,40}+:")
_NO_FIELD: Final = re.compile(rb"[\r\n](?![!-9;-~\x80-\xff]{1,200}+[ \t]{0,40}+:)[^ \t\r\n]")
"""Begin of a line that is no field, and continues none."""
_WHOLE_FIELD: Final = re.compile(r"^([!-9;-~\x80-\xff]{1,200}+)[ \t]{0,40}+:([^\n]*+(?:\n[ \t][^\n]*+)*)", re.MULTILINE)
_BLANK: Final = " \t\n\r\v\f"
_CONTINUED: Final = re.compile(rb"(?:[ \t][^\r\n]*+(?:\r\n?|\n))+(?=[!-9;-~]{1,200}+[ \t]{0,40}+:)")
"""Continuation lines without a field, in front of a field."""
_FROM_LINE: Final = re.compile(rb">?From (?![ \t]{0,40}+:)[^\r\n]*+(?:\r\n|\n|\r)")
_BLANK_LINES: Final = re.compile(rb"(?:[ \t]*+(?:\r\n|\n|\r)){1,20}")
"""Blank lines in front of a header."""
_OF_MESSAGE: Final = re.compile(
    rb"(?:received|return-path|delivered-to|from|to|subject|date|message-id|mime-version|content-type|x-[a-z0-9-]{1,60}+):",
    re.IGNORECASE,
)
"""Fields that messages begin with."""
_JUNK_LINE: Final = re.compile(
    rb"(?![!-9;-~]{1,200}+[ \t]{0,40}+:)[^\r\n]{1,998}+(?:\r\n|\n|\r)"
    rb"(?=(?:received|return-path|from|to|subject|date|message-id|mime-version|content-type):)",
    re.IGNORECASE,
)
"""A first line that is no field, in front of a field that can begin a message."""
_AFTER_DELIMITER: Final = re.compile(rb"(--)?[ \t]*+(\r\n|\n|\r|\Z)")
_BEFORE_CONTENT: Final = re.compile(rb"(?:\A|[\r\n])--([^\r\n]++)(?:\r\n|\n|\r)(?=[Cc]ontent-)")
_BOUNDARY: Final = re.compile(rb"(?:[^\s-][^\r\n]{0,199}+|-{1,60}+[^\s-][^\r\n]{0,140}+)\Z")
_TYPE: Final = re.compile(r"[^/]++/[^/]++")
_NO_TYPE: Final = Field("text/plain", {})


class Problems:
    """Collects problems, each once for its place."""

    def __init__(self) -> None:
        self.found: dict[Problem, None] = {}

    def add(self, place: str, what: str) -> None:
        """Add a problem."""
        self.found.setdefault(Problem(place, what))


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a header section, in their order: names in lower case, values unfolded, encoded words as they are."""

    fields: tuple[tuple[str, str], ...] = ()
    _values: dict[str, list[str]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the values by their names."""
        for name, value in self.fields:
            self._values.setdefault(name, []).append(value)

    def first(self, name: str) -> str:
        """The first field of that name; "" when there is none."""
        found = self._values.get(name)
        return found[0] if found else ""

    def every(self, name: str) -> Sequence[str]:
        """All fields of that name."""
        return self._values.get(name, ())


@dataclass(slots=True)
class Part:
    """One part: its header, the place of its body, and its own parts.

    Args:
        path: numbers joined by dots; "" for the message.
        header: its fields.
        kind: its content type.
        start: position of its body.
        end: position behind its body.
        begin: position of its header.
        children: of a multipart.
    """

    path: str
    header: Header
    kind: Field
    start: int
    end: int
    begin: int
    children: list[Part] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Name of the part in problems."""
        return f"part {self.path}" if self.path else "message"

    def walk(self) -> Iterator[Part]:
        """The part, then those in it, in their order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting += reversed(part.children)

    def disposition(self, note: Note) -> tuple[str, str]:
        """ "attachment", "inline" or "" for unknown ones; and the file name from any field that a client uses, or ""."""
        written = self.header.first("content-disposition")
        found = parameterized(written, note) if written else Field("", {})
        filename = found.parameters.get("filename") or self.kind.parameters.get("name") or ""
        return found.value if found.value in {"attachment", "inline"} else "", filename.strip()


@dataclass(slots=True)
class Limits:
    """Remaining limits for one message and all messages in it.

    Args:
        parts: number of parts that may still be read.
        bytes_left: bytes of nested messages that may still be parsed.
    """

    parts: int
    bytes_left: int


def read_header(raw: bytes) -> Header:
    """The fields in front of a message, as `read_structure` reads them; never raises.

    Args:
        raw: the message, or its beginning.
    """
    return _Structure(raw, Problems(), Limits(parts=1, bytes_left=0)).header()


def read_structure(raw: bytes, problems: Problems, limits: Limits, path: str = "") -> Part:
    """The parts of a message; never raises.

    A multipart without its boundary is divided by the delimiter that its first lines look like; without one it is text. Parts
    behind the closing delimiter count. Parts beyond the limits on depth and number become one last part of type
    application/octet-stream, so that no bytes are lost.

    Args:
        raw: the message, or a slice of one.
        problems: collects the problems.
        limits: counted down.
        path: of the whole; default: "", a message.

    Source: RFC 2046 5.1; RFC 5322 2.1.
    """
    return _Structure(raw, problems, limits).message(path)


class _Structure:
    def __init__(self, raw: bytes, problems: Problems, limits: Limits) -> None:
        self.raw = raw
        self.problems = problems
        self.limits = limits
        self.looks = 0

    def header(self) -> Header:
        return self._header(self._begin(), len(self.raw), "message")[0]

    def _begin(self) -> int:
        """Position of the message's header."""
        raw = self.raw
        blank = _BLANK_LINES.match(raw)
        # Text behind an empty first line is usually the body: only a certain header counts.
        begins = _FIELD if raw[:1] in {b" ", b"\t"} else _OF_MESSAGE
        if blank and begins.match(raw, blank.end()):
            self.problems.add("message", "header-broken")
            return blank.end()
        first = _FROM_LINE.match(raw) or _JUNK_LINE.match(raw)
        return first.end() if first else 0

    def message(self, path: str) -> Part:
        root = self._part(path, self._begin(), len(self.raw), "text/plain")
        waiting = [(root, 0)]
        while waiting:
            part, depth = waiting.pop()
            if not part.kind.value.startswith("multipart/"):
                continue
            if depth >= MAX_DEPTH:
                self.problems.add(part.place, "too-deep")
                part.kind = Field("application/octet-stream", {})
                continue
            self._divide(part)
            waiting += [(child, depth + 1) for child in part.children]
        return root

    def _part(self, path: str, start: int, end: int, default: str) -> Part:
        place = f"part {path}" if path else "message"
        header, body = self._header(start, end, place)
        written = header.first("content-type")
        kind = parameterized(written, lambda what: self.problems.add(place, what)) if written else Field(default, {})
        if not _TYPE.fullmatch(kind.value):
            kind = Field("text/plain" if written else default, kind.parameters)
        self.limits.parts -= 1
        return Part(path, header, kind, body, end, begin=start)

    def _header(self, start: int, end: int, place: str) -> tuple[Header, int]:
        """The header at `start`, and the position of the body."""
        raw = self.raw
        # Python keeps 60 bytes for each of these lines.
        continued = _CONTINUED.match(raw, start, min(end, start + _MOST_HEADER))
        if continued:
            self.problems.add(place, "header-broken")
            start = continued.end()
        first = _LINE_END.match(raw, start, end)
        if first:
            return Header(), first.end()
        if not _FIELD.match(raw, start, end):
            # Without a line of a header, all text is body.
            return Header(), start
        over, behind = self._empty_line(start, end)
        section = raw[start : min(over, start + _MOST_HEADER)]
        if over - start > _MOST_HEADER:
            self.problems.add(place, "header-too-long")
        broken = _NO_FIELD.search(section)
        body = self._body_of_endless(section, start, broken.start() + 1, closed=behind > over) if broken else None
        if broken:
            self.problems.add(place, "header-broken")
        if body is not None:
            section, behind = raw[start:body], body
        return Header(tuple(self._fields(section, place))), behind

    def _empty_line(self, start: int, end: int) -> tuple[int, int]:
        """Begin and end of the empty line that ends a header; without one, twice the end of the text."""
        raw = self.raw
        usual = raw.find(_USUAL_EMPTY_LINE, start, min(end, start + _USUAL_HEADER))
        if usual >= 0:
            above = raw[start : usual + 2]
            if not (b"\n\n" in above or b"\n\r" in above or b"\r\r" in above):
                return usual, usual + len(_USUAL_EMPTY_LINE)
        empty = _EMPTY_LINE.search(raw, start, end)
        return empty.span() if empty else (end, end)

    def _fields(self, section: bytes, place: str) -> Iterator[tuple[str, str]]:
        """Name and value of each field, unfolded; a line that is no field is left out with its continuation."""
        # Each byte is a character, until the field that it is in is decoded.
        text = section.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("latin-1")
        is_ascii = text.isascii()
        for number, found in enumerate(_WHOLE_FIELD.finditer(text)):
            if number >= _MOST_FIELDS:
                self.problems.add(place, "header-too-long")
                return
            name, value = found.groups()
            name = name.lower() if is_ascii else name.encode("latin-1").lower().decode("latin-1")
            if "\n" in value:
                value = value.replace("\n", "")
            if len(value) > _MOST_FIELD and name not in _LISTS:
                self.problems.add(place if place != "message" else f"header {name}", "header-too-long")
                value = value[:_MOST_FIELD]
            value = value.strip(_BLANK)
            yield name, value if is_ascii else decoded_header(value.encode("latin-1"))

    @staticmethod
    def _body_of_endless(section: bytes, start: int, broken: int, *, closed: bool) -> int | None:
        """Position of a body that no empty line divides from its header; None where one does.

        Without any empty line, the body begins at the first line that is no field, as in Python's library. With an empty line
        further below, the same is true if no field follows that line: then the empty line divides two paragraphs.
        """
        found: int | None = None
        for match in _LINES.finditer(section, broken):
            line = match[0]
            is_field = _FIELD.match(line) is not None
            if found is not None and is_field and closed:
                found = None
            if found is None and not is_field and line[:1] not in b" \t\r\n":
                found = match.start()
                if not closed:
                    break
        return None if found is None else start + found

    def _divide(self, part: Part) -> None:
        """Find the children of a multipart; its delimiters count from its header on, which may lack the empty line below."""
        boundary = part.kind.parameters.get("boundary", "").encode("utf-8", "surrogateescape").rstrip()
        slices = self._slices(part, boundary) if boundary else []
        if not slices:
            self.problems.add(part.place, "boundary-missing")
            guessed = self._guessed_boundary(part)
            slices = self._slices(part, guessed) if guessed else []
        if not slices:
            part.kind = _NO_TYPE
            return
        default = "message/rfc822" if part.kind.value == "multipart/digest" else "text/plain"
        dot = f"{part.path}." if part.path else ""
        for number, (start, end) in enumerate(slices, start=1):
            if self.limits.parts <= 0:
                self.problems.add(part.place, "too-many-parts")
                bytes_left = Field("application/octet-stream", {})
                rest = Part(f"{dot}{number}", Header(), bytes_left, start, slices[-1][1], begin=start)
                part.children.append(rest)
                return
            part.children.append(self._part(f"{dot}{number}", start, end, default))

    def _guessed_boundary(self, part: Part) -> bytes:
        """Boundary of the first line that looks like a delimiter above a part's header; b"" without one."""
        lines = _BEFORE_CONTENT.finditer(self.raw, part.begin, part.end)
        written = (line[1].rstrip(b" \t") for line in lines)
        return next((one for one in written if _BOUNDARY.match(one)), b"")

    def _slices(self, part: Part, boundary: bytes) -> list[tuple[int, int]]:
        """Begin and end of the parts between these delimiters, without the delimiters' own line ends."""
        slices: list[tuple[int, int]] = []
        begun: int | None = None
        closed = False
        for start, end, closing in self._delimiters(part, b"--" + boundary):
            if begun is not None:
                slices.append((begun, max(begun, start)))
            if closed and not closing:
                self.problems.add(part.place, "boundary-reopened")
            begun, closed = None if closing else end, closing
            if len(slices) > max(self.limits.parts, 0):
                break
        if begun is not None:
            slices.append((begun, part.end))
        if slices and not closed:
            self.problems.add(part.place, "boundary-unclosed")
        return slices

    def _delimiters(self, part: Part, dashed: bytes) -> Iterator[tuple[int, int, bool]]:
        """Delimiter lines: begin with the line end before, end, and whether the delimiter is closing."""
        raw = self.raw
        for at in self._lines_beginning_with(dashed, part.begin, part.end):
            self.looks += 1
            if self.looks > _MOST_LOOKS:
                self.problems.add(part.place, "too-many-parts")
                return
            after = _AFTER_DELIMITER.match(raw, at + len(dashed), part.end)
            if after is not None:
                yield self._line_end_before(at, part.begin), after.end(), after[1] is not None

    def _lines_beginning_with(self, words: bytes, start: int, end: int) -> Iterator[int]:
        """Positions of the words behind line ends of both kinds."""
        raw = self.raw
        if raw.startswith(words, start, end):
            yield start
        # No line of base64 has a hyphen, and one byte is found much faster than several ones.
        at = raw.find(b"-", start + 1, end)
        while at >= 0:
            near = min(at + _NEAR, end)
            # The words have no line end, so that no match overlaps another one.
            while (found := raw.find(words, at, min(near + len(words) - 1, end))) >= 0:
                if raw[found - 1] in b"\r\n":
                    yield found
                at = found + len(words)
            at = raw.find(b"-", max(at, near), end)

    def _line_end_before(self, at: int, least: int) -> int:
        """Position of the line end before `at`, which belongs to the delimiter."""
        if at - 2 >= least and self.raw[at - 2 : at] == b"\r\n":
            return at - 2
        return max(at - 1, least)
