"""Delays of other tenants by a burst of one tenant's events, in a model of SQS's fair queue."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.fair_queue import Mail, Way, served
from mailroom.turns import AT_ONCE_MILLISECONDS

WORKERS = 5
NOTING, PASSING_ON = 0.2, 0.02
"""Ten events noted, and ten sent again: one stands for ten."""


@pytest.mark.parametrize("at_once", [0.0, AT_ONCE_MILLISECONDS / 1000])
def test_others_hardly_wait(at_once: float) -> None:
    """In their turn, nine of ten events of the others are noted within a second; in the order of arrival, half take more than five.

    The burst is 10,000 events at once, of which the others' stand behind until it has its group. That events which
    need not wait are noted at once changes nothing of it.
    """
    others = [Mail(number / 5, f"tenant {number % 20}", NOTING) for number in range(400)]
    burst = [Mail(10.0, "attacked", NOTING) for _ in range(1000)]
    in_order, in_turn = (
        sorted(took for one, took in served([*others, *burst], way) if one.tenant != "attacked")
        for way in (Way(workers=WORKERS), Way(workers=WORKERS, fair=True, naming=PASSING_ON, at_once=at_once))
    )
    assert len(in_turn) == len(in_order) == len(others)
    assert statistics.median(in_order) > 5
    assert statistics.quantiles(in_turn, n=10)[-1] < 1
    assert in_turn[-1] < 8 < in_order[-1]
