"""Two lanes of scanning: a quick one, in which a message has seconds, and a slow one, in which it has minutes.

A scan that takes longer than the quick lane allows ends, and its message goes into the slow lane undecided. So a tenant with slow
mail takes the workers from other mail for seconds only, with any content.

Three things end a scan there: the engine's own limits, since clamd goes on after its client has gone; a timer, which ends our own
code wherever it is; and the size of the message, if even an ordinary one of that size takes as long.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from mailroom.errors import RetryableError
from mailroom.scanning.containers.opening import OPENERS

if TYPE_CHECKING:
    from mailroom.scanning.verdicts import ScanResult

__all__ = ["QUICK_BYTES", "QUICK_ENGINE", "QUICK_SECONDS", "TooSlowError", "quickly", "was_cut"]

QUICK_SECONDS: Final = 2.5
"""In the quick lane. While a worker takes 3 s a message, the others' p99 is within twice: benchmarks/neighbours.py."""

QUICK_BYTES: Final = 12_000_000
"""A message of more goes into the slow lane at once: an ordinary one takes 0.2 s a megabyte (docs/benchmarks/neighbours.md)."""

QUICK_ENGINE: Final = {"MaxScanTime": "2000", "MaxFileSize": "16M", "MaxScanSize": "50M"}
"""clamd's limits in the quick lane. It looks at its clock between files only, so their sizes are limited as well."""

_CUT: Final = ("Limits.Time", "Limits.Container.Time", "Heuristics.Limits.Exceeded")
"""What a result says of a scan that a limit of time, or the engine's, has ended early."""


class TooSlowError(RetryableError):
    """The scan takes longer than the quick lane allows, so the message has no verdict."""


class _TimeIsUpError(BaseException):
    """Raised wherever our code is; nothing that goes on after an exception goes on after this one."""


def was_cut(result: ScanResult) -> bool:
    """Whether a limit of the lane ended the scan, so that the slow lane may find more."""
    return any(part.signature.startswith(_CUT) for part in result.parts)


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
