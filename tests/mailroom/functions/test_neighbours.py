"""Delays of other tenants by a thousand slow messages to one, in a model of SQS's fair queue and of the sorter."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import replace

import pytest

from benchmarks.fair_queue import Mail, Way, served
from mailroom.scanning.lanes import QUICK_SECONDS, SLOW_FOR, ordinary_seconds

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
    """A thousand mails of 11 MB and a minute each, which leave the lane after its time; with one lane it is twenty times."""
    in_turn = Way(workers=workers, fair=True, sorters=5, naming=0.03, remembers=SLOW_FOR)
    before = p99(OTHERS, in_turn)
    moving = 0.05
    left = [Mail(10.0, "attacked", moving + QUICK_SECONDS, moving + ordinary_seconds(11_000_000))] * 1000
    assert p99([*OTHERS, *left], in_turn) < 2 * before
    unknown = [replace(one, again=None) for one in left]
    assert p99([*OTHERS, *unknown], in_turn) > p99([*OTHERS, *left], in_turn)
    stayed = [Mail(10.0, "attacked", 60.0) for _ in range(1000)]
    assert p99([*OTHERS, *stayed], in_turn) > 20 * before


def test_worker_knows_what_it_has_worked_on_itself_and_of_late() -> None:
    """The first message of each worker takes its time, and so does the first one after a while."""
    way = Way(workers=2, fair=True, sorters=1, naming=0.0, remembers=60.0)
    slow = [Mail(at, "attacked", 5.0, 1.0) for at in (0.0, 0.0, 10.0, 10.0, 100.0)]
    assert sorted(took for _one, took in served([*slow, Mail(200.0, "attacked", 3.0)], way)) == [1, 1, 3, 5, 5, 5]


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
