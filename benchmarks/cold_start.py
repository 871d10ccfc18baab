"""A sandbox's first message: definitions fetched and verified, clamd started, one message scanned; and a newer set loaded after."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from emulator import Emulator
from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.scanning.engine import WarmEngine
from mailroom.scanning.scan import scan_message

__all__ = ["ColdStart", "cold_start"]

_REGION: Final = "eu-central-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStart:
    """What was measured.

    Args:
        first_seconds: from nothing to the verdict on the first message; definitions are fetched over loopback.
        megabytes: that clamd holds then.
        reload_seconds: from a newer set's publication, once looked for, to the first verdict with it.
        peak_megabytes: the most that clamd held meanwhile.
    """

    first_seconds: float
    megabytes: int
    reload_seconds: float
    peak_megabytes: int


def cold_start(definitions: Path, message: bytes, folder: Path) -> ColdStart:
    """Measure with the definitions in a folder; `folder` is empty, and large enough for them twice."""
    now = datetime.now(UTC)
    time_passed = timedelta()
    with Emulator() as emulator:
        s3 = emulator.client("s3", _REGION)
        s3.create_bucket(Bucket="definitions", CreateBucketConfiguration={"LocationConstraint": _REGION})
        _publish(s3, definitions, now)
        engine = WarmEngine(
            s3=s3, bucket="definitions", folder=folder, max_age=timedelta(days=7), clock=lambda: now + time_passed
        )
        try:
            started = time.perf_counter()
            engine.ensure_ready()
            scan_message(message, engine)
            first = time.perf_counter() - started
            resident = _megabytes("VmRSS")

            (definitions / "newer.ndb").write_text(f"Bench.Newer:0:*:{b'newer set of definitions'.hex()}\n")
            newer = _publish(s3, definitions, now)
            time_passed += timedelta(minutes=5)
            started = time.perf_counter()
            engine.ensure_ready()
            while not engine.version().endswith(newer.version[:16]):
                time.sleep(0.05)
            reload = time.perf_counter() - started
            peak = _megabytes("VmHWM")
        finally:
            engine.stop()
            shutil.rmtree(folder)
    return ColdStart(
        first_seconds=first,
        megabytes=resident,
        reload_seconds=reload,
        peak_megabytes=peak,
    )


def _megabytes(field: str) -> int:
    """Of the one clamd that this process started."""
    (pid,) = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()[-1:]
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")[2].split()[0]) // 1024


def _publish(s3: Any, definitions: Path, now: datetime) -> Manifest:
    files = {}
    for path in definitions.iterdir():
        with path.open("rb") as file:
            files[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = Manifest(files=files, signatures=len(files), created=now, checked=now)
    for name in files:
        s3.upload_file(str(definitions / name), "definitions", manifest.key(name))
    s3.put_object(Bucket="definitions", Key=MANIFEST_KEY, Body=manifest.to_json())
    return manifest
