"""Results of earlier checks of the same servers: since when a server has had an outdated version of a zone. Pure."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

__all__ = ["Serials"]


class Serials:
    """SOA serial numbers of outdated servers, from one check to the next.

    Args:
        clock: monotonic, in seconds. Default: this machine's.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[str, str], tuple[int, float]] = {}

    def seconds_behind(self, zone: str, server: str, serial: int) -> float:
        """Seconds for which the outdated `server` has been seen with this serial number; 0 at the first check."""
        now = self._clock()
        held, since = self._since.get((zone, server), (serial, now))
        if held != serial:
            since = now
        self._since[zone, server] = (serial, since)
        return now - since
