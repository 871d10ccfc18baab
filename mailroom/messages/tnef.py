"""The files and the body in a winmail.dat, which Outlook sends instead of attachments. Pure.

Source: MS-OXTNEF 2.1 (structure), MS-OXPROPS (property identifiers), MS-OXCDATA 2.11.1 (property types).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.charsets import decoded_html
from mailroom.messages.rtf import decompressed, read_rtf

__all__ = ["TNEF_TYPES", "TnefBody", "TnefFile", "is_tnef", "tnef_body", "tnef_files", "tnef_values"]

TNEF_TYPES: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})

_SIGNATURE: Final = struct.pack("<I", 0x223E9F78)
_BEGIN_ATTACHMENT: Final = 0x00069002
_TITLE: Final = 0x00018010
_DATA: Final = 0x0006800F
_PROPERTIES: Final = 0x00069005
_CODE_PAGE: Final = 0x00069007

_LONG_FILENAME: Final = 0x3707
_FILENAME: Final = 0x3704
_DISPLAY_NAME: Final = 0x3001
_MIME_TAG: Final = 0x370E
_CONTENT_ID: Final = 0x3712
_CONTENT: Final = 0x3701
_METHOD: Final = 0x3705
_EMBEDDED_MESSAGE: Final = 5
_OBJECT_TYPE: Final = 0x000D
_BINARY: Final = 0x0102
_UNICODE: Final = 0x001F
_INTERFACE_OCTETS: Final = 16
"""Bytes in front of an object's value; a binary value has none."""
_MESSAGE_PROPERTIES: Final = 0x00069003

_BODY_TEXT: Final = 0x0002800C
_BODY: Final = 0x1000
_COMPRESSED_RTF: Final = 0x1009
_HTML: Final = 0x1013
_INTERNET_CODE_PAGE: Final = 0x3FDE
_LABELS: Final = {
    932: "shift_jis",
    936: "gb18030",
    949: "euc-kr",
    950: "big5",
    874: "windows-874",
    65001: "utf-8",
    20127: "us-ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    51932: "euc-jp",
    54936: "gb18030",
    **{number: f"windows-{number}" for number in range(1250, 1259)},
    **{28590 + number: f"iso-8859-{number}" for number in (*range(1, 10), 13, 15)},
}
"""Charsets of code pages."""

_FIXED_SIZES: Final = {
    0x0001: 4,
    0x0002: 4,
    0x0003: 4,
    0x0004: 4,
    0x000A: 4,
    0x000B: 4,
    0x0005: 8,
    0x0006: 8,
    0x0007: 8,
    0x0014: 8,
    0x0040: 8,
    0x0048: 16,
}
_VARIABLE: Final = frozenset({0x000D, 0x001E, 0x001F, 0x0102})
_MULTIPLE: Final = 0x1000
_MOST: Final = 1000


@dataclass(slots=True)
class TnefFile:
    """One file: its name, its given type, its content id, its bytes, and whether no later bytes may replace them."""

    filename: str = ""
    content_type: str = ""
    content_id: str = ""
    data: bytes = field(default=b"", repr=False)
    settled: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class TnefBody:
    """The body of a message: its text and its HTML, "" without; the problem of its charset; the bytes of RTF that were read."""

    text: str = ""
    html: str = ""
    problem: str = ""
    read: int = 0

    def __post_init__(self) -> None:
        """Make lines end in LF."""
        for name in ("text", "html"):
            object.__setattr__(self, name, getattr(self, name).replace("\r\n", "\n").replace("\r", "\n"))


class _BrokenError(Exception):
    """The stream ends too early, or is invalid."""


def is_tnef(data: bytes | memoryview) -> bool:
    """Whether the data begins like a TNEF stream."""
    return bytes(data[:4]) == _SIGNATURE


def tnef_files(data: bytes | memoryview) -> tuple[list[TnefFile], bool]:
    """The files, at most 1,000, and whether the stream could be read to its end; never raises.

    A message within is given as its own TNEF stream, without a name.
    """
    files: list[TnefFile] = []
    code_page = "cp1252"
    try:
        for attribute, value in _attributes(memoryview(data)):
            if attribute == _CODE_PAGE and len(value) >= 4:
                code_page = _codec(struct.unpack_from("<I", value)[0])
            elif attribute == _BEGIN_ATTACHMENT:
                if len(files) == _MOST:
                    return files, False
                files.append(TnefFile())
            elif files:
                _take(files[-1], attribute, value, code_page)
    except (_BrokenError, struct.error):
        return files, False
    return files, True


def tnef_body(data: bytes | memoryview, most: int) -> TnefBody:
    """The body of the message itself. Without HTML, the RTF gives the HTML, or a missing text. Never raises.

    Args:
        data: the stream.
        most: bytes of RTF to read.
    """
    code_page, plain = "cp1252", b""
    found: dict[int, tuple[int, bytes]] = {}
    with suppress(_BrokenError, struct.error):
        for attribute, value in _attributes(memoryview(data)):
            if attribute == _BEGIN_ATTACHMENT:
                break
            if attribute == _CODE_PAGE and len(value) >= 4:
                code_page = _codec(struct.unpack_from("<I", value)[0])
            elif attribute == _BODY_TEXT:
                plain = plain or bytes(value)
            elif attribute == _MESSAGE_PROPERTIES:
                for kind, name, content in _properties(value):
                    found.setdefault(name, (kind, content))
    text = _string(found.get(_BODY), code_page) or _text(plain, code_page)
    kind, content = found.get(_HTML, (0, b""))
    if content and kind == _BINARY:
        number = int.from_bytes(found.get(_INTERNET_CODE_PAGE, (0, b""))[1][:4], "little")
        html, problem = decoded_html(content.rstrip(b"\0"), _LABELS.get(number, ""))
        return TnefBody(text, html, problem)
    if html := _string((kind, content), code_page):
        return TnefBody(text, html)
    rtf = decompressed(found.get(_COMPRESSED_RTF, (0, b""))[1], most)
    body = read_rtf(rtf)
    return TnefBody(text or body.text, body.html, read=len(rtf))


def _string(value: tuple[int, bytes] | None, code_page: str) -> str:
    kind, content = value if value is not None else (0, b"")
    return _decoded(bytes([kind == _UNICODE]) + content, code_page)


def tnef_values(data: bytes | memoryview) -> Iterator[bytes]:
    """The bytes of each attribute and property that a reader may take for a file, up to a break of the stream.

    Never raises.
    """
    with suppress(_BrokenError, struct.error):
        for attribute, value in _attributes(memoryview(data)):
            if attribute not in {_PROPERTIES, _MESSAGE_PROPERTIES}:
                yield bytes(value)
                continue
            with suppress(_BrokenError, struct.error):
                for kind, _name, content in _properties(value):
                    yield _without_interface(kind, content)


def _without_interface(kind: int, content: bytes) -> bytes:
    return content[_INTERFACE_OCTETS:] if kind == _OBJECT_TYPE else content


def _attributes(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Identifier and value of each attribute."""
    at = 6  # the signature, and a key
    if len(data) < at or not is_tnef(data):
        raise _BrokenError
    while at < len(data):
        if at + 9 > len(data):
            raise _BrokenError
        _level, attribute, size = struct.unpack_from("<BII", data, at)
        at += 9
        if at + size > len(data):
            yield attribute, data[at:]
            raise _BrokenError
        yield attribute, data[at : at + size]
        at += size + 2  # behind its checksum


def _take(file: TnefFile, attribute: int, value: memoryview, code_page: str) -> None:
    if attribute == _TITLE:
        file.filename = file.filename or _text(value, code_page)
    elif attribute == _DATA and not file.settled:
        file.data = bytes(value)
    elif attribute == _PROPERTIES:
        found: dict[int, bytes] = {}
        for kind, name, content in _properties(value):
            plain = _without_interface(kind, content) if name == _CONTENT else bytes([kind == _UNICODE]) + content
            found.setdefault(name, plain)
        names = (_LONG_FILENAME, _FILENAME, _DISPLAY_NAME)
        long = next((found[name] for name in names if name in found), b"")
        file.filename = _decoded(long, code_page) or file.filename
        file.content_type = _decoded(found.get(_MIME_TAG, b""), code_page).strip().lower()
        file.content_id = _decoded(found.get(_CONTENT_ID, b""), code_page).strip("<> ")
        method = int.from_bytes(found.get(_METHOD, b"")[1:5], "little")
        if _CONTENT in found and (not file.data or method == _EMBEDDED_MESSAGE):
            # For a message as a file, Outlook writes prose into attAttachData, for simple readers.
            file.data = found[_CONTENT]
            file.settled = True


def _properties(data: memoryview) -> Iterator[tuple[int, int, bytes]]:
    """Type, identifier and bytes of each value of each property, in their order."""
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, _MOST)):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= 0x8000:
            at = _behind_name(data, at)
        several = bool(kind & _MULTIPLE) or kind in _VARIABLE
        plain = kind & ~_MULTIPLE
        values = 1
        if several:
            (values,) = struct.unpack_from("<I", data, at)
            at += 4
        if values > _MOST:
            raise _BrokenError
        for _number in range(values):
            size = _FIXED_SIZES.get(plain)
            if size is None:
                if plain not in _VARIABLE:
                    raise _BrokenError
                (size,) = struct.unpack_from("<I", data, at)
                at += 4
            if at + size > len(data):
                raise _BrokenError
            yield plain, name, bytes(data[at : at + size])
            at += size + (-size % 4)


def _behind_name(data: memoryview, at: int) -> int:
    """Position behind the name of a named property."""
    (kind,) = struct.unpack_from("<I", data, at + 16)
    if kind == 0:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + int(size) + (-int(size) % 4)


def _decoded(value: bytes, code_page: str) -> str:
    return _text(value[1:], "utf-16-le" if value[:1] == b"\x01" else code_page)


def _text(value: bytes | memoryview, code_page: str) -> str:
    return bytes(value).decode(code_page, "replace").partition("\0")[0]


def _codec(number: int) -> str:
    name = f"cp{number}"
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name
