"""What a thousand hostile mails to one tenant do to the others of a cell: how long their mail waits and is scanned.

How long messages take is measured, with a warm clamd, in this run, and what the scanner asks of S3 is added. Queues and functions
are simulated with these times (`benchmarks.fair_queue`): in the order of arrival, as the scanner itself once gave each message its
tenant's name, and as the sorter does it (`mailroom.functions.sorting`). The mail of the others is the same each time, with and
without the attack. Writes docs/benchmarks/neighbours.md.

    make bench                            this and the others
    python -O -m benchmarks.neighbours    this alone
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.fair_queue import MEMORY, Mail, Way, served
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.scan import scan_message
from tests.mailroom.clamav import running_clamd
from tests.mailroom.scanning.hiding import encoded, mixed, part

WORKERS: Final = (5, 10)
"""The default of `scanner.max_concurrency`, and twice as many."""
OTHERS: Final = 20
SECONDS: Final = 120
A_SECOND: Final = 20
"""Mails to the others, all together."""
HOSTILE: Final = 1000
BEGINS: Final = 10.0
ASKING_S3: Final = 0.13
"""Seconds of each scan besides: four requests to S3, as docs/cost.md has them."""
RESENDING: Final = 0.02
"""Seconds that the scanner took to send one notification again."""
SORTERS, SORTING = 5, 0.03
"""Batches at once, and seconds that a batch of ten takes."""
LONGEST: Final = 150.0
"""Seconds that one message may take: docs/scanning.md."""
ROUNDS: Final = 7
"""The quickest counts: what else the machine does makes a scan slower, never quicker."""


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
            return min(_seconds(lambda: scan_message(raw, clamd.client)) for _ in range(ROUNDS))

        times = {name: took(raw) for name, (_share, raw) in ordinary.items()}
        bad = {name: took(raw) for name, raw in hostile.items()}
    shares = [share for share, _raw in ordinary.values()]
    mail = [
        Mail(
            number / A_SECOND,
            f"tenant {rng.randrange(OTHERS)}",
            ASKING_S3 + rng.choices(list(times.values()), shares)[0],
        )
        for number in range(SECONDS * A_SECOND)
    ]
    # Of all kinds, and of sizes around 3 MB: a scan is linear in them.
    attack = [
        Mail(BEGINS, "attacked", ASKING_S3 + rng.choice(list(bad.values())) * rng.uniform(0.5, 1.5))
        for _ in range(HOSTILE)
    ]
    _write(times, bad, [*_queues(mail, attack), *_held(mail, attack)])


def _queues(mail: Sequence[Mail], attack: Sequence[Mail]) -> Iterable[str]:
    """The table of the three ways, all mail of the others, and that which comes while the attack lasts."""
    yield "From arrival to verdict, of the others' mail: 99 of 100 take no longer."
    yield ""
    yield "| scanned at a time | queue | without the attack | with it | as many times | while it lasts | as many times |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for workers in WORKERS:
        for name, way in _ways(workers).items():
            without, attacked = served(mail, way), served([*mail, *attack], way)
            ends = max(one.at + took for one, took in attacked if one.tenant == "attacked")
            first, second = (_p99(took for _one, took in _others(found)) for found in (without, attacked))
            before, during = (
                _p99(took for one, took in _others(found) if BEGINS <= one.at < ends) for found in (without, attacked)
            )
            yield (
                f"| {workers} | {name} | {_ms(first)} | {_ms(second)} | {second / first:.2f} | {_ms(during)} "
                f"| {during / before:.2f} |"
            )
    yield ""


def _ways(workers: int) -> dict[str, Way]:
    return {
        "in the order of arrival": Way(workers=workers),
        "each tenant in turn, named by the scanner": Way(workers=workers, fair=True, naming=RESENDING),
        "each tenant in turn, named by a sorter": Way(workers=workers, fair=True, sorters=SORTERS, naming=SORTING),
    }


def _held(mail: Sequence[Mail], attack: Sequence[Mail]) -> Iterable[str]:
    """What comes in the first moment, when the attack has all workers: with its own mail, and with the longest there can be."""
    yield "No queue takes back what it has handed out. Mail that comes while hostile mail holds every worker waits until one of"
    yield "them is done, whose turn it ever is. From arrival to verdict, of the others' mail of the attack's first second:"
    yield ""
    yield "| scanned at a time | one hostile mail takes | half take no longer | the slowest |"
    yield "|---:|---|---:|---:|"
    longest = [Mail(one.at, one.tenant, LONGEST) for one in attack]
    for workers in WORKERS:
        way = _ways(workers)["each tenant in turn, named by a sorter"]
        for name, hostile in (("as measured above", attack), (f"{LONGEST:.0f} s, the most there is", longest)):
            found = [took for one, took in _others(served([*mail, *hostile], way)) if BEGINS <= one.at < BEGINS + 1]
            yield f"| {workers} | {name} | {_ms(statistics.median(found))} | {_ms(max(found))} |"
    yield ""


def _others(found: Iterable[tuple[Mail, float]]) -> Iterable[tuple[Mail, float]]:
    return (pair for pair in found if pair[0].tenant != "attacked")


def _p99(seconds: Iterable[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _write(times: dict[str, float], bad: dict[str, float], tables: Iterable[str]) -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# Neighbours",
        "",
        f"Written by `make bench` on {machine}: scans are measured, queues and functions are simulated. {OTHERS} tenants",
        f"get {A_SECOND} mails a second; {HOSTILE:,} hostile ones, of all kinds below, come to another tenant of the cell at once.",
        f"Each scan takes {_ms(ASKING_S3)} more than below, for what is asked of S3.",
        "",
        "| message | scan |",
        "|---|---:|",
        *(f"| {name} | {_ms(seconds)} |" for name, seconds in (*times.items(), *bad.items())),
        "",
        *tables,
        "That a scan is linear in a message's size keeps each of them short. That SQS knows whose a message is keeps the others in",
        "front: a [function of its own](../../mailroom/functions/sorting.py) names each, ten at a time, "
        f"{_ms(SORTING)} a batch, {SORTERS} batches at once",
        "([decision 60](../decisions/0060-arrivals-are-sorted-by-a-function-of-its-own.md)). How far back SQS looks is not said",
        f"anywhere; in the [model](../../benchmarks/fair_queue.py), what somebody took counts half after {MEMORY:.0f} seconds.",
        "",
        "Cold starts are in none of these figures. What one message may take at most is the time that a tenant who fills every",
        "worker keeps the others waiting, once an attack; whoever may not wait so long has `scanning: dedicated`.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    (PROJECT_ROOT / "docs" / "benchmarks" / "neighbours.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
