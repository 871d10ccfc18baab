"""A sandbox whose memory holds one set of definitions: clamd is started again for a newer one. Real clamd, S3 of the emulator."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.errors import RetryableError
from mailroom.functions.scanner_settings import Settings
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import TEST_DEFINITIONS
from tests.mailroom.definitions.faults import DAMAGES, damage
from tests.mailroom.scanning.hiding import HARMLESS
from tests.mailroom.scanning.sandboxes import NO_SIGNATURE, NOW, SECOND, SECOND_SET, Sandbox, SmallSandbox


@pytest.fixture
def sandbox_type() -> type[Sandbox]:
    """One that has room for one set."""
    return SmallSandbox


def test_newer_set_is_there_before_the_next_message(sandbox: SmallSandbox, first: Manifest) -> None:
    """One clamd at a time: the old one has ended, with its memory, before the new one loads."""
    old = sandbox.pid
    newer = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=4)
    assert sandbox.scans_with(first)
    sandbox.later(minutes=1)
    assert not Path(f"/proc/{old}").exists()
    assert sandbox.scans_with(newer)
    assert sandbox.engine.submit(SECOND).result().verdict is Verdict.INFECTED
    assert (sandbox.starts, sandbox.counted) == (2, [])
    assert len(list(sandbox.engine._folder.rglob("own.ndb"))) == 1
    sandbox.later(hours=1)
    assert sandbox.starts == 2


@pytest.mark.parametrize("text", [NO_SIGNATURE, f"{TEST_DEFINITIONS}{NO_SIGNATURE}"])
def test_newer_set_that_does_not_load(
    sandbox: SmallSandbox, first: Manifest, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The proven set scans the very message that the newer one was to scan; no other message waits for it within the hour."""
    sandbox.publish(text)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert (sandbox.starts, sandbox.counted) == (3, [(OLDER_DEFINITIONS, 1)])
    assert "does not load: clamd: does not start: " in caplog.text
    assert "Malformed database" in caplog.text
    for _ in range(11):
        sandbox.later(minutes=5)
        assert sandbox.scans_with(first)
    assert (sandbox.starts, sandbox.counted) == (3, [(OLDER_DEFINITIONS, 1)] * 12)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert sandbox.starts == 5
    good = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(good)
    assert sandbox.starts == 6
    sandbox.counted.clear()
    sandbox.later(minutes=5)
    assert sandbox.counted == []


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("what", ["files", "manifest"])
def test_newer_set_that_cannot_be_had(sandbox: SmallSandbox, first: Manifest, kind: str, what: str) -> None:
    """The clamd that runs goes on; it is not started again for nothing."""
    newest = sandbox.publish(SECOND_SET)
    damage(sandbox.s3, sandbox.bucket, newest.key("own.ndb") if what == "files" else MANIFEST_KEY, kind)
    for _ in range(2):
        sandbox.later(minutes=5)
        assert sandbox.scans_with(first)
    assert (sandbox.starts, sandbox.counted) == (1, [(OLDER_DEFINITIONS, 1)] * 2)
    newest = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(newest)


def test_set_that_is_taken_back(sandbox: SmallSandbox, first: Manifest) -> None:
    """The set from before is published again: it scans already."""
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.counted.clear()
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert (sandbox.starts, sandbox.counted) == (3, [])


def test_clamd_that_dies_beside_a_set_that_does_not_load(sandbox: SmallSandbox, first: Manifest) -> None:
    """It is started with the proven set again, as often as it dies."""
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    for _ in range(2):
        sandbox.kill()
        sandbox.later(minutes=1)
        assert sandbox.scans_with(first)


def test_proven_set_that_became_too_old(sandbox: SmallSandbox, first: Manifest) -> None:
    """Beside a set that does not load it scans for seven days, and no longer."""
    for day in range(8):
        sandbox.now = NOW + timedelta(days=day)
        sandbox.publish(NO_SIGNATURE)
        sandbox.later()
        assert sandbox.scans_with(first)
    with pytest.raises(RetryableError, match=r"definitions: |clamd: "):
        sandbox.later(seconds=1)
    with pytest.raises(ClamdError):
        scan_message(HARMLESS["attachment"], sandbox.engine)


ENVIRONMENT = {
    "DEFINITIONS_BUCKET": "definitions",
    "MAX_DEFINITIONS_AGE_HOURS": "168",
    "MAX_RECEIVES": "5",
    "SCANNER_NAME": "scanner",
    "EVENT_BUS": "default",
}


@pytest.mark.parametrize(
    ("memory", "reloads"), [("2048", False), ("3008", False), ("4095", False), ("4096", True), ("10240", True)]
)
def test_memory_decides(memory: str, *, reloads: bool) -> None:
    """As Lambda says it; where nobody does, one set is held."""
    settings = Settings.from_environment({**ENVIRONMENT, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})
    assert (settings.memory_mib, settings.concurrent_reload) == (int(memory), reloads)
    assert not Settings.from_environment(ENVIRONMENT).concurrent_reload
