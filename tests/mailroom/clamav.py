"""A real clamd with the project's own configuration and harmless test signatures."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mailroom.scanning.clamd import Clamd
from mailroom.scanning.daemon import Daemon

__all__ = ["EICAR", "EICAR_DEFINITIONS", "MARKER", "SIGNATURE", "TEST_DEFINITIONS", "RunningClamd", "running_clamd"]

MARKER: Final = b"MAILROOM-HARMLESS-TEST-MARKER-7f3a91c2"
"""What the test signature finds; nothing else does."""

SIGNATURE: Final = "Mailroom.Test.Marker.UNOFFICIAL"
TEST_DEFINITIONS: Final = f"{SIGNATURE.removesuffix('.UNOFFICIAL')}:0:*:{MARKER.hex()}\n"

EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + b"$H+H*"
"""The test file that every virus scanner knows; in two pieces here, so that none takes this file for it."""
EICAR_DEFINITIONS: Final = f"Mailroom.Test.Eicar:0:0:{EICAR.hex()}\n"
"""Found where a file begins with it, and nowhere else: whoever does not open a container does not find it."""


class RunningClamd:
    """One clamd and its folder, run as the scanner runs it."""

    def __init__(self, folder: Path, definitions: str = TEST_DEFINITIONS) -> None:
        self.folder = folder
        self.daemon = Daemon(folder, ready_seconds=60, scan_seconds=120)
        (self.daemon.definitions / "test.ndb").write_text(definitions)

    @property
    def client(self) -> Clamd:
        """Speaks with it."""
        return self.daemon.client

    def start(self) -> None:
        """Run it until it scans."""
        self.daemon.start()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.daemon.stop()

    def halt(self) -> None:
        """Let it hang: it takes connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `halt`."""
        self.process.send_signal(signal.SIGCONT)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """It, while it runs."""
        assert self.daemon.process is not None
        return self.daemon.process


@contextmanager
def running_clamd(folder: Path, definitions: str = TEST_DEFINITIONS) -> Iterator[RunningClamd]:
    """A clamd that scans, for as long as the block lasts."""
    clamd = RunningClamd(folder, definitions)
    clamd.start()
    try:
        yield clamd
    finally:
        clamd.kill()
