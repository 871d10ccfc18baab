"""What the measure calls linear, what it does not, and that it leaves the process as it was."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from tests.linear.measure import BOUND, growth, undisturbed


def test_squares_are_no_lines() -> None:
    """By sixteen times as many steps for four times the size."""
    assert growth(lambda size: lambda: sum(range(size * size)), 300, largest=5_000) > BOUND
    assert growth(lambda size: lambda: sum(range(200 * size)), 300, largest=5_000) <= BOUND


def test_disturbance_is_no_square() -> None:
    """What takes ten times as long once is run again."""
    pending = [10]

    def prepared(size: int) -> Callable[[], object]:
        return lambda: [sum(range(size)) for _ in range(pending.pop() if pending else 1)]

    assert growth(prepared, 100_000, largest=2_000_000) <= BOUND
    assert pending == []


def test_collector_and_tracer_are_off_and_come_back() -> None:
    """Whoever counts lines goes on counting behind it."""

    def tracer(*_: Any) -> None:
        return None

    was = sys.gettrace()
    sys.settrace(tracer)
    try:
        with undisturbed():
            assert (sys.gettrace(), gc.isenabled()) == (None, False)
        assert (sys.gettrace(), gc.isenabled()) == (tracer, True)
    finally:
        sys.settrace(was)
