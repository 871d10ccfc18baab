"""Looks into ZIP archives as far as the engine does not: it cuts long entries off, and calls the rest clean. Pure."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

__all__ = ["MAX_INFLATED_OCTETS", "zip_fault"]

MAX_INFLATED_OCTETS: Final = 1_000_000_000
"""What all entries of an archive may hold together; well below the engine's MaxFileSize and MaxScanSize."""

MAX_ENTRIES: Final = 10_000
MAX_DEPTH: Final = 4
_CHUNK: Final = 1 << 16
_NESTED_OCTETS: Final = 64_000_000
"""Entries up to this size are looked into when they are archives themselves; longer ones are only counted."""

_DEFLATED: Final = 8
_STORED: Final = 0


def zip_fault(data: bytes) -> str:
    """ "" when the engine sees all of what `data` holds, else a name for why it would not.

    Octets are counted as they inflate: sizes in the archive are whatever its maker wrote. Not a ZIP archive: "".

    Source: PKWARE APPNOTE 6.3; ClamAV scans an entry up to MaxFileSize and takes what it saw for the whole.
    """
    return _fault(data, MAX_DEPTH, [MAX_INFLATED_OCTETS])


def _fault(data: bytes, depth: int, left: list[int]) -> str:
    if b"PK\x03\x04" not in data[:1024] and not zipfile.is_zipfile(io.BytesIO(data)):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                return "Limits.Zip.Entries"
            looked_at = 0
            for entry in entries:
                # Entries that share their octets could each be as long as the archive; one that is damaged may say so, too.
                looked_at += min(entry.compress_size, len(data))
                if looked_at > 2 * len(data):
                    return "Limits.Zip.Overlap"
                fault = _entry_fault(data, entry, depth, left)
                if fault:
                    return fault
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError, RuntimeError):
        # No directory that can be read: the engine goes by the entries' own headers, and so does nobody else.
        return ""
    return ""


def _entry_fault(data: bytes, entry: zipfile.ZipInfo, depth: int, left: list[int]) -> str:
    start = _start(data, entry)
    if entry.compress_type not in {_STORED, _DEFLATED} or start is None or entry.flag_bits & 1:
        # Encrypted entries are the engine's to report; of other methods, what the directory says must do.
        left[0] -= entry.file_size
        return "Limits.Zip.Size" if left[0] < 0 else ""
    content = bytearray()
    stored = memoryview(data)[start : start + entry.compress_size]
    inflater = zlib.decompressobj(-15) if entry.compress_type == _DEFLATED else None
    for at in range(0, len(stored), _CHUNK):
        chunk: bytes = bytes(stored[at : at + _CHUNK])
        while chunk:
            try:
                inflated = inflater.decompress(chunk, _CHUNK * 16) if inflater is not None else chunk
            except zlib.error:
                break
            chunk = inflater.unconsumed_tail if inflater is not None else b""
            left[0] -= len(inflated)
            if left[0] < 0:
                return "Limits.Zip.Size"
            if len(content) <= _NESTED_OCTETS:
                content += inflated
    if len(content) <= _NESTED_OCTETS and content[:4] == b"PK\x03\x04":
        return "Limits.Zip.Depth" if depth == 0 else _fault(bytes(content), depth - 1, left)
    return ""


def _start(data: bytes, entry: zipfile.ZipInfo) -> int | None:
    """Where the entry's octets begin; None when its header is not there."""
    header = data[entry.header_offset : entry.header_offset + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        return None
    name, extra = struct.unpack("<HH", header[26:30])
    return entry.header_offset + 30 + int(name) + int(extra)
