"""A runtime that is ended and started again in the same sandbox, whose /tmp stays: real clamd, S3 of the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.definitions import publish
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.daemon import Daemon
from tests.mailroom.clamav import MARKER, SIGNATURE, TEST_DEFINITIONS
from tests.mailroom.scanning.conftest import REGION

RUNTIME = """
import sys
from mailroom.functions.scanner import _sandbox
_, engine, _ = _sandbox()
engine.ensure_ready()
print(engine._daemon.process.pid, engine.version().rpartition(" ")[2], flush=True)
with open(sys.stdin.readline().strip(), "rb") as file:
    engine.submit(file.read()).result()
sys.stdin.readline()
"""
FILLER = "".join(f"Filler.{number}:0:*:{number:032x}\n" for number in range(5000))


class Place:
    """A sandbox's /tmp, and the settings of its function."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.tmp = folder
        s3 = emulator.client("s3", REGION)
        bucket = f"definitions-{os.urandom(4).hex()}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.manifest = publish(s3, bucket, TEST_DEFINITIONS + FILLER)
        self.environment = {
            **os.environ,
            **emulator.environment(REGION),
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "DEFINITIONS_BUCKET": bucket,
            "MAX_RECEIVES": "5",
            "MAX_DEFINITIONS_AGE_HOURS": "168",
            "SCANNER_NAME": "scanner",
            "EVENT_BUS": "default",
        }

    @contextmanager
    def runtime(self) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """One that is ready to scan, and its clamd's process; ended as Lambda ends it after a time-out."""
        process = subprocess.Popen(
            [sys.executable, "-c", RUNTIME],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            said = process.stdout.readline().decode().split()
            assert said[1:] == [self.manifest.version[:16]]
            yield process, int(said[0])
        finally:
            process.kill()
            process.communicate()

    def octets(self) -> int:
        """All that is in /tmp."""
        octets = 0
        for folder, _, names in os.walk(self.tmp):
            for name in names:
                with suppress(FileNotFoundError):
                    octets += (Path(folder) / name).stat().st_size
        return octets


def eventually(what: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


@pytest.fixture
def place(emulator: Emulator, tmp_path: Path) -> Place:
    """A sandbox in which nothing has run yet."""
    folder = tmp_path / "t"
    folder.mkdir()
    return Place(emulator, folder)


def test_same_octets_after_every_start(place: Place) -> None:
    """However often the runtime is ended: one folder, one set."""
    seen = set()
    for _ in range(8):
        with place.runtime():
            seen.add(place.octets())
            assert [path.name for path in place.tmp.iterdir()] == ["scanner-1"]
    assert len(seen) == 1
    assert seen.pop() > len(FILLER)


def test_what_was_unpacked_goes_with_the_runtime(place: Place, tmp_path: Path) -> None:
    """One that is ended in the middle of a scan leaves what its clamd had unpacked; the next one removes it."""
    with zipfile.ZipFile(tmp_path / "deep.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.bin", bytes(1_000_000_000))
    with place.runtime():
        before = place.octets()
    for _ in range(2):
        with place.runtime() as (process, _pid):
            assert place.octets() == before
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / 'deep.zip'}\n".encode())
            process.stdin.flush()
            eventually(lambda: place.octets() > before + 1_000_000)
        assert place.octets() > before
    with place.runtime():
        assert place.octets() == before
        assert [path.name for path in place.tmp.iterdir()] == ["scanner-1"]


def test_clamd_that_was_left_disturbs_nobody(place: Place) -> None:
    """One that outlived its runtime holds the folder, the socket and the memory: the next start ends it."""
    left = None
    for _ in range(3):
        with place.runtime() as (_process, pid):
            assert left is None or not Path(f"/proc/{left.pid}/cmdline").read_bytes()
            configuration = place.tmp / "scanner-1" / "clamd.conf"
            answer = Clamd(socket_path=str(place.tmp / "scanner-1" / "clamd.sock")).scan(MARKER)
            assert answer.signature == SIGNATURE
            if left is not None:
                left.wait()
            program = Path(f"/proc/{pid}/exe").readlink()
            # Without setpriv(1), as when the runtime ended before that had asked the kernel.
            left = subprocess.Popen([program, f"--config-file={configuration}"], stdout=subprocess.DEVNULL)
    assert left is not None
    left.kill()
    left.wait()


def test_only_clamds_of_the_same_folder_are_ended(tmp_path: Path) -> None:
    """Others on the machine go on."""
    daemons = []
    for name in ("a", "a1"):
        (tmp_path / name).mkdir()
        daemons.append(Daemon(tmp_path / name))
        (daemons[-1].definitions / "test.ndb").write_text(TEST_DEFINITIONS)
        daemons[-1].start()
    try:
        again = Daemon(tmp_path / "a")
        again.start()
        assert not daemons[0].running
        assert daemons[1].running
        assert daemons[1].client.scan(MARKER).signature == SIGNATURE
        again.stop()
    finally:
        for daemon in daemons:
            daemon.stop()
