"""The mirror's Lambda: one run with real freshclam, and the age that it reports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from emulator import Emulator
from mailroom.definitions.mirror import current
from mailroom.errors import RetryableError
from mailroom.functions.mirror import MirrorSettings, run
from tests.mailroom.clamav import MARKER
from tests.mailroom.definitions.test_mirror import LINE, REGION, Cell, Source, cell, emulator, source

__all__ = ["cell", "emulator", "source"]


def settings(cell: Cell, required: str = "own") -> MirrorSettings:
    """As the function's environment gives them, and a source on loopback."""
    made = MirrorSettings.from_environment(
        {"DEFINITIONS_BUCKET": cell.bucket, "REQUIRED_DATABASES": required, "MINIMUM_SIGNATURES": "1"}
    )
    # freshclam's own databases cannot be had on loopback: without them it only fetches the custom one.
    text = cell.configuration.read_text() + "ExcludeDatabase daily\nExcludeDatabase main\nExcludeDatabase bytecode\n"
    cell.configuration.write_text(text)
    return MirrorSettings(
        bucket=made.bucket,
        required=made.required,
        minimum_signatures=made.minimum_signatures,
        configuration=cell.configuration,
        canary=MARKER,
    )


def ages(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """The ages that were reported as metrics."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    for line in lines:
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert (metrics["Namespace"], metrics["Dimensions"]) == ("EmailSubdomains", [["Definitions"]])
    return [age for line in lines for age in line["Age"]]


def test_run_publishes_and_reports_the_age(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    """A set that was just confirmed is a moment old."""
    assert run(settings(cell), cell.s3) == "published"
    (age,) = ages(capsys)
    assert 0 <= age < 60


def test_run_that_fails_reports_the_age_too(cell: Cell, source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    """The published set grows older; before there is one, as if it were too old to scan with, which alarms."""
    with pytest.raises(RetryableError):
        run(settings(cell, "own daily"), cell.s3)
    assert ages(capsys) == [7 * 86_400]
    cell.refresh()
    source.close()
    with pytest.raises(RetryableError):
        run(settings(cell), cell.s3)
    assert len(ages(capsys)) == 1


RUN = """
import sys
from pathlib import Path
import boto3
from mailroom.functions.mirror import MirrorSettings, run
bucket, configuration, canary = sys.argv[1:]
settings = MirrorSettings(
    bucket=bucket, required=("own",), minimum_signatures=1, configuration=Path(configuration), canary=canary.encode()
)
print(run(settings, boto3.client("s3")))
"""


def test_mirror_that_is_ended_again_and_again(emulator: Emulator, cell: Cell, source: Source, tmp_path: Path) -> None:
    """What a run leaves in /tmp that ran out of time is removed by the next one, and a run to its end leaves nothing."""
    source.publish(LINE + "".join(f"Filler.{number}:0:*:{number:032x}\n" for number in range(5000)))
    made = settings(cell)
    tmp, programs = tmp_path / "tmp", tmp_path / "bin"
    tmp.mkdir()
    programs.mkdir()
    slow = programs / "freshclam"
    slow.write_text(f'#!/bin/sh\n/usr/bin/freshclam "$@"\ntouch {tmp_path}/fetched\nsleep 60\n')
    slow.chmod(0o755)
    environment = {**os.environ, **emulator.environment(REGION), "PATH": os.environ["PATH"], "TMPDIR": str(tmp)}
    command = [sys.executable, "-c", RUN, cell.bucket, str(made.configuration), MARKER.decode()]
    left = set()
    for _ in range(3):
        path = f"{programs}:{environment['PATH']}"
        process = subprocess.Popen(command, env={**environment, "PATH": path}, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (tmp_path / "fetched").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        (tmp_path / "fetched").unlink()
        assert [path.name for path in tmp.iterdir()] == ["mirror-1"]
        left.add(sum(path.stat().st_size for path in tmp.rglob("own.ndb")))
    assert left == {(source.folder / "own.ndb").stat().st_size}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert "published" in done.stdout
    assert [list(path.iterdir()) for path in tmp.iterdir()] == [[]]


def test_settings_that_are_missing() -> None:
    """The variable is named."""
    with pytest.raises(ValueError, match="environment: REQUIRED_DATABASES must be set"):
        MirrorSettings.from_environment({"DEFINITIONS_BUCKET": "definitions"})


def _second(cell: Cell, folder: Path, port: int) -> Path:
    """A configuration like the first one's, with another source."""
    first = cell.configuration.read_text()
    found = folder / "second-freshclam.conf"
    found.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", first))
    return found


def test_second_source_where_the_first_fails(
    cell: Cell, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked then alone; what it has is verified and published, and operators are told by a metric."""
    (tmp_path / "second").mkdir()
    other = Source(tmp_path / "second")
    try:
        other.publish(LINE)
        made = settings(cell)
        port = other.server.server_address[1]
        made = replace(made, second="https://x.example", second_configuration=_second(cell, tmp_path, port))
        assert run(made, cell.s3) == "published"
        assert "SecondSource" not in capsys.readouterr().out
        source.close()
        other.publish(LINE + f"Filler.1:0:*:{1:032x}\n")
        later = time.time() + 60
        os.utime(other.folder / "own.ndb", (later, later))
        assert run(made, cell.s3) == "published"
        lines = [line for line in capsys.readouterr().out.splitlines() if "SecondSource" in line]
        assert len(lines) == 1
        other.publish("broken\n")
        os.utime(other.folder / "own.ndb", (later + 60, later + 60))
        with pytest.raises(RetryableError):
            run(made, cell.s3)
    finally:
        other.close()


def test_forged_files_of_a_second_source_are_refused(
    cell: Cell, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """freshclam takes the configuration with a private mirror, asks it, and verifies ClamAV's signatures: nothing is published."""
    (tmp_path / "forged").mkdir()
    other = Source(tmp_path / "forged")
    try:
        head = "ClamAV-VDB:28 Nov 2026 10-00 +0000:99999:1:90:" + "0" * 32 + ":" + "A" * 300 + ":builder:1795860000"
        for name in ("daily", "main", "bytecode"):
            (other.folder / f"{name}.cvd").write_bytes(head.ljust(512).encode() + b"\x1f\x8b" + bytes(2000))
        source.close()
        made = MirrorSettings(
            bucket=cell.bucket,
            required=("main", "daily", "bytecode"),
            minimum_signatures=1,
            configuration=cell.configuration,
            second=f"http://127.0.0.1:{other.server.server_address[1]}",
        )
        text = "\n".join(line for line in cell.configuration.read_text().splitlines() if "CustomURL" not in line)
        cell.configuration.write_text(text + "\n")
        with pytest.raises(RetryableError):
            run(made, cell.s3)
        assert "SecondSource" in capsys.readouterr().out
        assert current(cell.s3, cell.bucket) is None
        assert "GET /" in "".join(other.asked)
    finally:
        other.close()
