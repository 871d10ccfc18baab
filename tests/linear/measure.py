"""How time grows with size, on a machine that has other things to do."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["BOUND", "growth"]

BOUND: Final = 9.0
"""Times as long for four times the size: linear is 4, quadratic 16, and what is neither, such as sorting, stays below 6."""
_SHORTEST: Final = 0.002
"""Seconds that the larger one must take: below, the clock and the first call say more than the work."""
_TRIES: Final = 3
_RUNS: Final = 3


def growth(prepared: Callable[[int], Callable[[], object]], size: int, *, largest: int, longest: float = 0.5) -> float:
    """How many times as long four times the size takes; 0.0 where even the largest takes no time.

    CPU time, the least of several runs. Where that is more than `BOUND`, larger sizes are tried, and the least growth counts: a
    disturbance passes, and a square does not.

    Args:
        prepared: makes what is timed, for a size.
        size: the first one.
        largest: no size beyond.
        longest: seconds after which a larger size is not tried, since a disturbance would not have lasted as long. Default: 0.5.
    """
    least = 0.0
    tries = 0
    while tries < _TRIES and 4 * size <= largest:
        big = _seconds(prepared(4 * size), longest)
        if big >= _SHORTEST:
            small = _seconds(prepared(size), longest)
            grown = big / max(small, 1e-9)
            least = grown if not tries else min(least, grown)
            tries += 1
            if least <= BOUND or big > longest:
                return least
        size *= 2
    return least


def _seconds(run: Callable[[], object], longest: float) -> float:
    """The least CPU time of several runs; of one where one takes long."""
    least = float("inf")
    with _no_collection():
        for _ in range(_RUNS):
            begun = time.thread_time()
            run()
            least = min(least, time.thread_time() - begun)
            if least > longest:
                break
    return least


@contextmanager
def _no_collection() -> Iterator[None]:
    """The collector runs when it likes, and looks at all that the tests have made."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
