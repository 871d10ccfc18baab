"""Growth of time with size, on a busy machine."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["BOUND", "growth", "undisturbed"]

BOUND: Final = 9.0
"""Times as long for four times the size: linear is 4, quadratic 16, and what is neither, such as sorting, stays below 6."""
_SHORTEST: Final = 0.002
"""Seconds that the larger one must take: below, the clock and the first call say more than the work."""
_TRIES: Final = 3
_RUNS: Final = 3


def growth(prepared: Callable[[int], Callable[[], object]], size: int, *, largest: int, longest: float = 0.5) -> float:
    """Growth of the time at four times the size; 0.0 if even the largest takes no time.

    CPU time: the larger one's of a single run, beside the least of several runs of the smaller one. A disturbance of the larger one
    makes the growth too large, never too small: only then is it run again, and the least counts. Where that is still more than
    `BOUND`, larger sizes are tried: a disturbance passes, and a square does not.

    Args:
        prepared: makes what is timed, for a size.
        size: the first one.
        largest: no size beyond.
        longest: seconds after which a larger size is not tried, since a disturbance would not have lasted as long. Default: 0.5.
    """
    least = 0.0
    tries = 0
    while tries < _TRIES and 4 * size <= largest:
        run = prepared(4 * size)
        big = _seconds(run, longest, runs=1)
        if big >= _SHORTEST:
            small = max(_seconds(prepared(size), longest), 1e-9)
            if big > BOUND * small and big <= longest:
                big = min(big, _seconds(run, longest, runs=_RUNS - 1))
            grown = big / small
            least = grown if not tries else min(least, grown)
            tries += 1
            if least <= BOUND or big > longest:
                return least
        size *= 2
    return least


def _seconds(run: Callable[[], object], longest: float, *, runs: int = _RUNS) -> float:
    """The least CPU time of several runs; of one where one takes long."""
    least = float("inf")
    with undisturbed():
        for _ in range(runs):
            begun = time.thread_time()
            run()
            least = min(least, time.thread_time() - begun)
            if least > longest:
                break
    return least


@contextmanager
def undisturbed() -> Iterator[None]:
    """No collector, which runs when it likes and looks at all that the tests have made; and no tracer, which counts each line."""
    was = gc.isenabled()
    tracer = sys.gettrace()
    gc.disable()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        if was:
            gc.enable()
