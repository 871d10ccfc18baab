"""How the time that the scanner reads a message grows, up to 16 MB of one structure in one place.

Each unit of `tests.linear.test_scanner` (separators, quotes, brackets, escapes, folds, lines that begin something) is repeated in a
header field or a kind of body that the scanner reads, to 1, 2, 4, 8 and 16 MB. CPU time is measured, so that others on the machine
say little. All pairs of units and places take hours, so a run takes a sample: each unit once, in the place that is as many places
further as the seed says, so that each place comes at least once, and the runs of all seeds together are all pairs. A run ends
within its minutes; what it did not come to is said. Tests time all pairs, up to 400 kB. Writes docs/benchmarks/linear.md.

    python -O -m benchmarks.linear                        a sample
    python -O -m benchmarks.linear --minutes 5 --seed 2   another one
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import platform
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.extracted_parts import extracted_parts
from tests.linear.test_scanner import PLACES, UNITS

MEGABYTES: Final = (1, 2, 4, 8, 16)
_SHORTEST: Final = 0.01
"""Seconds of the smaller one, below which a ratio says nothing."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What one unit in one place took.

    Args:
        place: where.
        unit: what.
        seconds: of CPU, by size.
    """

    place: str
    unit: bytes
    seconds: tuple[float, ...]

    @property
    def doubling(self) -> float:
        """The worst of twice the size by once the size; linear is 2, quadratic 4."""
        pairs = zip(self.seconds, self.seconds[1:], strict=False)
        return max((big / small for small, big in pairs if small >= _SHORTEST), default=0.0)

    @property
    def sixteen(self) -> float:
        """16 MB by 1 MB; linear is 16, quadratic 256."""
        return self.seconds[-1] / self.seconds[0] if self.seconds[0] >= _SHORTEST else 0.0


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    _write(list(_measured(sample(asked.seed), asked.minutes * 60)), asked)


def _measured(pairs: list[tuple[str, bytes]], seconds: float) -> Iterator[Grown]:
    """As many as so many seconds hold, on all cores; what is under way then is left."""
    end = time.monotonic() + seconds
    with multiprocessing.Pool() as pool:
        coming = pool.imap_unordered(_pair, pairs)
        for _ in pairs:
            try:
                yield coming.next(timeout=max(0.0, end - time.monotonic()))
            except multiprocessing.TimeoutError:
                return


def _pair(pair: tuple[str, bytes]) -> Grown:
    return measured(*pair)


def sample(seed: int) -> list[tuple[str, bytes]]:
    """Each unit with a place; there are as many samples as places, and no pair is in two of them."""
    places = list(PLACES)
    return [(places[(number + seed) % len(places)], unit) for number, unit in enumerate(UNITS)]


def measured(place: str, unit: bytes) -> Grown:
    """CPU time at each size; of the small ones, the lesser of two, since they are done before a disturbance ends."""
    start, tail = PLACES[place]
    seconds = []
    for size in MEGABYTES:
        raw = start + unit * (size * 1_000_000 // len(unit)) + tail
        seconds.append(min(_seconds(raw) for _ in range(2 if size <= 2 else 1)))
    return Grown(place, unit, tuple(seconds))


def _seconds(raw: bytes) -> float:
    gc.collect()
    begun = time.process_time()
    deque(extracted_parts(raw), maxlen=0)
    return time.process_time() - begun


def _write(found: list[Grown], asked: argparse.Namespace) -> None:
    places = {one.place for one in found}
    lines = [
        "# Linear time",
        "",
        f"Written by `python -O -m benchmarks.linear --minutes {asked.minutes:g} --seed {asked.seed}` on {os.cpu_count()} cores,",
        f"Python {platform.python_version()}: how long the scanner reads a message in which one structure is repeated in one",
        "place, to 1, 2, 4, 8 and 16 MB, in CPU time without the engine's.",
        "",
        f"This is a sample. Of {len(UNITS)} structures, {len(found)} were measured, each in one place;",
        f"of {len(PLACES)} places, {len(places)} came. That is {len(found):,} of {len(UNITS) * len(PLACES):,} pairs;",
        f"the seeds 0 to {len(PLACES) - 1} together are all of them.",
        "All pairs are timed up to 400 kB by `tests/linear`.",
        "",
        "Linear is 2 for twice the size and 16 for sixteen times the size; quadratic would be 4 and 256. A ratio to less than",
        f"{_SHORTEST * 1000:.0f} ms is left out.",
        "",
        "| structure | place | twice the size, at worst | sixteen times the size | 16 MB |",
        "|---|---|---:|---:|---:|",
    ]
    for one in sorted(found, key=lambda one: -one.sixteen):
        ratios = (f"{ratio:.1f}" if ratio else "" for ratio in (one.doubling, one.sixteen))
        lines.append(f"| `{_shown(one.unit)}` | {one.place} | {' | '.join(ratios)} | {one.seconds[-1]:.1f} s |")
    text = "\n".join([*lines, ""])
    print(text)
    (PROJECT_ROOT / "docs" / "benchmarks" / "linear.md").write_text(text, encoding="utf-8")


def _shown(unit: bytes) -> str:
    return repr(unit)[2:-1].replace("|", "\\|").replace("`", "'")


if __name__ == "__main__":
    main()
