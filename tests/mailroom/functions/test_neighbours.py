"""Delays of other tenants by a thousand slow messages to one, in a model of SQS's fair queue and of the sorter."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import pytest

from benchmarks.fair_queue import Mail, Way, served
from mailroom.scanning.lanes import QUICK_SECONDS

SCANS = (*[0.132] * 30, *[0.143] * 15, *[0.218] * 4, 0.545)
"""Of ordinary mail: seconds, with what is asked of S3, in shares as docs/benchmarks/neighbours.md has them."""
OTHERS = [Mail(number / 20, f"tenant {number * 7 % 20}", SCANS[number * 17 % 50]) for number in range(2400)]
KINDS = (0.304, 0.268, 0.856, 0.276, 0.712)
HOSTILE = [Mail(10.0, "attacked", 0.13 + KINDS[number % 5] * (0.5 + number * 13 % 100 / 100)) for number in range(1000)]


def p99(mail: Iterable[Mail], way: Way) -> float:
    """Of the others' mail."""
    return statistics.quantiles([took for one, took in served(mail, way) if one.tenant != "attacked"], n=100)[98]


@pytest.mark.parametrize("workers", [5, 10])
def test_others_wait_no_more_than_twice_as_long(workers: int) -> None:
    """In their turn, named by the sorter; in the order of arrival it is more than fifty times as long."""
    in_turn = Way(workers=workers, fair=True, sorters=5, naming=0.03)
    assert p99([*OTHERS, *HOSTILE], in_turn) < 2 * p99(OTHERS, in_turn)
    in_order = Way(workers=workers)
    assert p99([*OTHERS, *HOSTILE], in_order) > 50 * p99(OTHERS, in_order)


@pytest.mark.parametrize("workers", [5, 10])
def test_slow_mail_keeps_others_no_longer_than_its_lane_allows(workers: int) -> None:
    """A thousand mails of a minute each, which leave the lane after its time; with one lane it is twenty times as long."""
    in_turn = Way(workers=workers, fair=True, sorters=5, naming=0.03)
    ordinary = [Mail(one.at, one.tenant, one.seconds * (4 if one.seconds > 0.5 else 1)) for one in OTHERS]
    before = p99(ordinary, in_turn)
    left = [Mail(10.0, "attacked", 0.13 + QUICK_SECONDS + 0.2) for _ in range(1000)]
    assert p99([*ordinary, *left], in_turn) < 2 * before
    stayed = [Mail(10.0, "attacked", 60.0) for _ in range(1000)]
    assert p99([*ordinary, *stayed], in_turn) > 20 * before


def test_nothing_is_lost_in_the_model() -> None:
    """Each message is worked on once, none in less time than it takes."""
    for way in (
        Way(workers=5),
        Way(workers=5, fair=True, naming=0.02),
        Way(workers=5, fair=True, sorters=2, naming=0.03),
    ):
        found = served([*OTHERS, *HOSTILE], way)
        assert sorted((one.at, one.tenant, one.seconds) for one, _ in found) == sorted(
            (one.at, one.tenant, one.seconds) for one in (*OTHERS, *HOSTILE)
        )
        assert all(took >= one.seconds + way.naming * way.fair - 1e-9 for one, took in found)
