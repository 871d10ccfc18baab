"""Files that are embedded in RTF and in OneNote sections."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from mailroom.scanning.active.documents import embedded_files, is_onenote
from mailroom.scanning.containers.compound import MAGIC, package_file
from mailroom.scanning.containers.results import FaultError, Member, Room

__all__ = ["holds_objects", "onenote_members", "rtf_members"]

_RTF: Final = re.compile(rb"\s{0,1000}+\{\s{0,100}+\\rt")
_OBJECT: Final = re.compile(rb"\\objdata(?![a-z])")
_TOKEN: Final = re.compile(
    rb"(?P<digits>[0-9A-Fa-f]{1,65536}+)|\\bin(?P<octets>[0-9]{1,10}+) ?|\\'(?P<escaped>[0-9A-Fa-f]{0,2}+)"
    rb"|\\(?:[A-Za-z]{1,40}+-?[0-9]{0,10}+ ?|[^A-Za-z'])|(?P<brace>[{}])"
)
"""Source: Rich Text Format 1.9.1, "Objects"; readers ignore other characters between the digits."""


def holds_objects(data: bytes) -> bool:
    """Whether the bytes are RTF with objects."""
    return _RTF.match(data) is not None and _OBJECT.search(data) is not None


def rtf_members(data: bytes, room: Room) -> Iterator[Member]:
    """The objects of an RTF document, and the files in those that are packages. Source: MS-OLEDS 2.2.

    Raises:
        FaultError: there are more than there is room for.
    """
    at = 0
    while (found := _OBJECT.search(data, at)) is not None:
        readings, at = _octets(data, found.end())
        for content in readings:
            room.one_more()
            yield from _object_members(content, room)


def _object_members(content: bytes, room: Room) -> Iterator[Member]:
    yield Member("", room.joined([content]))
    within = content.find(MAGIC)
    if within > 0:
        yield Member("", room.joined([content[within:]]))
    class_name, native = _native(content)
    name, packed = package_file(native) if class_name.lower() == b"package" else ("", b"")
    if packed:
        yield Member(name, room.joined([packed]))
    elif native:
        yield Member("", room.joined([native]))


def onenote_members(data: bytes, room: Room) -> Iterator[Member]:
    """The files in a OneNote section, pictures as well. Source: MS-ONESTORE 2.6.13.

    Raises:
        FaultError: there are more than there is room for.
    """
    left = 4 * len(data)
    for content in embedded_files(data) if is_onenote(data) else ():
        room.one_more()
        left -= len(content)
        if left <= 0:
            raise FaultError("Limits.Container.Size")
        yield Member("", room.joined([content]))


def _octets(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The content of an object, by each reading of escaped characters in it, and the end of its group."""
    digits: list[bytes] = []
    with_escaped: list[bytes] = []
    depth = 0
    while (token := _TOKEN.search(data, at)) is not None:
        at = token.end()
        if token["octets"]:
            end = min(at + int(token["octets"]), len(data))
            digits.append(data[at:end].hex().encode())
            with_escaped.append(digits[-1])
            at = end
        elif token["brace"]:
            depth += 1 if token["brace"] == b"{" else -1
            if depth < 0:
                break
        elif token["digits"]:
            digits.append(token["digits"])
            with_escaped.append(digits[-1])
        elif token["escaped"]:
            with_escaped.append(token["escaped"])
    else:
        at = len(data)
    texts = dict.fromkeys((b"".join(digits), b"".join(with_escaped)))
    return [bytes.fromhex(text[: len(text) // 2 * 2].decode("ascii")) for text in texts if text], at


def _native(content: bytes) -> tuple[bytes, bytes]:
    """Class and data of an embedded object; empty for other content."""
    try:
        at = 8
        texts: list[bytes] = []
        for _ in range(3):
            (length,) = struct.unpack_from("<I", content, at)
            if length > 1000:
                return b"", b""
            texts.append(content[at + 4 : at + 4 + int(length)].rstrip(b"\0"))
            at += 4 + int(length)
        (size,) = struct.unpack_from("<I", content, at)
    except struct.error:
        return b"", b""
    return texts[0], content[at + 4 : at + 4 + int(size)]
