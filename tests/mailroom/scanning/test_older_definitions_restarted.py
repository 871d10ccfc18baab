"""A sandbox with a proven set that has to start clamd anew, while the newest set does not load or cannot be had."""

from __future__ import annotations

import pytest

from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.errors import RetryableError
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.scan import scan_message
from tests.mailroom.clamav import TEST_DEFINITIONS
from tests.mailroom.definitions.faults import damage
from tests.mailroom.scanning.hiding import HARMLESS
from tests.mailroom.scanning.sandboxes import NO_SIGNATURE, SECOND_SET, Sandbox


def test_set_that_does_not_load_is_said_why(
    sandbox: Sandbox, first: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    """With what clamd said of it."""
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    sandbox.until_refused()
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert "Malformed database" in caplog.text


@pytest.mark.parametrize("text", [NO_SIGNATURE, f"{TEST_DEFINITIONS}{NO_SIGNATURE}"])
def test_clamd_that_dies_while_the_newest_set_does_not_load(sandbox: Sandbox, first: Manifest, text: str) -> None:
    """It is started with the proven set again, as often as it dies, and with the next good one."""
    sandbox.publish(text)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    for _ in range(2):
        sandbox.kill()
        sandbox.later(minutes=1)
        assert sandbox.scans_with(first)
    assert (OLDER_DEFINITIONS, 1) in sandbox.counted
    newest = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    sandbox.until_loaded(newest)
    sandbox.kill()
    sandbox.forget()
    sandbox.later(minutes=1)
    assert sandbox.scans_with(newest)
    assert sandbox.counted == []


@pytest.mark.parametrize("broken", ["files", "manifest"])
def test_clamd_that_dies_while_the_newest_set_cannot_be_had(sandbox: Sandbox, first: Manifest, broken: str) -> None:
    """The proven set is on this machine."""
    newest = sandbox.publish(SECOND_SET)
    damage(sandbox.s3, sandbox.bucket, newest.key("own.ndb") if broken == "files" else MANIFEST_KEY, "truncated")
    for minutes in (5, 1, 5):
        sandbox.kill()
        sandbox.later(minutes=minutes)
        assert sandbox.scans_with(first)
    assert sandbox.counted == [(OLDER_DEFINITIONS, 1)] * 3


def test_newest_set_that_is_taken_back(sandbox: Sandbox, first: Manifest) -> None:
    """The set from before is published again: it is the one that scans, and nothing is older than it."""
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    sandbox.forget()
    for _ in range(2):
        sandbox.kill()
        sandbox.later(minutes=5)
        assert sandbox.scans_with(first)
    assert sandbox.counted == []


def test_files_that_were_changed_here_are_not_scanned_with(sandbox: Sandbox, first: Manifest) -> None:
    """The proven set without its canary is not the proven set, though it loads."""
    damage(sandbox.s3, sandbox.bucket, MANIFEST_KEY, "empty")
    (sandbox.engine._daemon.definitions / "canary.hsb").unlink()
    sandbox.kill()
    with pytest.raises(RetryableError, match="does not find the canary"):
        sandbox.later(minutes=5)
    with pytest.raises(ClamdError):
        scan_message(HARMLESS["attachment"], sandbox.engine)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.later(minutes=1)
    assert sandbox.scans_with(first)
