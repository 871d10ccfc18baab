"""Files within compound files: packages in old Office documents, attachments of Outlook's messages, streams of installers.

The engine opens the rest of such files. Source: MS-CFB; MS-OLEDS 2.3; MS-OXMSG 2.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailroom.scanning.active.programs import INSTALLERS, root_class
from mailroom.scanning.containers.results import FaultError, Member, Room

__all__ = ["compound_members", "holds_files", "package_file"]

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BROKEN: Final = "Container.Ole.Broken"
_LAST: Final = 0xFFFFFFFA
"""Highest number of a sector; greater numbers have other meanings."""
_NONE: Final = 0xFFFFFFFF
_WANTED: Final = re.compile(r"\x01ole10native|package|contents|embeddedodf|__substg1\.0_3701[0-9a-f]{4}", re.IGNORECASE)
_NAMES: Final = ("__substg1.0_3707001f", "__substg1.0_3704001f", "__substg1.0_3707001e", "__substg1.0_3704001e")


def _wide(text: str) -> bytes:
    return b"".join(letter.encode("latin-1") + b"\0" for letter in text)


_HOLDS: Final = re.compile(
    _wide("Ole10Native") + rb"|" + _wide("EmbeddedOdf") + rb"|" + _wide("__substg1") + b"\\.\0" + _wide("0_3701")
    + rb"|(?:" + _wide("Package") + rb"|" + _wide("CONTENTS") + b")\0\0",
    re.IGNORECASE,
)  # fmt: skip


def holds_files(data: bytes) -> bool:
    """Whether a compound file has files in it, by the words of its directory."""
    return data.startswith(MAGIC) and (_HOLDS.search(data) is not None or root_class(data) in INSTALLERS)


def compound_members(data: bytes, room: Room) -> Iterator[Member]:
    """The files in a compound file, with their names in it.

    Raises:
        FaultError: the directory or a file cannot be read to its end.
    """
    file = _Compound(data)
    whole = file.entries[0].class_id in INSTALLERS
    for entry in file.entries[1:]:
        if entry.kind != 2 or not (whole or _WANTED.fullmatch(entry.name)):
            continue
        room.one_more()
        content = file.content(entry)
        if entry.name.lower() == "\x01ole10native":
            name, packed = package_file(content[4:])
            if packed:
                yield Member(name, room.joined([packed]))
            content = content[4:]
        yield Member(file.name_beside(entry), room.joined([content]))


def package_file(native: bytes) -> tuple[str, bytes]:
    """Name and bytes of the file in a package; "" and b"" without a package. Source: MS-OLEDS 2.3.6, and files of packagers."""
    try:
        label, at = _text(native, 2)
        _path, at = _text(native, at)
        (length,) = struct.unpack_from("<I", native, at + 4)
        at += 8 + int(length)
        (size,) = struct.unpack_from("<I", native, at)
    except (struct.error, ValueError):
        return "", b""
    return label, native[at + 4 : at + 4 + int(size)]


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("latin-1"), end + 1


@dataclass(slots=True)
class _Entry:
    name: str
    kind: int
    start: int
    size: int
    child: int
    siblings: tuple[int, int]
    class_id: bytes
    parent: int = -1


class _Compound:
    """A compound file: its directory, and the content of its streams."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            header = struct.unpack_from("<HHHHH6xIIIIIIIII", data, 24)
        except struct.error:
            raise FaultError(_BROKEN) from None
        shift, mini = header[3], header[4]
        if shift not in {9, 12} or mini != 6:
            raise FaultError(_BROKEN)
        self.shift = shift
        self.cutoff = int(header[9])
        self.fat = self._fat(int(header[12]))
        directory = self._chain(int(header[7]))
        self.entries = [self._entry(directory[at : at + 128]) for at in range(0, len(directory) - 127, 128)]
        if not self.entries or self.entries[0].kind != 5:
            raise FaultError(_BROKEN)
        self._set_parents()
        self.mini_fat = _numbers(self._chain(int(header[10]))) if header[10] < _LAST else []
        root = self.entries[0]
        self.mini = self._chain(root.start) if root.start < _LAST else b""

    def content(self, entry: _Entry) -> bytes:
        """All of a stream."""
        if entry.size == 0:
            return b""
        found = self._chain(entry.start) if entry.size >= self.cutoff else self._small(entry.start)
        if len(found) < entry.size:
            raise FaultError(_BROKEN)
        return found[: entry.size]

    def name_beside(self, entry: _Entry) -> str:
        """Name of an attachment in its message; "" without one."""
        for wanted in _NAMES:
            for other in self.entries:
                if other.parent == entry.parent and other.name.lower() == wanted and other.size < 2000:
                    charset = "utf-16-le" if wanted.endswith("1f") else "latin-1"
                    return self.content(other).decode(charset, "replace").rstrip("\0")
        return ""

    def _sector(self, number: int) -> bytes:
        at = (number + 1) << self.shift
        return self.data[at : at + (1 << self.shift)]

    def _fat(self, more: int) -> list[int]:
        """The table of sectors; the header and a chain of lists name its own sectors."""
        places = list(struct.unpack_from("<109I", self.data, 76)) if len(self.data) >= 512 else []
        per_sector = (1 << self.shift) // 4
        left = len(self.data) >> self.shift
        while more < _LAST and left > 0:
            listed = _numbers(self._sector(more))
            if len(listed) < per_sector:
                raise FaultError(_BROKEN)
            places += listed[:-1]
            more = listed[-1]
            left -= 1
        sectors = [one for one in places if one < _LAST]
        if len(sectors) > (len(self.data) >> self.shift) + 1:
            raise FaultError(_BROKEN)
        return _numbers(b"".join(self._sector(one) for one in sectors))

    def _chain(self, start: int) -> bytes:
        """The joined sectors of a chain."""
        return b"".join(self._sector(number) for number in _followed(start, self.fat))

    def _small(self, start: int) -> bytes:
        return b"".join(self.mini[number * 64 : number * 64 + 64] for number in _followed(start, self.mini_fat))

    def _entry(self, raw: bytes) -> _Entry:
        length, kind, _color, left, right, child = struct.unpack_from("<HBBIII", raw, 64)
        start, size = struct.unpack_from("<IQ", raw, 116)
        name = raw[: max(0, min(int(length), 64) - 2)].decode("utf-16-le", "replace")
        # In the older version the upper half of a size has no meaning.
        size = int(size) & 0xFFFFFFFF if self.shift == 9 else int(size)
        return _Entry(name, int(kind), int(start), size, int(child), (int(left), int(right)), raw[80:96])

    def _set_parents(self) -> None:
        waiting = [(self.entries[0].child, 0)]
        seen: set[int] = set()
        while waiting:
            number, parent = waiting.pop()
            if number in seen or number >= len(self.entries):
                continue
            seen.add(number)
            entry = self.entries[number]
            entry.parent = parent
            waiting += [(one, parent) for one in entry.siblings]
            waiting.append((entry.child, number))


def _numbers(size: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(size) // 4}I", size[: len(size) // 4 * 4]))


def _followed(start: int, table: list[int]) -> Iterator[int]:
    """The sectors of a chain, each once."""
    left = len(table) + 1
    while start < _LAST:
        left -= 1
        if left < 0:
            raise FaultError(_BROKEN)
        yield start
        start = table[start] if start < len(table) else _NONE
