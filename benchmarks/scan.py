"""Scanning a message with a warm clamd, beside clamd alone and beside clamscan a file, in one run, as ratios.

Definitions are generated: hashes and byte patterns in the proportions of the official set, and as many unless told otherwise.
"clamd alone" is handed the raw message and nothing else; "clamscan a file" is what a handler pays that starts the engine for each
object. Nothing is answered from a cache. Writes docs/benchmarks/scan.md.

    make bench                       this and the others
    python -O -m benchmarks.scan 1   with a quarter of the definitions
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.cold_start import ColdStart, cold_start
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import RunningClamd
from tests.mailroom.scanning.hiding import encoded, mixed, part

QUARTER: Final = {"hdb": 1_500_000, "hsb": 550_000, "ndb": 25_000}
"""Signatures of a quarter of the official set, by kind of file."""

ROUNDS: Final = 15
"""Fewest turns of a message."""
SECONDS: Final = 3.0
"""Time in which a small message has more turns."""
CLAMSCANS: Final = 2


def main() -> None:
    """Measure, print, and write the report."""
    quarters = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    rng = random.Random(4)
    messages = {
        "text alone, 4 kB": mixed(part(b"We read your meter on Monday.\r\n" * 120, "Content-Type: text/plain")),
        "one document, 280 kB": mixed(encoded(_document(rng, 200_000), "offer.pdf")),
        "three files, 1.4 MB": mixed(*(encoded(_document(rng, 330_000), f"plan{n}.bin") for n in range(3))),
        "one file, 10 MB": mixed(encoded(_document(rng, 7_000_000), "photos.bin")),
    }
    with tempfile.TemporaryDirectory() as temporary:
        clamd = RunningClamd(Path(temporary))
        count = _write_definitions(clamd.folder / "definitions", quarters, rng)
        started = time.perf_counter()
        clamd.start()
        ready = time.perf_counter() - started
        memory = _resident_megabytes(clamd)
        print(f"{count:,} signatures: clamd ready after {ready:.1f} s, {memory:,} MB")
        try:
            rows = {name: _measure(raw, clamd) for name, raw in messages.items()}
        finally:
            clamd.kill()
        sandbox = Path(temporary) / "sandbox"
        sandbox.mkdir()
        cold = cold_start(clamd.folder / "definitions", messages["one document, 280 kB"], sandbox)
        print(cold)
    _write(rows, count, (ready, memory), cold)


def _measure(raw: bytes, clamd: RunningClamd) -> tuple[float, float, float]:
    """Seconds of ours, of clamd alone, and of clamscan; medians of turns taken in alternation."""
    engine = clamd.client
    file = clamd.folder / "message.eml"
    file.write_bytes(raw)
    ours: list[float] = []
    alone: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(ours) < ROUNDS or time.perf_counter() < until:
        alone.append(_seconds(lambda: _clean(engine.scan(raw).verdict)))
        ours.append(_seconds(lambda: _clean(scan_message(raw, engine).verdict)))
    command = ["clamscan", "--no-summary", f"--database={clamd.folder / 'definitions'}", str(file)]
    scans = [_seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(CLAMSCANS)]
    figures = (statistics.median(ours), statistics.median(alone), min(scans))
    print(f"{len(raw):>10,} octets  " + "  ".join(f"{figure * 1000:9.1f} ms" for figure in figures))
    return figures


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _clean(verdict: Verdict) -> None:
    assert verdict is Verdict.CLEAN


def _document(rng: random.Random, octets: int) -> bytes:
    """Half text and half noise, as documents with pictures are."""
    words = b" ".join(
        rng.choice((b"offer", b"meter", b"contract", b"grid", b"energy", b"2026")) for _ in range(octets // 14)
    )
    return words + rng.randbytes(octets - len(words))


def _write_definitions(folder: Path, quarters: int, rng: random.Random) -> int:
    """Random signatures; returns how many."""
    noise = rng.randbytes
    kinds: dict[str, Callable[[int], str]] = {
        "hdb": lambda n: f"{noise(16).hex()}:{1000 + n % 900_000}:Bench.H{n}",
        "hsb": lambda n: f"{noise(32).hex()}:{1000 + n % 900_000}:Bench.S{n}:73",
        "ndb": lambda n: f"Bench.N{n}:{n % 5}:*:{noise(24).hex()}",
    }
    total = 0
    for kind, line in kinds.items():
        number = QUARTER[kind] * quarters
        total += number
        with (folder / f"bench.{kind}").open("w") as file:
            for start in range(0, number, 10_000):
                file.write("".join(f"{line(n)}\n" for n in range(start, min(start + 10_000, number))))
    return total


def _resident_megabytes(clamd: RunningClamd) -> int:
    assert clamd.process is not None
    status = Path(f"/proc/{clamd.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def _write(rows: dict[str, tuple[float, float, float]], count: int, warm: tuple[float, int], cold: ColdStart) -> None:
    ready, memory = warm
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# Scanning",
        "",
        f"Written by `make bench` on {machine}, with {count:,} generated signatures: clamd is ready after {ready:.1f} s and holds",
        f"{memory:,} MB. Milliseconds a message, nothing from a cache; in brackets, how many times as long as the platform's.",
        "",
        "| message | platform | clamd alone, raw message | clamscan a file |",
        "|---|---:|---:|---:|",
    ]
    for name, (ours, alone, clamscan) in rows.items():
        lines.append(
            f"| {name} | {ours * 1000:.1f} | {alone * 1000:.1f} ({alone / ours:.2f}x) | "
            f"{clamscan * 1000:,.0f} ({clamscan / ours:,.0f}x) |"
        )
    lines += [
        "",
        f"The first message of a sandbox takes {cold.first_seconds:.1f} s: definitions, as text here, are fetched over loopback",
        f"and verified, clamd loads them, and 280 kB are scanned; it holds {cold.megabytes:,} MB then. A newer set is loaded",
        f"{cold.reload_seconds:.1f} s after it is looked for, with {cold.peak_megabytes:,} MB at most: the old one scans on.",
        "",
        "The platform has clamd look at the message while it extracts the parts, and then at every part in every reading, up to",
        "four files at once; clamd alone sees what ClamAV's own reading of mail makes of it. Absolute times depend on the",
        "definitions: the ratios count.",
        "",
    ]
    (PROJECT_ROOT / "docs" / "benchmarks" / "scan.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
