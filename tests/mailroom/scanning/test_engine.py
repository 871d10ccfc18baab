"""A warm engine: real clamd, sets of definitions in the emulator's S3, and everything that goes wrong with them."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from mailroom.errors import RetryableError
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import MARKER, SIGNATURE, TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN
from tests.mailroom.scanning.sandboxes import NO_SIGNATURE, SECOND, SECOND_SET, Sandbox


def test_started_once(sandbox: Sandbox) -> None:
    """The first message waits for clamd, the next ones find it; its version names the set."""
    manifest = sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    pid = sandbox.pid
    sandbox.later(hours=1)
    assert sandbox.pid == pid
    assert sandbox.engine.version().endswith(f"set {manifest.version[:16]}")
    assert scan_message(HIDDEN["attachment"], sandbox.engine).verdict is Verdict.INFECTED
    assert scan_message(HARMLESS["attachment"], sandbox.engine).verdict is Verdict.CLEAN


def test_newer_set_is_loaded_without_a_gap(sandbox: Sandbox) -> None:
    """Looked for every five minutes; the old set scans until the new one does."""
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    pid = sandbox.pid
    newer = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=4)
    assert not sandbox.engine.version().endswith(newer.version[:16])
    sandbox.later(minutes=1)
    sandbox.until_loaded(newer)
    assert sandbox.engine.submit(SECOND).result().verdict is Verdict.INFECTED
    assert sandbox.pid == pid


def test_clamd_that_died_is_started_again(sandbox: Sandbox) -> None:
    """Without it a scan is an error, and the next message finds it running."""
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    os.kill(sandbox.pid, 9)
    with pytest.raises(ClamdError):
        scan_message(HARMLESS["attachment"], sandbox.engine)
    sandbox.engine._daemon.process.wait()  # type: ignore[union-attr]
    sandbox.engine.ensure_ready()
    assert scan_message(HARMLESS["attachment"], sandbox.engine).verdict is Verdict.CLEAN


def test_no_definitions_yet(sandbox: Sandbox) -> None:
    """Mail that comes before the first set waits for it."""
    with pytest.raises(RetryableError, match="none are published yet; run the mirror"):
        sandbox.engine.ensure_ready()
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()


def test_stale_definitions_scan_nothing(sandbox: Sandbox) -> None:
    """A mirror that has failed for a week is not trusted any more, by a warm engine neither; a confirmed set is."""
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    with pytest.raises(RetryableError, match=r"were last confirmed at 2026-11-23T10:00:00\+00:00, more than 7 days"):
        sandbox.later(days=7, seconds=1)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.later(minutes=5)


def test_set_that_is_not_what_was_published(sandbox: Sandbox) -> None:
    """A file changed in the bucket is not loaded: nothing is scanned at the start, and an older set goes on."""
    manifest = sandbox.publish(TEST_DEFINITIONS)
    sandbox.s3.put_object(Bucket=sandbox.bucket, Key=manifest.key("own.ndb"), Body=TEST_DEFINITIONS + "\n")
    with pytest.raises(RetryableError, match="is not what the manifest says"):
        sandbox.engine.ensure_ready()
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    bad = sandbox.publish(SECOND_SET)
    sandbox.s3.put_object(Bucket=sandbox.bucket, Key=bad.key("own.ndb"), Body=b"")
    sandbox.later(minutes=5)
    assert not sandbox.engine.version().endswith(bad.version[:16])
    assert sandbox.engine.submit(MARKER).result().signature == SIGNATURE


def test_set_that_does_not_load(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A corrupt database, published all the same: the old one goes on, it is logged, and the next good one is loaded."""
    good = sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    sandbox.engine.version()
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    sandbox.until_refused()
    assert sandbox.engine.version().endswith(good.version[:16])
    assert scan_message(HIDDEN["attachment"], sandbox.engine).verdict is Verdict.INFECTED
    sandbox.later(minutes=5)
    assert "does not load" in caplog.text
    newer = sandbox.publish(SECOND_SET)
    sandbox.later(minutes=5)
    sandbox.until_loaded(newer)


def test_corrupt_set_at_the_start(sandbox: Sandbox) -> None:
    """Nothing is scanned with half a set: clamd does not start, and its log says why."""
    sandbox.publish(f"{TEST_DEFINITIONS}this is no signature\n")
    with pytest.raises(RetryableError, match=r"clamd: does not start: (?s:.*)Malformed database"):
        sandbox.engine.ensure_ready()


def test_out_of_memory_is_no_clean_file(sandbox: Sandbox) -> None:
    """With no memory left, clamd answers an error or dies; either way nothing is known of the message."""
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    with Path(f"/proc/{sandbox.pid}/statm").open() as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.prlimit(sandbox.pid, resource.RLIMIT_AS, (used + 1_000_000, used + 1_000_000))
    big = b"Subject: big\r\n\r\n" + os.urandom(1 << 20).hex().encode() * 10
    with pytest.raises(ClamdError):
        sandbox.scan_for(20, big)


def test_engine_that_finds_nothing_any_more(sandbox: Sandbox) -> None:
    """One that answers, and does not find its canary, is not trusted."""
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    (sandbox.engine._daemon.definitions / "canary.hsb").unlink()
    sandbox.engine._daemon.reload()
    with pytest.raises(ClamdError, match="does not find the canary"):
        sandbox.scan_for(20, HARMLESS["attachment"])
