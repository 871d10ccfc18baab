"""Outlook's form of a message body: compressed RTF, which may contain its original HTML. Pure.

Source: MS-OXRTFCP 2.1 and 3.1.4 (compression), MS-OXRTFEX 2.1 (HTML and plain text within RTF); RTF 1.9.1.
"""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass, field, replace
from typing import Final

__all__ = ["RtfBody", "decompressed", "read_rtf"]

_MOST_GROUPS: Final = 1_000
"""Groups within groups."""
_BEGINNING: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""Initial content of the dictionary."""
_DICTIONARY: Final = 4096
_COMPRESSED: Final = b"LZFu"
_PLAIN: Final = b"MELA"

_TOKEN: Final = re.compile(
    rb"\\(?:(?P<word>[a-zA-Z]{1,32}+)(?P<number>-?[0-9]{1,9}+)? ?|'(?P<octet>[0-9a-fA-F]{2})|(?P<symbol>[^a-zA-Z]))"
    rb"|(?P<brace>[{}])|[\r\n\0]++|(?P<text>[^\\{}\r\n\0]++)"
)
_SILENT: Final = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "footnote", "listtable"}
    | {"header", "headerl", "headerr", "footer", "footerl", "footerr"}
)
_CHARACTERS: Final = {
    "par": "\n",
    "line": "\n",
    "row": "\n",
    "sect": "\n",
    "page": "\n",
    "tab": "\t",
    "cell": "\t",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "endash": "\u2013",
    "emdash": "\u2014",
}
_SYMBOLS: Final = {"~": "\xa0", "_": "\u2011", "{": "{", "}": "}", "\\": "\\", "\n": "\n", "\r": "\n"}
_CODECS_OF_CHARSETS: Final = {
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
"""Codecs by the number of `\\fcharset`."""


@dataclass(frozen=True, slots=True)
class RtfBody:
    """Content of an RTF document: its text, or its original HTML; the other one is ""."""

    text: str = ""
    html: str = ""


def decompressed(data: bytes, most: int) -> bytes:
    """The RTF, at most its first `most` bytes; b"" for other data. A cut stream gives its beginning."""
    if len(data) < 16:
        return b""
    _size, raw_size = struct.unpack_from("<II", data)
    most = min(raw_size, most)
    if data[8:12] == _PLAIN:
        return data[16 : 16 + most]
    if data[8:12] != _COMPRESSED:
        return b""
    out = bytearray(_BEGINNING)
    at, most = 16, most + len(_BEGINNING)
    while at < len(data) and len(out) < most:
        control = data[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            if at + 2 > len(data):
                return bytes(out[len(_BEGINNING) : most])
            reference = data[at] << 8 | data[at + 1]
            at += 2
            back = (len(out) - (reference >> 4)) % _DICTIONARY
            if not back:
                return bytes(out[len(_BEGINNING) : most])
            _copy(out, back, (reference & 15) + 2)
    return bytes(out[len(_BEGINNING) : most])


def _copy(out: bytearray, back: int, count: int) -> None:
    """Append `count` bytes from `back` bytes before the end, which may overlap the copy; unwritten dictionary bytes are zero."""
    start = len(out) - back
    if start < 0:
        out += bytes(count)
        return
    piece = out[start : start + count]
    out += (piece * (count // len(piece) + 1))[:count]


def read_rtf(data: bytes) -> RtfBody:
    """The content of a document, up to groups that are nested a thousand times. Never raises; takes linear time."""
    return _Reader(data).body()


@dataclass(slots=True)
class _Group:
    """State of a group."""

    silent: bool = False
    tag: bool = False
    """Whether the group is a piece of the HTML."""
    codec: str = ""
    skipped: int = 1
    """Characters behind a Unicode one that replace it for old readers."""


@dataclass(slots=True)
class _Reader:
    data: bytes
    out: list[str] = field(default_factory=list)
    pending: bytearray = field(default_factory=bytearray)
    group: _Group = field(default_factory=_Group)
    codec: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    font: int = 0
    from_html: bool = False
    hidden: bool = False
    """Whether the following text is for readers of RTF only."""
    starred: bool = False
    passed: int = 0

    def body(self) -> RtfBody:
        if not self.data.startswith(b"{\\rtf"):
            return RtfBody()
        outer: list[_Group] = []
        at = 0
        while (token := _TOKEN.match(self.data, at)) is not None:
            at = token.end()
            brace, word, text = token["brace"], token["word"], token["text"]
            if brace == b"{":
                if len(outer) == _MOST_GROUPS:
                    break
                self._flush()
                outer.append(self.group)
                self.group = replace(self.group)
            elif brace == b"}":
                self._flush()
                self.group = outer.pop() if outer else _Group()
                self.starred = False
            elif word is not None:
                number = int(token["number"]) if token["number"] else None
                at += max(number or 0, 0) if word == b"bin" else 0
                self._word(word.decode("ascii"), number)
            elif token["octet"]:
                self._say_octets(bytes([int(token["octet"], 16)]))
            elif token["symbol"]:
                self._symbol(token["symbol"].decode("latin-1"))
            elif text:
                self._say_octets(text)
        self._flush()
        found = "".join(self.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return RtfBody(html=found) if self.from_html else RtfBody(text=found)

    def _word(self, word: str, number: int | None) -> None:
        self._flush()
        starred, self.starred = self.starred, False
        if word in _CHARACTERS:
            self._say(_CHARACTERS[word])
        elif word in _SILENT or (starred and word != "htmltag"):
            self.group.silent = True
        elif word in {"f", "fcharset"}:
            self._font(word, number or 0)
        else:
            self._setting(word, number)

    def _font(self, word: str, number: int) -> None:
        if word == "fcharset":
            self.fonts[self.font] = _CODECS_OF_CHARSETS.get(number, "")
            return
        self.font = number
        if not self.group.silent:
            self.group.codec = self.fonts.get(number, "")

    def _setting(self, word: str, number: int | None) -> None:
        match word:
            case "htmltag":
                self.group.tag = True
            case "htmlrtf":
                self.hidden = number != 0
            case "fromhtml":
                self.from_html = number != 0
            case "ansicpg":
                self.codec = _codec(number or 0)
            case "uc":
                self.group.skipped = min(max(number or 0, 0), 9)
            case "u":
                self._say(chr((number or 0) & 0xFFFF))
                self.passed = self.group.skipped

    def _symbol(self, symbol: str) -> None:
        self._flush()
        if symbol == "*":
            self.starred = True
        elif symbol in _SYMBOLS:
            self._say(_SYMBOLS[symbol])

    def _say(self, text: str) -> None:
        if self._heard():
            self.out.append(text)

    def _say_octets(self, pending: bytes) -> None:
        passed = min(self.passed, len(pending))
        self.passed -= passed
        if self._heard():
            self.pending += pending[passed:]

    def _heard(self) -> bool:
        return not self.group.silent and (self.group.tag or not (self.from_html and self.hidden))

    def _flush(self) -> None:
        """Decode collected bytes where no bytes of the same charset can follow."""
        self.passed = 0
        if self.pending:
            self.out.append(self.pending.decode(self.group.codec or self.codec, "replace"))
            self.pending.clear()


def _codec(number: int) -> str:
    name = "utf-8" if number == 65001 else f"cp{number}"
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
