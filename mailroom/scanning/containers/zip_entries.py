"""Entries of a ZIP file in all readings: by the directory, by the entries' headers, or by the rest of a damaged file. Pure.

Explorer and Python read the directory at the end, 7-Zip and bsdtar the headers too, and several readers repair cut files.
If header and directory agree, an entry has one reading; if they differ, it has each possible one.

Source: PKWARE APPNOTE 6.3, 4.3.7, 4.3.12, 4.4.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from mailroom.scanning.containers.results import MAX_MEMBER_OCTETS, FaultError, Member, Room
from mailroom.scanning.containers.streams import inflated

__all__ = ["zip_members"]

_LOCAL: Final = b"PK\x03\x04"
_CENTRAL: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_MOST_HEADERS: Final = 40_000
_ELSEWHERE: Final = 0xFFFFFFFF
_STORED: Final = 0
_DEFLATED: Final = 8
_BZIP2: Final = 12
_DESCRIPTOR: Final = 8
_ENCRYPTED: Final = 1
_MOST_READ: Final = 3
"""Most bytes of all readings, as a multiple of the archive; different readings share bytes."""


@dataclass(slots=True)
class _Work:
    """One archive: its bytes, its room, the number of bytes that may still be read, and its fault."""

    data: bytes
    room: Room
    left: int
    certain: bool
    """Whether readers open the file as a ZIP archive; in other files, a header may be a coincidence."""
    behind: int = 0
    """End of the last read entry."""
    faults: list[str] = field(default_factory=list)

    def spend(self, bytes_left: int) -> None:
        self.left -= bytes_left
        if self.left < 0:
            raise FaultError("Limits.Zip.Overlap")


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry by its header, or by the directory."""

    method: int
    flags: int
    packed: int
    size: int
    name: bytes


def zip_members(data: bytes, room: Room) -> Iterator[Member]:
    """Every reading of every entry.

    Raises:
        FaultError: the entries exceed the room, an entry has a password, or an entry in a place that the engine does not read has
            an unsupported method.
    """
    headers = _places(data, _LOCAL)
    directory = _directory(data)
    certain = data.startswith(_LOCAL) or _ends_as_zip(data)
    work = _Work(data, room, _MOST_READ * len(data) + (1 << 16), certain)
    behind = 0
    for at in sorted({*headers, *(place for place in directory if data.startswith(_LOCAL, place))}):
        local, start = _local(data, at)
        if local is None:
            continue
        central = directory.get(at)
        if central is None and at < behind:
            continue  # within an entry that header and directory agree on
        agreed = central is not None and _agree(local, central)
        room.one_more()
        work.behind = start
        faults = len(work.faults)
        yield from _entry(start, _readings(local, central), work)
        if not agreed and not work.certain:
            del work.faults[faults:]
        if agreed:
            behind = max(behind, work.behind)
    # Entries without a header: some readers use the directory only.
    for place, said in directory.items():
        if not data.startswith(_LOCAL, place) and 0 <= place < len(data):
            room.one_more()
            faults = len(work.faults)
            yield from _entry(min(place + 30 + len(said.name), len(data)), [said], work)
            if not work.certain:
                del work.faults[faults:]
    if work.faults:
        raise FaultError(work.faults[0])


def _places(data: bytes, signature: bytes) -> list[int]:
    places: list[int] = []
    at = data.find(signature)
    while at >= 0:
        places.append(at)
        if len(places) > _MOST_HEADERS:
            raise FaultError("Limits.Zip.Entries")
        at = data.find(signature, at + 4)
    return places


def _local(data: bytes, at: int) -> tuple[_Said | None, int]:
    header = data[at : at + 30]
    if len(header) < 30:
        return None, at
    flags, method, packed, size, name, extra = struct.unpack("<6xHH8xIIHH", header)
    start = at + 30 + name + extra
    if start > len(data):
        return None, at
    said = _Said(method, flags, packed, size, data[at + 30 : at + 30 + name])
    return _wide(said, data[at + 30 + name : start])[0], start


def _ends_as_zip(data: bytes) -> bool:
    """Whether the data ends with a directory's record, and the directory is at the record's place."""
    end = data.rfind(_END, max(0, len(data) - 65_600))
    if end < 0 or end + 22 > len(data):
        return False
    size, comment = struct.unpack_from("<12xI4xH", data, end)
    wide = data.startswith(b"PK\x06\x07", max(0, end - 20))
    return end + 22 + int(comment) == len(data) and (wide or data.startswith(_CENTRAL, max(0, end - size)))


def _wide(said: _Said, extra: bytes, offset: int = 0) -> tuple[_Said, int]:
    """The header and the place, with the values of large archives' extra field. Source: APPNOTE 4.5.3."""
    at = 0
    while at + 4 <= len(extra):
        kind, bytes_left = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{len(extra[at + 4 : at + 4 + bytes_left]) // 8}Q", extra, at + 4))
            size = next(values, said.size) if said.size == _ELSEWHERE else said.size
            packed = next(values, said.packed) if said.packed == _ELSEWHERE else said.packed
            offset = next(values, offset) if offset == _ELSEWHERE else offset
            return replace(said, size=size, packed=packed), offset
        at += 4 + int(bytes_left)
    return said, offset


def _directory(data: bytes) -> dict[int, _Said]:
    """Entries of all directories in the file, by the place of their headers."""
    found: dict[int, _Said] = {}
    ends = _places(data, _END)
    shifts = []
    for end in ends:
        if end + 22 <= len(data):
            size, offset = struct.unpack_from("<II", data, end + 12)
            shifts.append((end, end - size - offset))
    for at in _places(data, _CENTRAL):
        if at + 46 > len(data):
            continue
        flags, method, packed, size, name, extra, _comment, offset = struct.unpack_from("<8xHH8xIIHHH8xI", data, at)
        said = _Said(method, flags, packed, size, data[at + 46 : at + 46 + name])
        said, offset = _wide(said, data[at + 46 + name : at + 46 + name + extra], offset)
        base = next((shift for end, shift in shifts if end > at), 0)
        for place in {offset, offset + base}:
            found.setdefault(place, said)
    return found


def _agree(local: _Said, central: _Said) -> bool:
    sizes = (local.packed, local.size) == (central.packed, central.size) or (
        bool(local.flags & _DESCRIPTOR) and local.packed in {0, central.packed}
    )
    return sizes and local.method == central.method and local.name == central.name


def _readings(local: _Said, central: _Said | None) -> list[_Said]:
    if central is None:
        return [local]
    if _agree(local, central):
        return [central]
    return [central, local] if (central.method, central.packed) != (local.method, local.packed) else [central]


def _entry(start: int, readings: list[_Said], work: _Work) -> Iterator[Member]:
    for said in readings:
        if said.flags & _ENCRYPTED:
            work.faults.append("Encrypted.Zip")
        for content in _contents(start, said, work):
            yield Member(said.name.decode("utf-8", "replace"), content)


def _contents(start: int, said: _Said, work: _Work) -> Iterator[bytes]:
    """Content of the entry by one reading."""
    data = work.data
    if said.method == _STORED:
        size = said.packed or said.size or _up_to_signature(data, start)
        work.spend(size)
        work.behind = max(work.behind, start + size)
        yield work.room.joined(iter([data[start : start + size]]))
    elif said.method == _DEFLATED:
        yield from _deflated(start, work)
    elif said.method == _BZIP2:
        size = said.packed or _up_to_signature(data, start)
        work.spend(size)
        most = min(work.room.bytes_left, MAX_MEMBER_OCTETS) + 1
        try:
            content = bz2.BZ2Decompressor().decompress(data[start : start + size], most)
        except (OSError, ValueError):
            work.faults.append("Container.Zip.Broken")
            return
        yield work.room.joined(iter([content]))
    elif start < len(data):
        work.faults.append("Container.Zip.Method")


def _deflated(start: int, work: _Work) -> Iterator[bytes]:
    """Content of the stream, up to a break: a stream has its own end, independent of the given size."""
    end = start

    def pieces() -> Iterator[bytes]:
        nonlocal end
        try:
            for piece, reached in inflated(zlib.decompressobj(-15), work.data, start):
                work.spend(reached - end)
                end = reached
                work.behind = max(work.behind, end)
                yield piece
        except zlib.error:
            return

    yield work.room.joined(pieces())


def _up_to_signature(data: bytes, start: int) -> int:
    ends = (data.find(b"PK\x07\x08", start), data.find(_LOCAL, start), data.find(_CENTRAL, start))
    return min((at for at in ends if at >= 0), default=len(data)) - start
