"""What an opener gives: members, or why it could not give them. Pure."""

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
"""Of all members of one container."""
MAX_MEMBERS: Final = 10_000

FRAME: Final = struct.Struct(">BIQ")
"""In front of each result that goes from process to process: what it is, and octets of its name and of its content."""
END: Final = 0
MEMBER: Final = 1
MESSAGE: Final = 2
FAULT: Final = 3


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that was in a container.

    Args:
        name: as the container has it; "" when it has none. Hostile text.
        data: its octets.
        is_message: whether it is an entity of MIME, as what is signed is.
    """

    name: str
    data: bytes
    is_message: bool = False


class FaultError(Exception):
    """The container is not opened whole; its text is what a verdict calls it."""


@dataclass(slots=True)
class Room:
    """What one container may still give.

    Args:
        bytes_left: in all. Default: 1,000,000,000.
        members: how many. Default: 10,000.
    """

    bytes_left: int = MAX_OCTETS
    members: int = MAX_MEMBERS

    def joined(self, pieces: Iterable[bytes]) -> bytes:
        """The pieces behind each other. Raises `FaultError` where there is no room for them."""
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
