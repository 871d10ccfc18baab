"""Files of one compressed stream, or several in sequence. Pure."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import brotli  # type: ignore[import-untyped]

from mailroom.scanning.containers.results import FaultError, Member, Room

__all__ = ["brotli_member", "inflated", "stream_members"]

_CHUNK: Final = 1 << 16
_STEP: Final = 1 << 20
_MOST_STREAMS: Final = 10_000
_MEMORY: Final = 400_000_000

_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "Gzip": lambda: zlib.decompressobj(31),
    "Bzip2": bz2.BZ2Decompressor,
    "Xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY),
    "Lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY),
}
_BROKEN: Final = (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError)


def stream_members(name: str, data: bytes, room: Room) -> Iterator[Member]:
    """The content of each stream, and all of them joined, as readers show them.

    Other bytes behind the last stream are ignored, as by readers. A cut stream gives its content up to the cut.

    Raises:
        FaultError: a stream is broken, or the content exceeds the room.
    """
    contents: list[bytes] = []
    at = 0
    fault = ""
    while at < len(data) and len(contents) < _MOST_STREAMS:
        decoder = _DECODERS[name]()
        steps = _Steps(decoder, data, at)
        content = room.joined(steps)
        if steps.broken and not content and contents:
            break  # the bytes behind the last stream are no stream
        contents.append(content)
        at = steps.end
        if steps.broken:
            fault = f"Container.{name}.Broken"
            break
        while name == "Xz" and data[at : at + 4] == bytes(4):
            at += 4
    if len(contents) > 1:
        yield Member("", room.joined(iter(contents)))
    for content in contents:
        yield Member("", content)
    if fault or (at < len(data) and len(contents) == _MOST_STREAMS):
        raise FaultError(fault or "Limits.Container.Members")


class _Steps:
    """Decodes `data` from a place on, piece by piece; then has the end of the stream, and whether it was broken."""

    def __init__(self, decoder: Any, data: bytes, at: int) -> None:
        self.decoder = decoder
        self.data = data
        self.end = at
        self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = inflated if not hasattr(self.decoder, "needs_input") else _decompressed
        try:
            for piece, end in pieces(self.decoder, self.data, self.end):
                self.end = end
                yield piece
        except _BROKEN:
            self.broken = True
        self.broken = self.broken or not self.decoder.eof


def _decompressed(decoder: Any, data: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    while not decoder.eof:
        more = data[at : at + _CHUNK] if decoder.needs_input else b""
        if decoder.needs_input and not more:
            return
        at += len(more)
        piece = decoder.decompress(more, _STEP)
        yield piece, at - len(decoder.unused_data)


def inflated(decoder: Any, data: bytes, at: int = 0) -> Iterator[tuple[bytes, int]]:
    """Inflate `data` from a place on; gives each piece and the position behind it.

    Raises:
        zlib.error: the bytes are no stream, or are broken from there on.
    """
    while at < len(data) and not decoder.eof:
        chunk = data[at : at + _CHUNK]
        at += len(chunk)
        while chunk and not decoder.eof:
            piece = decoder.decompress(chunk, _STEP)
            chunk = decoder.unconsumed_tail
            yield piece, at - len(decoder.unused_data) - len(chunk)
    while not decoder.eof and (last := decoder.decompress(b"", _STEP)):
        yield last, at


def brotli_member(data: bytes, room: Room) -> Iterator[Member]:
    """The content of a Brotli stream. Raises `FaultError` for other bytes and for a cut stream."""
    decoder = brotli.Decompressor()

    def pieces() -> Iterator[bytes]:
        yield decoder.process(data, output_buffer_limit=_STEP)
        while not decoder.is_finished() and not decoder.can_accept_more_data():
            yield decoder.process(b"", output_buffer_limit=_STEP)

    try:
        content = room.joined(pieces())
    except brotli.error:
        raise FaultError("Container.Brotli.Broken") from None
    if not decoder.is_finished():
        raise FaultError("Container.Brotli.Broken")
    yield Member("", content)
