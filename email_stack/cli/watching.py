"""Repeats an action until Ctrl-C, which never interrupts it in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["interruptions", "wait"]

_SLICE_SECONDS: Final = 0.1


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Notes the first Ctrl-C instead of raising it, so that none is lost wherever it comes; the second ends at once."""
    told = False

    def note(_number: int, _frame: object) -> None:
        nonlocal told
        told = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: told
    finally:
        signal.signal(signal.SIGINT, before)


def wait(seconds: float, interrupted: Callable[[], bool]) -> bool:
    """Wait for this time. Returns True, at once, after Ctrl-C."""
    until = time.monotonic() + seconds
    while not interrupted() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE_SECONDS))
    return interrupted()
