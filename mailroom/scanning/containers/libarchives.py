"""Archives that libarchive opens, one format at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mailroom.scanning.containers.formats import Format
from mailroom.scanning.containers.results import FaultError, Member, Room

__all__ = ["archive_members"]

_BLOCK: Final = 1 << 20


try:
    import libarchive  # type: ignore[import-untyped]
except (ImportError, OSError, TypeError, AttributeError):  # no libarchive, or an old one
    libarchive = None


def archive_members(one: Format, data: bytes, room: Room) -> Iterator[Member]:
    """The files in an archive; also links, as their targets can be read, too.

    Raises:
        FaultError: the archive cannot be read to its end, is bigger than the room, or libarchive is not installed.
    """
    if libarchive is None:
        raise FaultError(f"Container.{one.name}")
    read_something = False
    try:
        with libarchive.memory_reader(data, format_name=one.reader, filter_name=one.coding or "none") as archive:
            for entry in archive:
                room.one_more()
                read_something = True
                content = room.joined(entry.get_blocks(_BLOCK))
                if one.reader == "raw" and content == data:
                    raise FaultError(f"Container.{one.name}.Broken")  # taken for no stream, and passed on
                size = entry.size
                if size is not None and 0 < size < len(content):
                    # For some formats libarchive gives more bytes than the file has, and headers can name too few.
                    yield Member(_name(entry), content[:size])
                yield Member(_name(entry), content)
    except libarchive.ArchiveError:
        raise FaultError(f"Container.{one.name}.Broken") from None
    if not read_something and one.reader != "tar":
        raise FaultError(f"Container.{one.name}.Broken")


def _name(entry: Any) -> str:
    try:
        return str(entry.pathname or "")
    except (UnicodeError, ValueError):
        return ""
