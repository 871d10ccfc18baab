"""Checks ZIP archives for the engine's limits: the engine scans the beginning of a long entry, and calls the rest clean. Pure."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

__all__ = ["MAX_INFLATED_OCTETS", "zip_fault"]

MAX_INFLATED_OCTETS: Final = 1_000_000_000
"""Most bytes of all entries of an archive together; well below the engine's MaxFileSize and MaxScanSize."""

MAX_ENTRIES: Final = 10_000
MAX_DEPTH: Final = 4
_CHUNK: Final = 1 << 16
_NESTED_OCTETS: Final = 64_000_000
"""Most bytes of a nested archive that is checked itself; longer ones are only counted."""

_DEFLATED: Final = 8
_STORED: Final = 0


def zip_fault(data: bytes) -> str:
    """The name of the limit beyond which the engine would not scan all of `data`; "" for none.

    Inflated bytes are counted, because sizes in the archive may be forged. Data that is no ZIP archive gives "".

    Source: PKWARE APPNOTE 6.3; ClamAV scans an entry up to MaxFileSize, and ignores the rest.
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
                # Entries that share their bytes could each be as long as the archive; so could a damaged one, by its header.
                looked_at += min(entry.compress_size, len(data))
                if looked_at > 2 * len(data):
                    return "Limits.Zip.Overlap"
                fault = _entry_fault(data, entry, depth, left)
                if fault:
                    return fault
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError, RuntimeError):
        # Without a readable directory, only the engine reads the entries, by their own headers.
        return ""
    return ""


def _entry_fault(data: bytes, entry: zipfile.ZipInfo, depth: int, left: list[int]) -> str:
    start = _start(data, entry)
    if entry.compress_type not in {_STORED, _DEFLATED} or start is None or entry.flag_bits & 1:
        # The engine reports encrypted entries; for other methods, the size in the directory counts.
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
    """Offset of the entry's bytes; None without its header."""
    header = data[entry.header_offset : entry.header_offset + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        return None
    name, extra = struct.unpack("<HH", header[26:30])
    return entry.header_offset + 30 + int(name) + int(extra)
