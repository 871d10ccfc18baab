"""A sandbox with a proven set, and everything that can be wrong with a newer one: real clamd, S3 of the emulator."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.definitions import publish
from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.errors import RetryableError
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanner import engine, function
from mailroom.scanner.engine import WarmEngine
from mailroom.scanner.events import RawObject, rescan_message
from mailroom.scanner.tags import Recipient, tags_of
from mailroom.scanning.clamd import ClamdError
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Policy, Verdict
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.definitions.faults import DAMAGES, FaultyS3, damage
from tests.mailroom.scanner.conftest import REGION
from tests.mailroom.scanner.test_engine import NOW, SECOND, SECOND_SET, Sandbox
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN

NO_SIGNATURE = "this is no signature\n"


class CountingSandbox(Sandbox):
    """A sandbox that counts how often it went on with an older set."""

    def __init__(self, s3: Any, folder: Path) -> None:
        super().__init__(s3, folder)
        self.counted: list[tuple[str, int]] = []

    def later(self, **time: int) -> None:
        """As the next invocation does, with its counter."""
        self.now = self.now + timedelta(**time)
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

    def kill(self) -> None:
        """End clamd, as running out of memory does."""
        os.kill(self.pid, 9)
        process = self.engine._daemon.process
        assert process is not None
        process.wait()

    def forget(self) -> None:
        """Nothing was counted so far."""
        self.counted.clear()


@pytest.fixture
def sandbox(emulator: Emulator, tmp_path: Path) -> Iterator[CountingSandbox]:
    """A sandbox that has not worked yet."""
    made = CountingSandbox(emulator.client("s3", REGION), tmp_path)
    yield made
    made.engine.stop()


@pytest.fixture
def first(sandbox: CountingSandbox) -> Manifest:
    """The set that the sandbox has proven."""
    manifest = sandbox.publish(TEST_DEFINITIONS)
    sandbox.engine.ensure_ready()
    return manifest


@pytest.mark.parametrize("kind", DAMAGES)
def test_newest_set_that_is_damaged(sandbox: CountingSandbox, first: Manifest, kind: str) -> None:
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
def test_manifest_that_is_damaged(sandbox: CountingSandbox, first: Manifest, tmp_path: Path, kind: str) -> None:
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


def test_proven_set_goes_on_until_it_is_too_old(sandbox: CountingSandbox, first: Manifest) -> None:
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


def test_confirmation_of_a_set_that_does_not_load_is_not_the_proven_ones(
    sandbox: CountingSandbox, first: Manifest
) -> None:
    """A corrupt set that the mirror confirms day by day keeps no older one young."""
    for day in range(8):
        sandbox.now = NOW + timedelta(days=day)
        sandbox.publish(NO_SIGNATURE)
        sandbox.later()
        assert sandbox.scans_with(first)
    assert (OLDER_DEFINITIONS, 1) in sandbox.counted
    with pytest.raises(RetryableError, match=r"definitions: |clamd: "):
        sandbox.later(seconds=1)


def test_sandbox_that_slept_for_long(sandbox: CountingSandbox, first: Manifest) -> None:
    """What it has is too old, what is published is not: it waits for that one, and loses no message to it."""
    sandbox.now = NOW + timedelta(days=30)
    newest = sandbox.publish(SECOND_SET)
    sandbox.later()
    assert sandbox.scans_with(newest)
    assert sandbox.counted == []


def test_set_from_the_future(sandbox: CountingSandbox) -> None:
    """A manifest that was confirmed next year would be young for ever: it is none."""
    sandbox.now = NOW + timedelta(days=365)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.now = NOW
    with pytest.raises(RetryableError, match="last confirmed at 2027-11-23"):
        sandbox.engine.ensure_ready()


def test_confirmation_from_the_future(sandbox: CountingSandbox, first: Manifest) -> None:
    """It is none, and the set that is proven keeps its own; the next confirmation counts again."""
    sandbox.now = NOW + timedelta(days=365)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.now = NOW
    sandbox.later(days=6)
    assert sandbox.scans_with(first)
    sandbox.publish(TEST_DEFINITIONS)
    sandbox.later(days=6)
    assert sandbox.scans_with(first)


def test_set_that_does_not_load_is_said_why(
    sandbox: CountingSandbox, first: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    """With what clamd said of it."""
    sandbox.publish(NO_SIGNATURE)
    sandbox.later(minutes=5)
    deadline = time.monotonic() + 30
    while "Malformed database" not in sandbox.engine._daemon.log():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sandbox.later(minutes=5)
    assert sandbox.scans_with(first)
    assert "Malformed database" in caplog.text


@pytest.mark.parametrize("text", [NO_SIGNATURE, f"{TEST_DEFINITIONS}{NO_SIGNATURE}"])
def test_clamd_that_dies_while_the_newest_set_does_not_load(
    sandbox: CountingSandbox, first: Manifest, text: str
) -> None:
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
def test_clamd_that_dies_while_the_newest_set_cannot_be_had(
    sandbox: CountingSandbox, first: Manifest, broken: str
) -> None:
    """The proven set is on this machine."""
    newest = sandbox.publish(SECOND_SET)
    damage(sandbox.s3, sandbox.bucket, newest.key("own.ndb") if broken == "files" else MANIFEST_KEY, "truncated")
    for minutes in (5, 1, 5):
        sandbox.kill()
        sandbox.later(minutes=minutes)
        assert sandbox.scans_with(first)
    assert sandbox.counted == [(OLDER_DEFINITIONS, 1)] * 3


def test_newest_set_that_is_taken_back(sandbox: CountingSandbox, first: Manifest) -> None:
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


def test_set_that_was_loaded_and_not_looked_at(sandbox: CountingSandbox, first: Manifest) -> None:
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


def test_engine_that_lost_its_canary_is_started_again(sandbox: CountingSandbox, first: Manifest) -> None:
    """It scans nothing until then: not with what nobody knows."""
    (sandbox.engine._daemon.definitions / "canary.hsb").unlink()
    sandbox.engine._daemon.reload()
    with pytest.raises(ClamdError, match="does not find the canary"):
        sandbox.scan_for(20, HARMLESS["attachment"])
    sandbox.later(minutes=1)
    assert sandbox.scans_with(first)


def test_files_that_were_changed_here_are_not_scanned_with(sandbox: CountingSandbox, first: Manifest) -> None:
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


def test_no_room_for_the_newest_set(sandbox: CountingSandbox, first: Manifest) -> None:
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


def test_one_set_is_kept(sandbox: CountingSandbox, first: Manifest) -> None:
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


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_any_call_of_s3_may_fail(emulator: Emulator, tmp_path: Path, *, warm: bool, lost: bool) -> None:
    """A warm sandbox scans on, and a cold one at its next message; both load the newest set then."""
    number = 0
    reached = True
    while reached:
        folder = tmp_path / str(number)
        folder.mkdir()
        sandbox = CountingSandbox(emulator.client("s3", REGION), folder)
        try:
            if warm:
                first = sandbox.publish(TEST_DEFINITIONS)
                sandbox.engine.ensure_ready()
            newest = sandbox.publish(SECOND_SET)
            faulty = FaultyS3(sandbox.s3)
            faulty.fail_at(number, lost=lost)
            if warm:
                sandbox.later(minutes=5)
                assert sandbox.scans_with(first) or sandbox.scans_with(newest)
            else:
                with suppress(RetryableError):
                    sandbox.later(minutes=5)
                    assert sandbox.scans_with(newest)
            reached = len(faulty.calls) > number
            faulty.work()
            sandbox.later(minutes=5)
            sandbox.until_loaded(newest)
            assert sandbox.engine.submit(MARKER).result().verdict is Verdict.INFECTED
        finally:
            sandbox.engine.stop()
        number += 1
    assert number > 2


def test_function_counts_it(
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The scanner's Lambda delivers mail with the proven set, and its metric says that it is the older one."""
    s3 = emulator.client("s3", REGION)
    definitions, tenant = (f"{name}-{os.urandom(4).hex()}" for name in ("definitions", "tenant"))
    for bucket in (definitions, tenant):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=tenant, VersioningConfiguration={"Status": "Enabled"})
    topic = emulator.client("sns", REGION).create_topic(Name=tenant)["TopicArn"]
    tags = tags_of(Recipient(tenant="acme", policy=Policy(), topic_arn=topic))
    s3.put_bucket_tagging(Bucket=tenant, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
    own = {name: value for name, value in emulator.environment(REGION).items() if name.startswith("AWS_")}
    settings = {
        "DEFINITIONS_BUCKET": definitions,
        "MAX_DEFINITIONS_AGE_HOURS": "168",
        "MAX_RECEIVES": "5",
        "SCANNER_NAME": "scanner",
        "EVENT_BUS": "default",
        "QUEUE_URL": "http://127.0.0.1:9/queue",
    }
    for name, value in {**own, **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(engine, "_LOOK_AGAIN", timedelta(0))

    def invoke(number: int) -> list[int]:
        """Have it scan one message; returns what was counted."""
        version = s3.put_object(Bucket=tenant, Key=f"raw/{number}", Body=HARMLESS["attachment"])["VersionId"]
        body = rescan_message(RawObject(tenant, f"raw/{number}", version))
        record = {
            "messageId": str(number),
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": tenant},
        }
        assert function.on_event({"Records": [record]}, FiveMinutes()) == {"batchItemFailures": []}
        assert s3.get_object(Bucket=tenant, Key=f"clean/{number}")["Body"].read() == HARMLESS["attachment"]
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
        return [count for line in lines for count in line.get(OLDER_DEFINITIONS, [])]

    function._sandbox.cache_clear()
    try:
        publish(s3, definitions, TEST_DEFINITIONS)
        assert invoke(1) == []
        newest = publish(s3, definitions, SECOND_SET)
        damage(s3, definitions, newest.key("own.ndb"), "empty")
        assert invoke(2) == [1]
    finally:
        function._sandbox()[1].stop()
        function._sandbox.cache_clear()


class FiveMinutes:
    """What Lambda tells an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """All of its time."""
        return 300_000
