"""What earlier looks at the same servers showed: since when a server has held a version of a zone that is behind. Pure."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

__all__ = ["Serials"]


class Serials:
    """SOA serial numbers of servers that were behind, from one look to the next.

    Args:
        clock: seconds that only grow. Default: this machine's.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[str, str], tuple[int, float]] = {}

    def seconds_behind(self, zone: str, server: str, serial: int) -> float:
        """For how long `server`, which is behind, has been seen with this serial number; 0 at the first look."""
        now = self._clock()
        held, since = self._since.get((zone, server), (serial, now))
        if held != serial:
            since = now
        self._since[zone, server] = (serial, since)
        return now - since
