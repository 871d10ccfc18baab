"""Results of an opener: members and faults. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = [
    "END",
    "FAULT",
    "FRAME",
    "MAX_MEMBERS",
    "MAX_MEMBER_OCTETS",
    "MAX_OCTETS",
    "MEMBER",
    "MESSAGE",
    "FaultError",
    "Member",
    "Room",
]

MAX_MEMBER_OCTETS: Final = 128_000_000
MAX_OCTETS: Final = 1_000_000_000
"""Most bytes of all members of one container."""
MAX_MEMBERS: Final = 10_000

FRAME: Final = struct.Struct(">BIQ")
"""Header of a result between processes: its kind, and the sizes of its name and content in bytes."""
END: Final = 0
MEMBER: Final = 1
MESSAGE: Final = 2
FAULT: Final = 3


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a container.

    Args:
        name: its name in the container; "" without one. Hostile text.
        data: its bytes.
        is_message: whether it is a MIME entity, as signed content is.
    """

    name: str
    data: bytes
    is_message: bool = False


class FaultError(Exception):
    """The container is not opened completely; the text is the fault's name in verdicts."""


@dataclass(slots=True)
class Room:
    """Remaining limits of one container.

    Args:
        bytes_left: bytes of all further members. Default: 1,000,000,000.
        members: number of further members. Default: 10,000.
    """

    bytes_left: int = MAX_OCTETS
    members: int = MAX_MEMBERS

    def joined(self, pieces: Iterable[bytes]) -> bytes:
        """The joined pieces. Raises `FaultError` where they exceed the room."""
        out = bytearray()
        for piece in pieces:
            self.bytes_left -= len(piece)
            if self.bytes_left < 0 or len(out) + len(piece) > MAX_MEMBER_OCTETS:
                raise FaultError("Limits.Container.Size")
            out += piece
        return bytes(out)

    def one_more(self) -> None:
        """Count a member. Raises `FaultError` where there are too many."""
        self.members -= 1
        if self.members < 0:
            raise FaultError("Limits.Container.Members")
