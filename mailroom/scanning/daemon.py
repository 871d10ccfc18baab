"""Runs clamd as a child of this process, with the project's own configuration."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

from mailroom.scanning.clamd import Clamd, ClamdError

__all__ = ["Daemon"]

_POLL_SECONDS: Final = 0.05
_END_SECONDS: Final = 5.0
_LOG_SHOWN: Final = 1000


class Daemon:
    """A clamd with its folder: `definitions/` with the caller's and our own signatures, `unpacked/` for temporary files of scans,
    its configuration and its socket.

    Args:
        folder: exists, and is this daemon's alone; its path is short enough for a socket's (108 octets).
        ready_seconds: how long it may take until it scans; the official definitions take about 10 s. Default: 120.
        scan_seconds: how long one scan may take, longer than clamd's MaxScanTime. Default: 120.
        limits: options of clamd with other values than in `clamd.conf`. Default: none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ready_seconds: float = 120.0,
        scan_seconds: float = 120.0,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        self.definitions = folder / "definitions"
        self.definitions.mkdir(exist_ok=True)
        self.client = Clamd(socket_path=str(folder / "clamd.sock"), timeout_seconds=scan_seconds)
        self.process: subprocess.Popen[bytes] | None = None
        # In memory, and emptied at each start: on disk it would grow by a line with each finding.
        self._log = os.memfd_create("clamd.log")
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_APPEND)
        weakref.finalize(self, os.close, self._log)
        self._configuration = folder / "clamd.conf"
        self._ready_seconds = ready_seconds
        self._unpacked = folder / "unpacked"
        own = (
            f"LocalSocket {self.client.socket_path}\nDatabaseDirectory {self.definitions}\n"
            f"TemporaryDirectory {self._unpacked}\n"
        )
        given = dict(limits or {})
        lines = []
        for line in files("mailroom.scanning").joinpath("clamd.conf").read_text().splitlines():
            option = line.partition(" ")[0]
            lines.append(f"{option} {given.pop(option)}" if option in given else line)
        if given:
            raise ValueError(f"clamd.conf: must have {', '.join(sorted(given))}, got no such option")
        text = "\n".join([*lines, ""])
        self._configuration.write_text(text + own)

    @property
    def running(self) -> bool:
        """Whether the process lives, ready or not."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start clamd, and wait until it scans.

        Raises:
            ClamdError: clamd is not installed, ends, or does not scan in time; with the end of its log.
        """
        self.stop()
        argument = f"--config-file={self._configuration}"
        _end_all_with(argument)
        # A clamd that was killed during a scan leaves temporary files.
        shutil.rmtree(self._unpacked, ignore_errors=True)
        self._unpacked.mkdir(exist_ok=True)
        self._add_own_signatures()
        program = shutil.which("clamd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if program is None:
            raise ClamdError("clamd: is not installed here; on Debian it is in clamav-daemon")
        # The kernel kills it at any end of this process: setpriv(1).
        command = ["setpriv", "--pdeathsig", "KILL", program, argument]
        os.ftruncate(self._log, 0)
        self.process = subprocess.Popen(  # noqa: S603 - our own words, no shell
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
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
        """Have clamd load the present `definitions/`; until then it scans with the former ones. Raises `ClamdError`."""
        self._add_own_signatures()
        os.ftruncate(self._log, 0)
        self.client.reload()

    def stop(self) -> None:
        """Kill clamd."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _add_own_signatures(self) -> None:
        """Add signatures for files that the engine cannot open, and calls clean.

        These are archives in formats without a reader in Debian's ClamAV, and Office documents with a password, which
        AlertEncrypted does not detect. The engine finds signatures everywhere, also in archives.

        Source: ECMA-376 part 2 (encrypted packages); [MS-DOC] 2.5.1, [MS-XLS] 2.4.117, [MS-PPT] 2.3.2; OpenDocument 1.3 part 2,
        3.4; PKWARE APPNOTE 4.4.5 (methods); clamav's documentation, "Body-based signature content format".
        """
        own = files("mailroom.scanning").joinpath("unscannable.ndb").read_text()
        (self.definitions / "unscannable.ndb").write_text(own)

    def log(self) -> str:
        """The end of clamd's output since its start or last reload."""
        begin = max(0, os.fstat(self._log).st_size - _LOG_SHOWN)
        return os.pread(self._log, _LOG_SHOWN, begin).decode(errors="replace")


def _end_all_with(argument: str) -> None:
    """Kill processes with exactly this argument: a clamd of an earlier runtime may be left.

    Wait until they have ended: the next clamd uses the same folder and socket.
    """
    deadline = time.monotonic() + _END_SECONDS
    while left := _all_with(argument):
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)


def _all_with(argument: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # A zombie has no arguments any more: proc(5).
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
