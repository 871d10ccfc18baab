"""Sandboxes of the scanner: a warm engine with a real clamd, a bucket of the emulator's that it loads from, and a clock."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from emulator.definitions import publish
from mailroom.definitions.manifest import Manifest
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.engine import WarmEngine
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import MARKER, SIGNATURE, TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN

__all__ = ["NOW", "NO_SIGNATURE", "REGION", "SECOND", "SECOND_SET", "Sandbox", "SmallSandbox"]

REGION: Final = "eu-central-1"
NOW: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND: Final = b"ANOTHER-HARMLESS-MARKER-55d0"
"""What only the second set finds."""

SECOND_SET: Final = f"{TEST_DEFINITIONS}Mailroom.Second:0:*:{SECOND.hex()}\n"
NO_SIGNATURE: Final = "this is no signature\n"


class Sandbox:
    """One engine, the bucket it loads from, its time, and what it counted."""

    def __init__(self, s3: Any, folder: Path, *, concurrent_reload: bool = True) -> None:
        self.s3 = s3
        self.now = NOW
        self.counted: list[tuple[str, int]] = []
        self.bucket = f"definitions-{os.urandom(4).hex()}"
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.engine = WarmEngine(
            s3=s3,
            bucket=self.bucket,
            folder=folder,
            max_age=timedelta(days=7),
            clock=lambda: self.now,
            concurrent_reload=concurrent_reload,
        )

    def publish(self, text: str) -> Manifest:
        """Make a set of one file the current one."""
        return publish(self.s3, self.bucket, text, self.now)

    def later(self, **time: int) -> None:
        """Let time pass, and use the engine as the next invocation does, with its counter."""
        self.now += timedelta(**time)
        self.engine.ensure_ready(lambda name, number: self.counted.append((name, number)))

    def scans_with(self, manifest: Manifest) -> bool:
        """Whether it scans, and with that set."""
        assert self.verdict(HARMLESS["attachment"]) is Verdict.CLEAN
        assert self.verdict(HIDDEN["attachment"]) is Verdict.INFECTED
        return self.engine.version().endswith(f"set {manifest.version[:16]}")

    def verdict(self, message: bytes) -> Verdict:
        """Of a message, which is scanned again where a newer set was loaded in the middle."""
        try:
            return scan_message(message, self.engine).verdict
        except ClamdError as error:
            assert "definitions changed during the scan" in str(error)  # noqa: PT017 - most are scanned at once
            return scan_message(message, self.engine).verdict

    def until_loaded(self, manifest: Manifest) -> None:
        """Wait for a reload, asked for again every five minutes; every scan meanwhile must be one."""
        deadline = time.monotonic() + 30
        while not self.engine.version().endswith(manifest.version[:16]):
            assert self.engine.submit(MARKER).result().signature == SIGNATURE
            assert time.monotonic() < deadline
            time.sleep(0.05)
            self.later(minutes=1)

    def until_refused(self) -> None:
        """Wait until clamd has said that the newest set does not load."""
        deadline = time.monotonic() + 30
        while "Malformed database" not in self.engine._daemon.log():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def scan_for(self, seconds: float, message: bytes) -> None:
        """Scan it again and again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            scan_message(message, self.engine)
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of clamd."""
        process = self.engine._daemon.process
        assert process is not None
        return process.pid

    def kill(self) -> None:
        """End clamd, as running out of memory does."""
        os.kill(self.pid, 9)
        process = self.engine._daemon.process
        assert process is not None
        process.wait()

    def forget(self) -> None:
        """Nothing was counted so far."""
        self.counted.clear()


class SmallSandbox(Sandbox):
    """A sandbox that has room for one set, and counts how often clamd was started."""

    def __init__(self, s3: Any, folder: Path) -> None:
        super().__init__(s3, folder, concurrent_reload=False)
        self.starts = 0
        daemon = self.engine._daemon
        start = daemon.start

        def counted_start() -> None:
            self.starts += 1
            start()

        daemon.start = counted_start  # type: ignore[method-assign]
        daemon.reload = self._never  # type: ignore[method-assign]

    @staticmethod
    def _never() -> None:
        raise AssertionError("two sets would be in memory at once")
