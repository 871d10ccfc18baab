"""A sandbox with a proven set, and everything that can be wrong with a newer one: real clamd, S3 of the emulator."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.errors import RetryableError
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.engine import WarmEngine
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import TEST_DEFINITIONS
from tests.mailroom.definitions.faults import DAMAGES, damage
from tests.mailroom.scanning.hiding import HARMLESS
from tests.mailroom.scanning.sandboxes import NO_SIGNATURE, NOW, SECOND, SECOND_SET, Sandbox


@pytest.mark.parametrize("kind", DAMAGES)
def test_newest_set_that_is_damaged(sandbox: Sandbox, first: Manifest, kind: str) -> None:
    """The proven set goes on, which is counted at each message, and ends once the newest can be had."""
    newest = sandbox.publish(SECOND_SET)
    damage(sandbox.s3, sandbox.bucket, newest.key("own.ndb"), kind)
    for minutes in (5, 1, 6, 6):
        sandbox.later(minutes=minutes)
        assert sandbox.scans_with(first)
    assert sandbox.counted == [(OLDER_DEFINITIONS, 1)] * 4
    sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    sandbox.until_loaded(newest)
    sandbox.forget()
    sandbox.later(minutes=5)
    assert sandbox.counted == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_manifest_that_is_damaged(sandbox: Sandbox, first: Manifest, tmp_path: Path, kind: str) -> None:
    """The proven set goes on; a sandbox without one has nothing to scan with."""
    damage(sandbox.s3, sandbox.bucket, MANIFEST_KEY, kind)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert sandbox.counted == [(OLDER_DEFINITIONS, 1)]
    (tmp_path / "cold").mkdir()
    cold = WarmEngine(
        s3=sandbox.s3,
        bucket=sandbox.bucket,
        folder=tmp_path / "cold",
        max_age=timedelta(days=7),
        clock=lambda: sandbox.now,
    )
    with pytest.raises(RetryableError, match=r"definitions: .*(?:none are published yet|manifest: )"):
        cold.ensure_ready()
    sandbox.publish(TEST_DEFINITIONS)
    cold.ensure_ready()
    cold.stop()


def test_proven_set_goes_on_until_it_is_too_old(sandbox: Sandbox, first: Manifest) -> None:
    """Its own last confirmation counts, however new the set is that cannot be had."""
    for day in (2, 4, 6):
        sandbox.now = NOW + timedelta(days=day)
        newest = sandbox.publish(f"{SECOND_SET}Newest.Test{day}:0:*:deadbeefdeadbee{day}\n")
        damage(sandbox.s3, sandbox.bucket, newest.key("own.ndb"), "missing")
        sandbox.later()
        assert sandbox.scans_with(first)
    sandbox.later(days=1)
    with pytest.raises(RetryableError, match="definitions: "):
        sandbox.later(seconds=1)
    with pytest.raises(RetryableError, match="definitions: "):
        sandbox.later(minutes=1)
    sandbox.publish(SECOND_SET)
    sandbox.later(minutes=1)
    assert sandbox.engine.submit(SECOND).result().verdict is Verdict.INFECTED


def test_confirmation_of_a_set_that_does_not_load_is_not_the_proven_ones(sandbox: Sandbox, first: Manifest) -> None:
    """A corrupt set that the mirror confirms day by day keeps no older one young."""
    for day in range(8):
        sandbox.now = NOW + timedelta(days=day)
        sandbox.publish(NO_SIGNATURE)
        sandbox.later()
        assert sandbox.scans_with(first)
    assert (OLDER_DEFINITIONS, 1) in sandbox.counted
    with pytest.raises(RetryableError, match=r"definitions: |clamd: "):
        sandbox.later(seconds=1)


def test_sandbox_that_slept_for_long(sandbox: Sandbox, first: Manifest) -> None:
    """What it has is too old, what is published is not: it waits for that one, and loses no message to it."""
    sandbox.now = NOW + timedelta(days=30)
    newest = sandbox.publish(SECOND_SET)
    sandbox.later()
    assert sandbox.scans_with(newest)
    assert sandbox.counted == []


def test_set_from_the_future(sandbox: Sandbox) -> None:
    """A manifest that was confirmed next year would be young for ever: it is none."""
    sandbox.now = NOW + timedelta(days=365)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.now = NOW
    with pytest.raises(RetryableError, match="last confirmed at 2027-11-23"):
        sandbox.engine.ensure_ready()


def test_confirmation_from_the_future(sandbox: Sandbox, first: Manifest) -> None:
    """It is none, and the set that is proven keeps its own; the next confirmation counts again."""
    sandbox.now = NOW + timedelta(days=365)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.now = NOW
    sandbox.later(days=6)
    assert sandbox.scans_with(first)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.later(days=6)
    assert sandbox.scans_with(first)


def test_set_that_was_loaded_and_not_looked_at(sandbox: Sandbox, first: Manifest) -> None:
    """A sandbox without a message since the newest set was loaded is in no trouble."""
    newest = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    deadline = time.monotonic() + 30
    while sandbox.engine.submit(SECOND).result().verdict is Verdict.CLEAN:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sandbox.later(minutes=5)
    assert sandbox.counted == []
    assert sandbox.scans_with(newest)


def test_engine_that_lost_its_canary_is_started_again(sandbox: Sandbox, first: Manifest) -> None:
    """It scans nothing until then: not with what nobody knows."""
    (sandbox.engine._daemon.definitions / "canary.hsb").unlink()
    sandbox.engine._daemon.reload()
    with pytest.raises(ClamdError, match="does not find the canary"):
        sandbox.scan_for(20, HARMLESS["attachment"])
    sandbox.later(minutes=1)
    assert sandbox.scans_with(first)


def test_no_room_for_the_newest_set(sandbox: Sandbox, first: Manifest) -> None:
    """Nothing can be put where it is fetched to: the proven set goes on."""
    newest = sandbox.publish(SECOND_SET)
    incoming = sandbox.engine._folder / "incoming"
    incoming.write_text("in the way")
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert sandbox.counted == [(OLDER_DEFINITIONS, 1)]
    incoming.unlink()
    sandbox.later(minutes=5)
    sandbox.until_loaded(newest)


def test_one_set_is_kept(sandbox: Sandbox, first: Manifest) -> None:
    """Two while a newer one is not proven; one again after it was."""
    folder = sandbox.engine._folder
    for number in range(3):
        newest = sandbox.publish(f"{SECOND_SET}Newest.Test{number}:0:*:deadbeefdeadbee{number}\n")
        sandbox.later(minutes=5)
        sandbox.until_loaded(newest)
        assert len(list(folder.rglob("own.ndb"))) == 1
    for number in range(3):
        sandbox.publish(f"{NO_SIGNATURE}{number}\n")
        sandbox.later(minutes=5)
        assert sandbox.scans_with(newest)
        assert len(list(folder.rglob("own.ndb"))) == 2
