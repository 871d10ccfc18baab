"""What a thousand hostile mails to one tenant do to the others of a cell: how long their mail waits and is scanned.

How long messages take is measured, with a warm clamd, in this run, and what the scanner asks of S3 is added. Queues and functions
are simulated with these times (`benchmarks.fair_queue`): in the order of arrival, as the scanner itself once gave each message its
tenant's name, as the sorter does it (`mailroom.functions.sorting`), and with a lane of its own for slow mail
(`mailroom.scanning.lanes`). How long hostile mail keeps a worker of the quick lane is measured, with the lane's own engine and
timer: the first one of its tenant, and those that come after it. The quickest of several times counts: what else the machine does
makes a scan slower, never quicker. The mail of the others is the same each time, with and without the attack. Writes
docs/benchmarks/neighbours.md.

    make bench                            this and the others
    python -O -m benchmarks.neighbours    this alone
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import platform
import random
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.fair_queue import MEMORY, Mail, Way, served
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.daemon import Daemon
from mailroom.scanning.lanes import QUICK_ENGINE, QUICK_SECONDS, SLOW_FOR, QuickLane, TooSlowError, was_cut
from mailroom.scanning.scan import Deadline, scan_message
from tests.mailroom.clamav import TEST_DEFINITIONS, running_clamd
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
"""Seconds that the scanner takes to send one notification on."""
MOVING: Final = ASKING_S3 / 4 + RESENDING
"""Seconds besides of a message that goes into the slow lane: it is read, and sent on."""
SORTERS, SORTING = 5, 0.03
"""Batches at once, and seconds that a batch of ten takes."""
LONGEST: Final = 150.0
"""Seconds that one message may take: docs/scanning.md."""
ROUNDS: Final = 7
IN_LANE_ROUNDS: Final = 3
IN_A_ROW: Final = 4
"""Hostile mails that a worker who knows their tenant gets one after the other, so that what one leaves behind delays the next."""
_TENANT: Final = "attacked"


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
    slow = _slow_mail()
    with tempfile.TemporaryDirectory() as temporary, running_clamd(Path(temporary)) as clamd:

        def took(raw: bytes, rounds: int = ROUNDS) -> float:
            return min(_seconds(lambda: scan_message(raw, clamd.client)) for _ in range(rounds))

        times = {name: took(raw) for name, (_share, raw) in ordinary.items()}
        bad = {name: took(raw) for name, raw in hostile.items()}
        whole = {name: took(raw, 2) for name, raw in slow.items()}
    with tempfile.TemporaryDirectory() as temporary:
        daemon = Daemon(Path(temporary), limits=QUICK_ENGINE)
        (daemon.definitions / "test.ndb").write_text(TEST_DEFINITIONS)
        daemon.start()
        try:
            small = ordinary["text, 4 kB"][1]
            quick = {name: _kept_busy(raw, small, daemon.client) for name, raw in (hostile | slow).items()}
        finally:
            daemon.stop()
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
        Mail(BEGINS, _TENANT, ASKING_S3 + rng.choice(list(bad.values())) * rng.uniform(0.5, 1.5))
        for _ in range(HOSTILE)
    ]
    large, cut = ([quick[rng.choice(kinds)].mail() for _ in range(HOSTILE)] for kinds in (list(hostile), list(slow)))
    _write(times, bad, [*_queues(mail, attack, large), *_lanes(mail, whole, quick, cut), *_held(mail, cut)])


def _slow_mail() -> dict[str, bytes]:
    """Small mail that takes long, and large mail of each kind that is slow by its size."""
    zeros = bytes(50_000_000)

    def zipped(*files: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", method) as archive:
            for number, data in enumerate(files):
                archive.writestr(f"{number}.zip", data)
        return memory.getvalue()

    inner = zipped(zeros)
    pages = b"<html>" + b"<a href='http://x.example/'>y</a><script>f(1)</script>\n" * 1_500_000
    return {
        "1.3 MB: a ZIP of twenty ZIPs of 50 MB": mixed(
            encoded(zipped(*(inner + bytes([n]) for n in range(20)), method=zipfile.ZIP_STORED), "a.zip")
        ),
        "0.3 MB: a ZIP of 200 MB": mixed(encoded(zipped(zeros * 4), "b.zip")),
        "1 kB: bzip2 of 200 MB": mixed(encoded(bz2.compress(zeros * 4), "c.bz2")),
        "0.3 MB: gzip of 80 MB of HTML": mixed(encoded(gzip.compress(pages), "d.gz")),
        "2 MB: a PDF of objects": mixed(
            encoded(b"%PDF-1.4\n" + b"1 0 obj <</Length 3>> stream\nabc\nendstream endobj\n" * 30_000, "e.pdf")
        ),
        "11 MB: a file of HTML": mixed(encoded(pages[:8_000_000], "f.html")),
        "11 MB of HTML": b"Content-Type: text/html\r\n\r\n" + pages[:11_000_000],
        "11 MB of folds": b"Subject: x" + b"\r\n " * 3_600_000 + b"\r\n\r\nx\r\n",
        "11 MB of encoded files": b"Subject: x\r\n\r\n" + b"begin 644 x\n!80  \n`\nend\n" * 450_000,
        "11 MB of parts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\ny\r\n" * 1_100_000,
    }


@dataclass(frozen=True, slots=True)
class Busy:
    """How long a message keeps a worker of the quick lane, with what it delays a small one behind it.

    Args:
        first: seconds, if the worker knows nothing of its tenant.
        again: seconds, after such a message of the same tenant.
        moved: whether it goes into the slow lane.
    """

    first: float
    again: float
    moved: bool

    def mail(self) -> Mail:
        """One of the attack."""
        besides = MOVING if self.moved else ASKING_S3
        return Mail(BEGINS, _TENANT, besides + self.first, besides + self.again)


def _kept_busy(raw: bytes, small: bytes, engine: Clamd) -> Busy:
    own = min(_seconds(lambda: scan_message(small, engine)) for _ in range(ROUNDS))

    def busy(lane: QuickLane, times: int) -> float:
        held = sum(_seconds(lambda: _until_cut(raw, engine, lane)) for _ in range(times))
        behind = _seconds(lambda: scan_message(small, engine)) - own
        time.sleep(2 * QUICK_SECONDS)
        return (held + max(behind, 0.0)) / times

    lanes = [QuickLane() for _ in range(IN_LANE_ROUNDS)]
    first = min(busy(lane, 1) for lane in lanes)
    again = min(busy(lane, IN_A_ROW) for lane in lanes)
    return Busy(first, again, _until_cut(raw, engine, lanes[0]))


def _until_cut(raw: bytes, engine: Clamd, lane: QuickLane) -> bool:
    """Whether the quick lane gives it up."""
    try:
        with lane.timed(_TENANT, raw) as turn:
            check = turn.check if turn.careful else None
            return was_cut(scan_message(raw, engine, deadline=Deadline.after(turn.seconds), check=check))
    except TooSlowError:
        return True


def _lanes(mail: Sequence[Mail], whole: dict[str, float], quick: dict[str, Busy], cut: Sequence[Mail]) -> Iterable[str]:
    """What slow mail takes in either lane, and what a thousand of it do to the others."""
    yield f"A scan of more than {QUICK_SECONDS:g} s ends undecided, and its message goes into a lane of its own"
    yield "([decision 82](../decisions/0082-slow-mail-has-a-lane-of-its-own.md)). A worker that knows that a tenant's mail was slow"
    yield "gives it as long as an ordinary message of its size"
    yield "([decision 93](../decisions/0093-slow-mail-has-less-than-a-second.md)). How long a message keeps a worker,"
    yield "with what it takes from the next one in the same sandbox while clamd ends:"
    yield ""
    yield "| message | scan | in the quick lane | after the first |"
    yield "|---|---:|---:|---:|"
    for name, seconds in whole.items():
        yield f"| {name} | {_ms(seconds)} | {_ms(quick[name].first)} | {_ms(quick[name].again)} |"
    yield ""
    yield f"{HOSTILE:,} that take a minute each, {HOSTILE:,} of all kinds in the table above, and {HOSTILE:,} of the kind"
    yield "that keeps a worker longest, come at once:"
    yield ""
    yield "| scanned at a time | hostile mail | without the attack | with it | as many times |"
    yield "|---:|---|---:|---:|---:|"
    minute = [Mail(one.at, one.tenant, 60.0) for one in cut]
    hardest = max(quick.values(), key=lambda one: max(one.first, one.again))
    for workers in WORKERS:
        way = _ways(workers)["each tenant in turn, named by a sorter"]
        before = _p99(took for _one, took in _others(served(mail, way)))
        attacks = (
            ("a minute each, one lane", minute),
            ("all kinds, two lanes", cut),
            ("the hardest kind, two lanes", [hardest.mail()] * HOSTILE),
        )
        for name, attack in attacks:
            after = _p99(took for _one, took in _others(served([*mail, *attack], way)))
            yield f"| {workers} | {name} | {_ms(before)} | {_ms(after)} | {after / before:.2f} |"
    yield ""


def _queues(mail: Sequence[Mail], attack: Sequence[Mail], in_lane: Sequence[Mail]) -> Iterable[str]:
    """The table of the three ways, all mail of the others, and that which comes while the attack lasts."""
    yield "From arrival to verdict, of the others' mail: 99 of 100 take no longer."
    yield ""
    yield "| scanned at a time | queue | without the attack | with it | as many times | while it lasts | as many times |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for workers in WORKERS:
        rows = [(name, way, attack) for name, way in _ways(workers).items()]
        last, in_turn, _attack = rows[-1]
        for name, way, hostile in (*rows, (f"{last}; a lane for slow mail", in_turn, in_lane)):
            without, attacked = served(mail, way), served([*mail, *hostile], way)
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
        "each tenant in turn, named by a sorter": Way(
            workers=workers, fair=True, sorters=SORTERS, naming=SORTING, remembers=SLOW_FOR
        ),
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
        for name, hostile in (("as measured above", attack), (f"{LONGEST:.0f} s, in one lane", longest)):
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
        f"Each scan takes {_ms(ASKING_S3)} more than below, for what is asked of S3; a message that goes into the slow lane,",
        f"{_ms(MOVING)}.",
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
        f"anywhere; in the [model](../../benchmarks/fair_queue.py), the use of a tenant counts half after {MEMORY:.0f} seconds.",
        "",
        "Cold starts are in none of these figures. In the slow lane, others wait until a scan ends, as they did in the only one:",
        "of ordinary mail, less than one in a hundred goes there. A tenant that must not wait has `scanning: dedicated`.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    (PROJECT_ROOT / "docs" / "benchmarks" / "neighbours.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
