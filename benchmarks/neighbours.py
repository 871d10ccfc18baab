"""What a thousand hostile mails to one tenant do to the others of a cell: how long their mail waits and is scanned.

How long messages take is measured, with a warm clamd, in this run. A queue and the scanner's ten workers are simulated with these
times: in the order of arrival, and as SQS's fair queue does it, which is told of tenants by `mailroom.scanning.turns`. The mail of
the others is the same each time, with and without the attack. Writes docs/benchmarks/neighbours.md.

    make bench                            this and the others
    python -O -m benchmarks.neighbours    this alone

Source: SQS developer guide, "How Amazon SQS fair queues work": a tenant with more than a tenth of the time that consumers take is
noisy, and others are served first.
"""

from __future__ import annotations

import heapq
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.scan import scan_message
from tests.mailroom.clamav import running_clamd
from tests.mailroom.scanning.hiding import encoded, mixed, part

WORKERS: Final = 10
OTHERS: Final = 20
SECONDS: Final = 120
A_SECOND: Final = 20
"""Mails to the others, all together."""
HOSTILE: Final = 1000
PASSING_ON: Final = 0.02
"""Seconds that a worker takes to send a notification again, with its tenant's name."""
NOISY: Final = 0.1
MEMORY: Final = 60.0
"""Seconds after which time that somebody took counts half: AWS does not say how long it looks back."""
ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Mail:
    """One message: when it comes, whose it is, and how long its scan takes."""

    at: float
    tenant: str
    seconds: float


def main() -> None:
    """Measure, simulate, print, and write the report."""
    rng = random.Random(27)
    ordinary = {
        "text, 4 kB": (0.60, mixed(part(b"We read your meter on Monday.\r\n" * 120, "Content-Type: text/plain"))),
        "a document, 280 kB": (0.30, mixed(encoded(rng.randbytes(200_000), "offer.pdf"))),
        "three files, 1.4 MB": (0.08, mixed(*(encoded(rng.randbytes(330_000), f"plan{n}.bin") for n in range(3)))),
        "a file, 10 MB": (0.02, mixed(encoded(rng.randbytes(7_000_000), "photos.bin"))),
    }
    hostile = {
        "3 MB of parameters": b"Content-Type: x/y" + b'; a="' * 600_000 + b"\r\n\r\nx\r\n",
        "3 MB of quotes in From": b"From: " + b'\\"' * 1_500_000 + b"\r\n\r\nx\r\n",
        "3 MB of folds": b"Subject: x" + b"\r\n " * 1_000_000 + b"\r\n\r\nx\r\n",
        "3 MB of parts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\ny\r\n" * 300_000,
        "3 MB of encoded files": b"Subject: x\r\n\r\n" + b"begin 644 x\n!80  \n`\nend\n" * 120_000,
    }
    with tempfile.TemporaryDirectory() as temporary, running_clamd(Path(temporary)) as clamd:

        def took(raw: bytes) -> float:
            return statistics.median(_seconds(lambda: scan_message(raw, clamd.client)) for _ in range(ROUNDS))

        times = {name: took(raw) for name, (_share, raw) in ordinary.items()}
        bad = {name: took(raw) for name, raw in hostile.items()}
    shares = [share for share, _raw in ordinary.values()]
    mail = [
        Mail(number / A_SECOND, f"tenant {rng.randrange(OTHERS)}", rng.choices(list(times.values()), shares)[0])
        for number in range(SECONDS * A_SECOND)
    ]
    # Of all kinds, and of sizes around 3 MB: a scan is linear in them.
    attack = [Mail(10.0, "attacked", rng.choice(list(bad.values())) * rng.uniform(0.5, 1.5)) for _ in range(HOSTILE)]
    rows = {
        "in the order of arrival": (served(mail), served([*mail, *attack])),
        "each tenant in turn": (served(mail, fair=True), served([*mail, *attack], fair=True)),
    }
    _write(times, bad, rows)


def served(mail: Iterable[Mail], *, fair: bool = False) -> list[float]:
    """Seconds from arrival to verdict of each mail of the others, in a queue with `WORKERS` workers."""
    queue = _Queue(fair=fair)
    coming = sorted(mail, key=lambda one: one.at)
    free = [0.0] * WORKERS
    heapq.heapify(free)
    waits: list[float] = []
    arrived = 0
    while arrived < len(coming) or queue:
        now = free[0]
        if not queue:
            now = max(now, coming[arrived].at)
        while arrived < len(coming) and coming[arrived].at <= now:
            queue.put(coming[arrived], passed_on=not fair)
            arrived += 1
        heapq.heapreplace(free, now)
        one, passed_on = queue.take(now)
        done = now + (one.seconds if passed_on else PASSING_ON)
        heapq.heapreplace(free, done)
        if not passed_on:
            queue.put(one, passed_on=True, visible=done)
        elif one.tenant != "attacked":
            waits.append(done - one.at)
    return waits


@dataclass(slots=True)
class _Queue:
    fair: bool
    waiting: list[tuple[float, int, Mail, bool]] = field(default_factory=list)
    taken: dict[str, float] = field(default_factory=dict)
    looked: float = 0.0
    number: int = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, mail: Mail, *, passed_on: bool, visible: float = 0.0) -> None:
        self.number += 1
        heapq.heappush(self.waiting, (max(mail.at, visible), self.number, mail, passed_on))

    def take(self, now: float) -> tuple[Mail, bool]:
        """The oldest message of a quiet tenant; without any, the oldest. One without a group is a tenant by itself."""
        self._forget(now)
        place = 0
        if self.fair:
            total = sum(self.taken.values())
            noisy = {tenant for tenant, taken in self.taken.items() if taken > NOISY * total and len(self.taken) > 1}
            ordered = sorted(range(len(self.waiting)), key=lambda at: self.waiting[at][:2])
            quiet = (at for at in ordered if not self.waiting[at][3] or self.waiting[at][2].tenant not in noisy)
            place = next(quiet, ordered[0])
        _at, _number, mail, passed_on = self.waiting[place]
        self.waiting[place] = self.waiting[-1]
        self.waiting.pop()
        heapq.heapify(self.waiting)
        if passed_on:
            self.taken[mail.tenant] = self.taken.get(mail.tenant, 0.0) + mail.seconds
        return mail, passed_on

    def _forget(self, now: float) -> None:
        if now > self.looked:
            left = 0.5 ** ((now - self.looked) / MEMORY)
            self.taken = {tenant: taken * left for tenant, taken in self.taken.items()}
            self.looked = now


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _write(times: dict[str, float], bad: dict[str, float], rows: dict[str, tuple[list[float], list[float]]]) -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# Neighbours",
        "",
        f"Written by `make bench` on {machine}: scans are measured, queue and workers are simulated. {OTHERS} tenants",
        f"get {A_SECOND} mails a second; {HOSTILE:,} hostile ones, of all kinds below, come to another tenant of the cell at once.",
        f"{WORKERS} messages are scanned at a time.",
        "",
        "| message | scan |",
        "|---|---:|",
        *(f"| {name} | {seconds * 1000:,.0f} ms |" for name, seconds in (*times.items(), *bad.items())),
        "",
        "From arrival to verdict, of the others' mail: 99 of 100 take no longer.",
        "",
        "| queue | without the attack | with it | as many times |",
        "|---|---:|---:|---:|",
    ]
    for name, (without, attacked) in rows.items():
        first, second = (statistics.quantiles(one, n=100)[98] for one in (without, attacked))
        lines.append(f"| {name} | {first * 1000:,.0f} ms | {second * 1000:,.0f} ms | {second / first:.2f} |")
    lines += [
        "",
        "That a scan is linear in a message's size keeps each of them short. That SQS knows whose a message is",
        "([turns](../../mailroom/scanning/turns.py)) keeps the others in front. How far back SQS looks is not documented; here,",
        f"what somebody took counts half after {MEMORY:.0f} seconds.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    (PROJECT_ROOT / "docs" / "benchmarks" / "neighbours.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
