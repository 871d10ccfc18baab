"""Runs clamd as a child of this process, with the project's own configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from importlib.resources import files
from pathlib import Path
from typing import Final

from mailroom.scanning.clamd import Clamd, ClamdError

__all__ = ["Daemon"]

_POLL_SECONDS: Final = 0.05
_LOG_SHOWN: Final = 1000


class Daemon:
    """A clamd with its folder: `definitions/`, which the caller fills and our own signatures go into, its configuration, its
    socket and its log.

    Args:
        folder: exists, and is this daemon's alone; its path is short enough for a socket's (108 octets).
        ready_seconds: how long it may take until it scans; the official definitions take about 10 s. Default: 120.
        scan_seconds: how long one scan may take, longer than clamd's MaxScanTime. Default: 120.
    """

    def __init__(self, folder: Path, *, ready_seconds: float = 120.0, scan_seconds: float = 120.0) -> None:
        self.definitions = folder / "definitions"
        self.definitions.mkdir(exist_ok=True)
        self.client = Clamd(socket_path=str(folder / "clamd.sock"), timeout_seconds=scan_seconds)
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "clamd.log"
        self._configuration = folder / "clamd.conf"
        self._ready_seconds = ready_seconds
        own = f"LocalSocket {self.client.socket_path}\nDatabaseDirectory {self.definitions}\n"
        self._configuration.write_text(files("mailroom.scanning").joinpath("clamd.conf").read_text() + own)

    @property
    def running(self) -> bool:
        """Whether the process lives; whether it scans is another question."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Run it until it scans.

        Raises:
            ClamdError: it is not installed, ends, or does not scan in time; with the end of its log.
        """
        self.stop()
        self._add_own_signatures()
        program = shutil.which("clamd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if program is None:
            raise ClamdError("clamd: is not installed here; on Debian it is in clamav-daemon")
        # The kernel ends it with this process, however that ends: setpriv(1).
        command = ["setpriv", "--pdeathsig", "KILL", program, f"--config-file={self._configuration}"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own words, no shell
        deadline = time.monotonic() + self._ready_seconds
        while True:
            try:
                self.client.scan(b"ready?")
            except ClamdError:
                if not self.running or time.monotonic() > deadline:
                    self.stop()
                    raise ClamdError(f"clamd: does not start: {self.log()}") from None
                time.sleep(_POLL_SECONDS)
            else:
                return

    def reload(self) -> None:
        """Have it load what is in `definitions/` now; meanwhile it goes on with what it has. Raises `ClamdError`."""
        self._add_own_signatures()
        self.client.reload()

    def stop(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _add_own_signatures(self) -> None:
        """Besides the caller's definitions: for what the engine takes for clean because it cannot open it.

        Archives in formats that Debian's ClamAV has no reader for, and Office documents with a password, which AlertEncrypted
        does not know. As signatures they are found wherever the engine gets to, also in archives.

        Source: ECMA-376 part 2 (encrypted packages); [MS-DOC] 2.5.1, [MS-XLS] 2.4.117, [MS-PPT] 2.3.2; OpenDocument 1.3 part 2,
        3.4; PKWARE APPNOTE 4.4.5 (methods); clamav's documentation, "Body-based signature content format".
        """
        own = files("mailroom.scanning").joinpath("sealed.ndb").read_text()
        (self.definitions / "sealed.ndb").write_text(own)

    def log(self) -> str:
        """The end of what it printed."""
        return self._log.read_text(errors="replace")[-_LOG_SHOWN:] if self._log.exists() else ""
