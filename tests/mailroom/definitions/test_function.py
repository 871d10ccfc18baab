"""The mirror's Lambda: one run with real freshclam, and the age that it reports."""

from __future__ import annotations

import json

import pytest

from mailroom.definitions.function import MirrorSettings, run
from mailroom.errors import RetryableError
from tests.mailroom.clamav import MARKER
from tests.mailroom.definitions.test_mirror import Cell, Source, cell, emulator, source

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
    """The published set grows older; before there is one, nothing is reported, which alarms."""
    with pytest.raises(RetryableError):
        run(settings(cell, "own daily"), cell.s3)
    assert ages(capsys) == []
    cell.refresh()
    source.close()
    with pytest.raises(RetryableError):
        run(settings(cell), cell.s3)
    assert len(ages(capsys)) == 1


def test_settings_that_are_missing() -> None:
    """The variable is named."""
    with pytest.raises(ValueError, match="environment: REQUIRED_DATABASES must be set"):
        MirrorSettings.from_environment({"DEFINITIONS_BUCKET": "definitions"})
