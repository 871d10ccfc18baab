"""Stacks of the documentation's programs work, word for word: policies and keys enforced, a real clamd."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.definitions import publish
from tests.e2e.queues import listening_queue, take_all
from tests.e2e.test_scanning import eventually
from tests.examples import example
from tests.mailroom.clamav import MARKER, SIGNATURE, TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN
from tests.validation import NO_VALIDATION

REGION = "eu-central-1"
BROKEN = b"Subject: contract\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n\r\nhalf of it\r\n"


class Documented:
    """One page's stack, deployed."""

    def __init__(self, emulator: Emulator, folder: Path, page: str) -> None:
        self.emulator = emulator
        (folder / "app.py").write_text(example(page), encoding="utf-8")
        # Its templates are checked, and its program runs with nothing set, in tests/iam/test_keys.py and tests/test_docs.py.
        cache = os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"]
        quick = {**NO_VALIDATION, "JSII_RUNTIME_PACKAGE_CACHE_ROOT": cache}
        app = ["env", *(f"{name}={value}" for name, value in quick.items()), sys.executable, "app.py"]
        command = ["cdk", "deploy", "--all", "--require-approval", "never", "--app", f"{shlex.join(app)} "]
        emulator.run(command, REGION, folder=folder)
        cloudformation = emulator.client("cloudformation", REGION)
        (stack,) = [
            one["StackName"] for one in cloudformation.describe_stacks()["Stacks"] if one["StackName"] != "CDKToolkit"
        ]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        self.resources: list[dict[str, Any]] = [one for part in pages for one in part["StackResourceSummaries"]]
        publish(self.client("s3"), self.one("AWS::S3::Bucket", "Definitions"), TEST_DEFINITIONS)

    def client(self, service: str) -> Any:
        """A client as the account's root."""
        return self.emulator.client(service, REGION)

    def one(self, type_: str, start: str = "") -> str:
        """Physical id of the only resource of a type whose logical id begins so."""
        (found,) = [
            one["PhysicalResourceId"]
            for one in self.resources
            if one["ResourceType"] == type_ and one["LogicalResourceId"].startswith(start)
        ]
        return str(found)

    def hears(self, topic_arn: str, name: str) -> str:
        """A queue that is told what the topic is."""
        queue, arn = listening_queue(self.client("sqs"), name, service="sns", source=topic_arn)
        self.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return queue

    def told(self, queue: str) -> list[dict[str, Any]] | None:
        """A message of the queue since the last call; None without one."""
        bodies = take_all(self.client("sqs"), queue)
        return [json.loads(json.loads(body)["Message"]) for body in bodies] or None

    def body(self, bucket: str, key: str) -> bytes | None:
        """An object; None where there is none."""
        s3 = self.client("s3")
        try:
            return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    def verdict(self, bucket: str, name: str) -> str | None:
        """The recorded verdict, once operators were told."""
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"verdicts/{name}/").get("Contents", [])
        record = json.loads(self.body(bucket, found[0]["Key"]) or b"{}") if found else {}
        return str(record["verdict"]) if record.get("told") else None


@pytest.fixture(scope="module", params=["README.md", "docs/constructs.md"])
def documented(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    """A page's program, deployed to an account of its own, in which every policy and every key is asked."""
    with Emulator(enforce_iam=True) as emulator:
        emulator.bootstrap(REGION)
        yield Documented(emulator, tmp_path_factory.mktemp("app"), request.param)


@pytest.mark.servers
def test_clean_infected_and_broken_mail(documented: Documented) -> None:
    """Clean mail arrives and is filed, malware does not and is told, and what cannot be scanned is held and told."""
    bucket = documented.one("AWS::S3::Bucket", "AcmeInbox")
    operators = documented.hears(documented.one("AWS::SNS::Topic", "AcmeAlerts"), "operators")

    def receive(raw: bytes) -> str:
        (stored,) = documented.emulator.receive(raw, ["support@post.acme.example"], REGION).objects
        return str(stored.key.removeprefix("raw/"))

    clean, infected, broken = (receive(raw) for raw in (HARMLESS["attachment"], HIDDEN["attachment"], BROKEN))
    body = eventually(partial(documented.body, bucket, f"clean/{clean}"))
    assert body.endswith(HARMLESS["attachment"])
    assert MARKER not in eventually(partial(documented.body, bucket, f"clean/{infected}"))
    assert [eventually(partial(documented.verdict, bucket, one)) for one in (clean, infected, broken)] == [
        "clean",
        "infected",
        "encrypted",
    ]
    assert documented.body(bucket, f"clean/{broken}") is None
    alerts: list[dict[str, Any]] = []
    while len(alerts) < 2:
        alerts += eventually(partial(documented.told, operators))
    assert {one["message_id"]: one["signature"] for one in alerts}[infected] == SIGNATURE
    assert {one["message_id"] for one in alerts} == {infected, broken}
    table = documented.one("AWS::DynamoDB::Table")
    dynamodb = documented.client("dynamodb")
    eventually(lambda: dynamodb.scan(TableName=table, Select="COUNT")["Count"] >= 2)


@pytest.mark.servers
def test_alarms_are_heard(documented: Documented) -> None:
    """Every alarm that names a topic reaches it, through its policy and its key."""
    cloudwatch = documented.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    topics = sorted({topic for alarm in alarms for topic in alarm["AlarmActions"]})
    heard = [documented.hears(topic, f"alarms-{number}") for number, topic in enumerate(topics)]
    for alarm in alarms:
        cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="test")
    told: set[str] = set()
    telling = {alarm["AlarmName"] for alarm in alarms if alarm["AlarmActions"]}
    for queue in heard:
        while not telling <= told and (found := eventually(partial(documented.told, queue))):
            told |= {one["AlarmName"] for one in found}
    assert told == telling
