"""How the time that the scanner reads a message grows, up to 16 MB of one structure in one place.

Each unit of `tests.linear.test_scanner` (separators, quotes, brackets, escapes, folds, lines that begin something) is repeated in
each header field and each kind of body that the scanner reads, to 1, 2, 4, 8 and 16 MB. CPU time is measured, so that others on the
machine say little. All of it takes hours: a run measures as many pairs as its minutes hold, in an order that its seed makes, and
the page says how many those are. Writes docs/benchmarks/linear.md.

    python -O -m benchmarks.linear --minutes 300          everything
    python -O -m benchmarks.linear --minutes 5 --seed 2   some others
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.openings import openings
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
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    pairs = [(place, unit) for place in PLACES for unit in UNITS]
    random.Random(asked.seed).shuffle(pairs)
    # Each unit once before any of them again: a short run has something of all.
    turn: dict[bytes, int] = {}
    order = []
    for place, unit in pairs:
        turn[unit] = turn.get(unit, 0) + 1
        order.append((turn[unit], place, unit))
    end = time.monotonic() + asked.minutes * 60
    found = []
    for _turn, place, unit in sorted(order, key=lambda one: one[0]):
        if time.monotonic() >= end:
            break
        found.append(measured(place, unit))
    _write(found, len(pairs), asked)


def measured(place: str, unit: bytes) -> Grown:
    """CPU time at each size; of the small ones, the least of three, since they are done before a disturbance ends."""
    start, tail = PLACES[place]
    seconds = []
    for size in MEGABYTES:
        raw = start + unit * (size * 1_000_000 // len(unit)) + tail
        seconds.append(min(_seconds(raw) for _ in range(3 if size <= 2 else 1)))
    return Grown(place, unit, tuple(seconds))


def _seconds(raw: bytes) -> float:
    gc.collect()
    begun = time.process_time()
    deque(openings(raw), maxlen=0)
    return time.process_time() - begun


def _write(found: list[Grown], of: int, asked: argparse.Namespace) -> None:
    by_unit: dict[bytes, list[Grown]] = {}
    for one in found:
        by_unit.setdefault(one.unit, []).append(one)
    lines = [
        "# Linear time",
        "",
        f"Written by `python -O -m benchmarks.linear --minutes {asked.minutes:g} --seed {asked.seed}` on {os.cpu_count()} cores,",
        f"Python {platform.python_version()}: how long the scanner reads a message in which one structure is repeated in one",
        "place, to 1, 2, 4, 8 and 16 MB, in CPU time without the engine's.",
        f"Of {of:,} pairs of structure and place, {len(found):,} were measured in this run.",
        "Linear is 2 for twice the size and 16 for sixteen times the size; quadratic would be 4 and 256.",
        "The worst of each structure:",
        "",
        "| structure | places | twice the size | sixteen times the size | 16 MB | where that was |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for unit, ones in sorted(by_unit.items(), key=lambda item: -max(one.sixteen for one in item[1])):
        slowest = max(ones, key=lambda one: one.seconds[-1])
        lines.append(
            f"| `{_shown(unit)}` | {len(ones)} | {max(one.doubling for one in ones):.1f} | {max(one.sixteen for one in ones):.0f} "
            f"| {slowest.seconds[-1]:.1f} s | {slowest.place} |"
        )
    text = "\n".join([*lines, ""])
    print(text)
    (PROJECT_ROOT / "docs" / "benchmarks" / "linear.md").write_text(text, encoding="utf-8")


def _shown(unit: bytes) -> str:
    return repr(unit)[2:-1].replace("|", "\\|").replace("`", "'")


if __name__ == "__main__":
    main()
