"""OpenPGP messages: encrypted ones are detected, others are opened. Pure. Source: RFC 9580."""

from __future__ import annotations

import binascii
import bz2
import re
import zlib
from collections.abc import Iterator
from typing import Final

from mailroom.scanning.containers.results import FaultError, Member, Room
from mailroom.scanning.containers.streams import inflated

__all__ = ["ENCRYPTED_PGP", "begins_message", "pgp_members"]

ENCRYPTED_PGP: Final = "Encrypted.Mail.OpenPgp"

_ARMOR: Final = re.compile(
    rb"-----BEGIN PGP MESSAGE[^\n-]{0,40}+-----[ \t]{0,40}+\r?\n(?:[A-Za-z]{1,40}+: [^\r\n]{0,500}+\r?\n){0,20}"
    rb"([A-Za-z0-9+/=\s]++)"
)
_COMPRESSED: Final = 8
_LITERAL: Final = 11
_ONE_PASS: Final = 4
_SIGNATURE: Final = 2
_MARKER: Final = 10
_SECRET: Final = frozenset({1, 3, 9, 18, 20})
_SIZES: Final = {1: ({3, 6}, 12, 5000), 3: ({4, 5, 6}, 3, 200), _ONE_PASS: ({3, 6}, 12, 60)}
"""First packets of a message: their versions, and bounds of their size in bytes."""
_MOST_DEPTH: Final = 8
_FIRST: Final = 4096


def _packet(data: bytes, at: int) -> tuple[int, int, int | None, bool]:
    """Tag, position of the body, size of the body or its first piece (None: to the end), and whether more pieces follow."""
    first = data[at]
    if not first & 0x80:
        raise ValueError("no packet")
    if not first & 0x40:
        kind = first & 3
        if kind == 3:
            return (first >> 2) & 15, at + 1, None, False
        bytes_left = 1 << kind
        if at + 1 + bytes_left > len(data):
            raise ValueError("cut off")
        return (first >> 2) & 15, at + 1 + bytes_left, int.from_bytes(data[at + 1 : at + 1 + bytes_left], "big"), False
    size, start, partial = _new_size(data, at + 1)
    return first & 63, start, size, partial


def _new_size(data: bytes, at: int) -> tuple[int, int, bool]:
    octet = data[at]
    if octet < 192:
        return octet, at + 1, False
    if octet < 224:
        return ((octet - 192) << 8) + data[at + 1] + 192, at + 2, False
    if octet == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5, False
    return 1 << (octet & 31), at + 1, True


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each packet. Raises `ValueError` or `IndexError` at invalid bytes."""
    at = 0
    while at < len(data):
        tag, start, size, partial = _packet(data, at)
        if size is None:
            yield tag, data[start:]
            return
        pieces = [data[start : start + size]]
        at = start + size
        while partial and at < len(data):
            size, start, partial = _new_size(data, at)
            pieces.append(data[start : start + size])
            at = start + size
        yield tag, b"".join(pieces)


def begins_message(data: bytes) -> bool:
    """Whether `data` begins like an unarmored OpenPGP message, by the fields of its first packet."""
    try:
        tag, start, size, _partial = _packet(data, 0)
        body = data[start : start + _FIRST]
        if size is not None and tag in _SIZES:
            versions, least, most = _SIZES[tag]
            fits = body[0] in versions and least < size < most
            return fits and (_begins_inner(data[start + size :]) if tag == _ONE_PASS else _follows(data, start + size))
        if tag == _COMPRESSED:
            return _begins_inner(_decompressed_start(body))
        if tag == _LITERAL:
            return size is not None and _begins_inner(data) and data[0] in {0xCB, 0xAC, 0xAD, 0xAE}
        return tag == 18 and body[0] in {1, 2} and size is not None and size > 20 and data[0] == 0xD2
    except (ValueError, IndexError, zlib.error, OSError):
        return False


def _follows(data: bytes, at: int) -> bool:
    return _packet(data, at)[0] in _SECRET


def _begins_inner(data: bytes) -> bool:
    tag, start, _size, _partial = _packet(data, 0)
    if tag == _LITERAL:
        return data[start : start + 1] in {b"b", b"t", b"u", b"m", b"l"}
    return tag in {_ONE_PASS, _COMPRESSED, _SIGNATURE}


def _decompressed_start(body: bytes) -> bytes:
    if body[0] == 0:
        return body[1:]
    if body[0] in {1, 2}:
        return zlib.decompressobj(-15 if body[0] == 1 else 15).decompress(body[1:], 64)
    return b"\xcb\x10b" if body[0] == 3 and body[1:4] == b"BZh" else b""


def pgp_members(data: bytes, room: Room) -> Iterator[Member]:
    """The literal data of messages that are only signed or compressed.

    Raises:
        FaultError: the message is encrypted, unreadable, or bigger than the room.
    """
    armored = _ARMOR.findall(data) if b"-----BEGIN PGP MESSAGE" in data else []
    try:
        binary = [binascii.a2b_base64(_unarmored(text)) for text in armored] or [data]
        for one in binary:
            yield from _message(one, room, _MOST_DEPTH)
    except (ValueError, IndexError, zlib.error, OSError):
        raise FaultError("Container.OpenPgp.Broken") from None


def _unarmored(text: bytes) -> bytes:
    """The base64 without the checksum's line."""
    lines = text.split()
    return b"".join(line for line in lines if not (line.startswith(b"=") and len(line) == 5))


def _message(data: bytes, room: Room, depth: int) -> Iterator[Member]:
    found = False
    for tag, body in _packets(data):
        if tag in _SECRET:
            raise FaultError(ENCRYPTED_PGP)
        if tag == _COMPRESSED:
            if depth == 0:
                raise FaultError("Limits.Container.Depth")
            yield from _message(_decompressed(body, room), room, depth - 1)
        elif tag == _LITERAL:
            room.one_more()
            end = 2 + body[1]
            yield Member(body[2:end].decode("utf-8", "replace"), body[end + 4 :], is_message=True)
        found = found or tag in {_COMPRESSED, _LITERAL}
    if not found:
        raise ValueError("no literal data")


def _decompressed(body: bytes, room: Room) -> bytes:
    if body[0] == 0:
        return body[1:]
    if body[0] in {1, 2}:
        decoder = zlib.decompressobj(-15 if body[0] == 1 else 15)
        return room.joined(piece for piece, _end in inflated(decoder, body, 1))
    if body[0] == 3:
        return room.joined(iter([bz2.BZ2Decompressor().decompress(body[1:], room.bytes_left + 1)]))
    raise ValueError("unknown compression")
