"""Two lanes of scanning: a quick one, in which a message has less than a second, and a slow one, in which it has minutes.

A scan that takes longer than the quick lane allows ends, and its message goes into the slow lane undecided. So a tenant with slow
mail takes each worker from other mail for that long at most, with any content, and for less once the worker knows the tenant.

These end a scan there: the engine's own limits, since clamd goes on after its client has gone; a timer, which ends our own code
wherever it is; the size of the message and of its text, if even ordinary ones take as long; and, for tenants with slow mail, a look
at all pieces before the engine sees any.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final, NoReturn

from mailroom.errors import RetryableError
from mailroom.scanning.containers.opening import OPENERS

if TYPE_CHECKING:
    from mailroom.scanning.extracted_parts import ExtractedPart
    from mailroom.scanning.verdicts import ScanResult

__all__ = [
    "QUICK_BYTES",
    "QUICK_ENGINE",
    "QUICK_SECONDS",
    "SLOW_FOR",
    "QuickLane",
    "TooSlowError",
    "Turn",
    "has_much_text",
    "ordinary_seconds",
    "quickly",
    "was_cut",
]

QUICK_SECONDS: Final = 0.8
"""In the quick lane: more than twice what an ordinary file of 10 MB takes. docs/benchmarks/neighbours.md."""

QUICK_BYTES: Final = 12_000_000
"""A message of more goes into the slow lane at once."""

QUICK_ENGINE: Final = {"MaxScanTime": "600", "MaxFileSize": "16M", "MaxScanSize": "50M"}
"""clamd's limits in the quick lane. It looks at its clock between files only, so their sizes are limited as well."""

SLOW_FOR: Final = 60.0
"""Seconds for which a worker knows that a tenant's mail was slow; as long as a fair queue's memory seems to be."""

_MOST_MARKS: Final = 300_000
"""Most bytes that base64 does not have, such as spaces and punctuation: those of 2 MB of text, or of 1 MB of HTML."""
_BASE64: Final = f"{ascii_letters}{digits}+/=\r\n".encode()
_TEXT: Final = bytes((0, 9, 10, 13, *range(32, 127)))
_TENANTS: Final = 1000

_CUT: Final = ("Limits.Time", "Limits.Container.Time", "Heuristics.Limits.Exceeded")
"""Findings of a scan that a limit of time, or one of the engine's limits, has ended early."""


class TooSlowError(RetryableError):
    """The scan takes longer than the quick lane allows, so the message has no verdict."""


class _TimeIsUpError(BaseException):
    """Raised wherever our code is; nothing that goes on after an exception goes on after this one."""


def was_cut(result: ScanResult) -> bool:
    """Whether a limit of the lane ended the scan, so that the slow lane may find more."""
    return any(part.signature.startswith(_CUT) for part in result.parts)


def ordinary_seconds(size: int) -> float:
    """Most seconds that the scan of an ordinary message of so many bytes takes, with some room. docs/benchmarks/neighbours.md."""
    return 0.15 + 0.035 * size / 1_000_000


def has_much_text(raw: bytes) -> bool:
    """Whether a message has megabytes of text besides base64, which the engine and our own reader take long for. Takes linear time.

    Ordinary mail has less; its large files are base64.
    """
    return len(raw) > _MOST_MARKS and len(raw.translate(None, _BASE64)) > _MOST_MARKS


@dataclass(frozen=True, slots=True)
class Turn:
    """Time and order of one scan in the quick lane.

    Args:
        seconds: for its scan.
        careful: whether its tenant's mail was slow lately. Then all parts are extracted before the engine sees any.
    """

    seconds: float = QUICK_SECONDS
    careful: bool = False

    def check(self, pieces: Iterable[ExtractedPart]) -> None:
        """Refuse pieces for which the engine takes long without a look at its clock, such as HTML. Raises TooSlowError."""
        if any(has_much_text(piece.data) and _is_text(piece.data) for piece in pieces):
            raise TooSlowError("scan: a part has much text")


class QuickLane:
    """One worker of the quick lane, with the tenants whose mail was slow lately.

    For a minute after mail that is slow for its size, a tenant has an ordinary message's seconds. Each worker knows its own scans
    alone.

    Args:
        clock: monotonic, in seconds. Default: the machine's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slow: dict[str, float] = {}

    def turn(self, tenant: str, size: int) -> Turn:
        """Time and order for a tenant's message of so many bytes."""
        if self._slow.get(tenant, 0.0) <= self._clock():
            return Turn()
        return Turn(min(QUICK_SECONDS, ordinary_seconds(size)), careful=True)

    @contextmanager
    def timed(self, tenant: str, raw: bytes) -> Iterator[Turn]:
        """Time the scan of a tenant's message. The block writes nothing.

        Raises:
            TooSlowError: the message is too large, has too much text, or its time is up.
        """
        if len(raw) > QUICK_BYTES or has_much_text(raw):
            raise TooSlowError(f"scan: {len(raw):,} bytes are for the slow lane")
        turn, begun = self.turn(tenant, len(raw)), self._clock()
        try:
            with quickly(turn.seconds):
                yield turn
        finally:
            if self._clock() - begun > ordinary_seconds(len(raw)):
                self._note(tenant)

    def _note(self, tenant: str) -> None:
        now = self._clock()
        self._slow.pop(tenant, None)
        if len(self._slow) >= _TENANTS:
            del self._slow[next(iter(self._slow))]
        self._slow[tenant] = now + SLOW_FOR


def _is_text(data: bytes) -> bool:
    """Whether four fifths are text, in UTF-16 too."""
    return len(data.translate(None, _TEXT)) < len(data) / 5


@contextmanager
def quickly(seconds: float = QUICK_SECONDS) -> Iterator[None]:
    """End the block after so many seconds, and what opens containers with it. The block writes nothing.

    Outside of the process's main thread, where Python takes no signals, the block ends at its next check of the time instead.

    Raises:
        TooSlowError: the time is up.
    """
    begun = time.monotonic()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    except _TimeIsUpError:
        OPENERS.close()
        raise TooSlowError(f"scan: ended after {time.monotonic() - begun:.1f} s") from None


def _time_is_up(_signal: int, _frame: object) -> NoReturn:
    raise _TimeIsUpError
