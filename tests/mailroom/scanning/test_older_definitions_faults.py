"""Older definitions where S3 fails at any call, and what the scanner's function counts of them."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.definitions import publish
from mailroom.errors import RetryableError
from mailroom.functions import scanner as function
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanning import engine
from mailroom.scanning.events import RawObject, rescan_message
from mailroom.scanning.tags import Recipient, tags_of
from mailroom.scanning.verdicts import Policy, Verdict
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.definitions.faults import FaultyS3, damage
from tests.mailroom.scanning.hiding import HARMLESS
from tests.mailroom.scanning.sandboxes import REGION, SECOND_SET, Sandbox


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_any_call_of_s3_may_fail(emulator: Emulator, tmp_path: Path, *, warm: bool, lost: bool) -> None:
    """A warm sandbox scans on, and a cold one at its next message; both load the newest set then."""
    number = 0
    reached = True
    while reached:
        folder = tmp_path / str(number)
        folder.mkdir()
        sandbox = Sandbox(emulator.client("s3", REGION), folder)
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
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """All of its time."""
        return 300_000
