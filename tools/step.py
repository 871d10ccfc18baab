"""Runs one long step: says what it does, how far it is, and in one line how to mend it when it fails.

`python tools/step.py [--total N] TITLE -- COMMAND [ARGUMENT...]`; the exit code is the command's.
"""

from __future__ import annotations

import argparse
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.remedies import remedy_of

__all__ = ["main", "run"]

TERMINAL_SECONDS: Final = 0.2
LOG_SECONDS: Final = 15.0
_SHOWN: Final = 60
_COLLECTED: Final = re.compile(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
_UNPACKED: Final = re.compile(r"Installing collected packages: (.*)")


class Progress:
    """How far pip is, by what it prints; other tools print nothing that tells it."""

    def __init__(self, total: int = 0) -> None:
        self._total = total
        self._count = 0
        self._state = ""

    def read(self, line: str) -> None:
        """Take one line of the tool's."""
        if line.startswith("Ignoring "):  # another platform's
            self._total -= 1
        elif found := _COLLECTED.match(line.strip()):
            self._count += 1
            of = f" of {max(self._total, self._count)}" if self._total else ""
            self._state = f"{self._count}{of}: {found[1]}"
        elif found := _UNPACKED.match(line.strip()):
            self._state = f"unpacking {found[1].count(',') + 1}"

    def text(self, seconds: float) -> str:
        """One line."""
        return f"  {self._state or 'working'}, {seconds:.0f} s"


def run(title: str, command: Sequence[str], *, total: int = 0, out: TextIO | None = None) -> int:
    """Run `command` and tell of it; returns its exit code, 127 when there is no such program.

    Args:
        title: what the step does.
        command: program and arguments.
        total: packages that pip is to install. Default: unknown.
        out: where to tell. Default: standard output. On a terminal one line is written over and over, elsewhere one each
            15 seconds.
    """
    out = out or sys.stdout
    terminal = out.isatty()
    progress, started = Progress(total), time.monotonic()
    print(f"{title} ...", file=out, flush=True)
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            printed = _follow(process, progress, out, terminal=terminal, started=started)
    except FileNotFoundError as error:
        print(f"install: {title}: program is missing, got {error.filename}; run: make install", file=out)
        return 127
    if terminal:
        print("\r\x1b[K", end="", file=out)
    if process.returncode == 0:
        print(f"  done in {time.monotonic() - started:.0f} s", file=out, flush=True)
        return 0
    print("\n".join(printed[-_SHOWN:]), file=out)
    remedy = remedy_of(printed)
    print(
        f"install: {title}: {remedy.problem}, got exit code {process.returncode}; {remedy.action}", file=out, flush=True
    )
    return process.returncode


def _follow(
    process: subprocess.Popen[str], progress: Progress, out: TextIO, *, terminal: bool, started: float
) -> list[str]:
    """The process's whole output, after its end; progress is shown meanwhile."""
    told = started
    printed = []
    for line in _lines(process, TERMINAL_SECONDS if terminal else LOG_SECONDS):
        if line is not None:
            printed.append(line)
            progress.read(line)
        now = time.monotonic()
        if now - told >= (TERMINAL_SECONDS if terminal else LOG_SECONDS):
            told = now
            text = progress.text(now - started)
            print(f"\r{text[:79]}\x1b[K" if terminal else text, end="" if terminal else "\n", file=out, flush=True)
    return printed


def _lines(process: subprocess.Popen[str], seconds: float) -> Iterator[str | None]:
    """Each line as it comes, and None when none came for so long."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip("\n"))
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description="run one long step, and tell of it")
    parser.add_argument("--total", type=int, default=0, help="packages that pip is to install")
    parser.add_argument("title")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    try:
        return run(options.title, options.command, total=options.total)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
