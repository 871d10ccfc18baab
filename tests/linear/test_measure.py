"""Verdicts of the measure. It leaves the process unchanged."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.linear import sample
from tests.linear.measure import BOUND, growth, undisturbed
from tests.linear.test_scanner import PLACES, UNITS


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


def test_samples_of_the_benchmark_are_all_pairs() -> None:
    """Each sample has every unit once and every place; those of all seeds have each pair once."""
    samples = [sample(seed) for seed in range(len(PLACES))]
    for one in samples:
        assert sorted(unit for _place, unit in one) == sorted(UNITS)
        assert {place for place, _unit in one} == set(PLACES)
    assert sorted(pair for one in samples for pair in one) == sorted(
        (place, unit) for place in PLACES for unit in UNITS
    )
