"""A real clamd with the project's own configuration and harmless test signatures."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from mailroom.scanning.clamd import Clamd, ClamdError

__all__ = ["MARKER", "SIGNATURE", "RunningClamd", "running_clamd"]

MARKER: Final = b"MAILROOM-HARMLESS-TEST-MARKER-7f3a91c2"
"""What the test signature finds; nothing else does."""

SIGNATURE: Final = "Mailroom.Test.Marker.UNOFFICIAL"
_START_SECONDS: Final = 30


@dataclass(slots=True, eq=False)
class RunningClamd:
    """One clamd process and its folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    client: Clamd = field(init=False)

    def __post_init__(self) -> None:
        self.client = Clamd(socket_path=str(self.folder / "clamd.sock"), timeout_seconds=120)
        definitions = self.folder / "definitions"
        definitions.mkdir()
        (definitions / "test.ndb").write_text(f"{SIGNATURE.removesuffix('.UNOFFICIAL')}:0:*:{MARKER.hex()}\n")
        text = files("mailroom.scanning").joinpath("clamd.conf").read_text()
        text = text.replace("/tmp/clamd.sock", self.client.socket_path).replace("/tmp/definitions", str(definitions))
        (self.folder / "clamd.conf").write_text(text)

    def start(self) -> None:
        """Run it until it scans."""
        program = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise RuntimeError("clamd: not installed; run `make debian`")
        with (self.folder / "log").open("ab") as log:
            command = [program, "--config-file", str(self.folder / "clamd.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads here
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.client.scan(b"ready?")
            except ClamdError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"clamd does not start: {(self.folder / 'log').read_text()[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def halt(self) -> None:
        """Let it hang: it takes connections and says nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `halt`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running_clamd(folder: Path) -> Iterator[RunningClamd]:
    """A clamd that scans, for as long as the block lasts."""
    clamd = RunningClamd(folder)
    clamd.start()
    try:
        yield clamd
    finally:
        clamd.kill()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
