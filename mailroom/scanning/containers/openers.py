"""Opens one container of any format, in a separate process, or in this one for tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from mailroom.messages.tnef import tnef_files, tnef_values
from mailroom.scanning.containers.cms import cms_members
from mailroom.scanning.containers.compound import compound_members
from mailroom.scanning.containers.embedded import onenote_members, rtf_members
from mailroom.scanning.containers.formats import Format, Opener, recognised
from mailroom.scanning.containers.libarchives import archive_members
from mailroom.scanning.containers.pgp import pgp_members
from mailroom.scanning.containers.results import FaultError, Member, Room
from mailroom.scanning.containers.streams import brotli_member, stream_members
from mailroom.scanning.containers.zip_entries import zip_members

__all__ = ["members_of"]

_FROM_LINE: Final = re.compile(rb"^>?From [^\n]*+\n", re.MULTILINE)


def members_of(data: bytes, filename: str, content_type: str, room: Room) -> Iterator[Member | FaultError]:
    """Members of `data` by each possible format, and the fault of each format that cannot be opened completely."""
    for one in recognised(data, filename, content_type):
        try:
            yield from _OPENERS[one.opener](one, data, room)
        except FaultError as fault:
            yield fault


def _zip(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return zip_members(data, room)


def _stream(one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return stream_members(one.name, data, room)


def _brotli(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return brotli_member(data, room)


def _archive(one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return archive_members(one, data, room)


def _cms(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return cms_members(data, room)


def _pgp(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return pgp_members(data, room)


def _tnef(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    """The named files first, then all values that a reader may take for a file."""
    files, _whole = tnef_files(data)
    for file in files:
        room.one_more()
        yield Member(file.filename, room.joined(iter([file.data])))
    for value in tnef_values(data):
        yield Member("", room.joined(iter([value])))


def _mbox(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    """Each message of a mailbox file. Source: RFC 4155."""
    starts = [match.end() for match in _FROM_LINE.finditer(data)]
    ends = [*[match.start() for match in _FROM_LINE.finditer(data)][1:], len(data)]
    for start, end in zip(starts, ends, strict=True):
        room.one_more()
        yield Member("", room.joined(iter([data[start:end]])), is_message=True)


def _ole(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return compound_members(data, room)


def _rtf(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return rtf_members(data, room)


def _onenote(_one: Format, data: bytes, room: Room) -> Iterator[Member]:
    return onenote_members(data, room)


def _refuse(one: Format, _data: bytes, _room: Room) -> Iterator[Member]:
    raise FaultError(f"Container.{one.name}")


_OPENERS: Final[dict[Opener, Callable[[Format, bytes, Room], Iterator[Member]]]] = {
    Opener.ZIP: _zip,
    Opener.STREAM: _stream,
    Opener.BROTLI: _brotli,
    Opener.LIBARCHIVE: _archive,
    Opener.CMS: _cms,
    Opener.PGP: _pgp,
    Opener.TNEF: _tnef,
    Opener.MBOX: _mbox,
    Opener.OLE: _ole,
    Opener.RTF: _rtf,
    Opener.ONENOTE: _onenote,
    Opener.NONE: _refuse,
}
