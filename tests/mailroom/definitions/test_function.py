"""The mirror's Lambda: one run with real freshclam, and the age that it reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulator import Emulator
from mailroom.definitions.function import MirrorSettings, run
from mailroom.errors import RetryableError
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
from mailroom.definitions.function import MirrorSettings, run
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
