"""rescan: one message of many, and letting it go; against a deployed bucket and queue, where a request can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from email_stack.cli import main
from emulator import Emulator
from mailroom.layout import MAX_MESSAGE_OCTETS
from mailroom.scanning.events import RawObject, delivered_message, raw_objects
from mailroom.scanning.records import VerdictRecord, write_record
from mailroom.scanning.verdicts import Action, ScanResult, Verdict

REGION = "eu-central-1"
CONFIG = """\
cells:
  eu: {region: eu-central-1}
tenants:
  - {id: acme, subdomain: post.acme.example}
"""
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Turns": {"Type": "AWS::SQS::Queue"},
        "Arrivals": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"Tags": [{"Key": "mail-scanning:queue", "Value": {"Fn::GetAtt": ["Turns", "QueueName"]}}]},
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "VersioningConfiguration": {"Status": "Enabled"},
                "NotificationConfiguration": {
                    "QueueConfigurations": [
                        {
                            "Event": "s3:ObjectCreated:*",
                            "Queue": {"Fn::GetAtt": ["Arrivals", "Arn"]},
                            "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "raw/"}]}},
                        }
                    ]
                },
            },
        },
    },
    "Outputs": {"BucketName": {"Value": {"Ref": "Bucket"}}, "Queue": {"Value": {"Ref": "Turns"}}},
}
HELD = ("clean", "encrypted", "over-limit", "error", "infected")


def held_for(verdict: Verdict, item: RawObject) -> VerdictRecord:
    """The record of a message that waits."""
    return VerdictRecord(
        tenant="acme",
        message_id=item.message_id,
        raw_version=item.version,
        rescan="",
        time=datetime(2026, 11, 28, 12, 0, tzinfo=UTC),
        action=Action.HOLD,
        reason="",
        result=ScanResult(verdict=verdict, parts=(), definitions=""),
        told=True,
    )


@dataclass
class Waiting:
    """A tenant's bucket with one message of each verdict, and its scanner's queue."""

    s3: Any
    sqs: Any
    bucket: str
    queue: str

    def put(self, name: str, verdict: str | None = None, *, octets: int = 1) -> RawObject:
        """A message, held for its verdict."""
        version = self.s3.put_object(Bucket=self.bucket, Key=f"raw/{name}", Body=b"x" * octets)["VersionId"]
        item = RawObject(self.bucket, f"raw/{name}", version)
        if verdict is not None:
            assert write_record(self.s3, item, held_for(Verdict(verdict), item), replaces="")
        return item

    def requests(self) -> list[RawObject]:
        """Requests to the scanner since the last call, without arrivals."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                found += [one for one in raw_objects(message["Body"]) if one.rescan]
        return found


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An account with the tenant's stack in it."""
    with Emulator() as running:
        cloudformation = running.client("cloudformation", REGION)
        cloudformation.create_stack(StackName="Tenant-acme", TemplateBody=json.dumps(TEMPLATE))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="Tenant-acme", WaiterConfig={"Delay": 1})
        yield running


@pytest.fixture
def waiting(emulator: Emulator) -> Waiting:
    """One message held for each verdict, and one without."""
    cloudformation = emulator.client("cloudformation", REGION)
    (stack,) = cloudformation.describe_stacks(StackName="Tenant-acme")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    s3, sqs = emulator.client("s3", REGION), emulator.client("sqs", REGION)
    made = Waiting(s3, sqs, outputs["BucketName"], outputs["Queue"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=made.bucket):
        for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=made.bucket, Key=one["Key"], VersionId=one["VersionId"])
    for verdict in HELD:
        made.put(f"m-{verdict}", verdict)
    made.put("m-waiting")
    made.requests()
    return made


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command: its exit code, and what it prints."""
    config = tmp_path / "tenants.yaml"
    config.write_text(CONFIG)
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["email-stack", "rescan", "acme", "--config", str(config), *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return command


@pytest.mark.parametrize("verdict", ["clean", "encrypted", "over-limit", "error"])
def test_one_message_is_let_go(waiting: Waiting, run: Run, verdict: str) -> None:
    """Who asks, why, when, and what it was held for goes to the scanner; nothing is written or read besides."""
    code, out, _ = run("--message", f"m-{verdict}", "--deliver", "--reason", "the sender called", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["queued"], [one["verdict"] for one in document["messages"]]) == (0, True, [verdict])
    (request,) = waiting.requests()
    assert (request.message_id, request.rescan) == (f"m-{verdict}", document["request"])
    assert request.release is not None
    assert (request.release.reason, request.release.verdict) == ("the sender called", Verdict(verdict))
    assert document["release"] == {"by": request.release.by, "reason": "the sender called"}
    assert request.release.by.startswith("arn:aws:")


def test_message_whose_id_is_long(waiting: Waiting, run: Run) -> None:
    """Its record's key has a digest for the id: it is found all the same, and the message let go."""
    name = "m" * 1_000
    waiting.put(name, "encrypted")
    waiting.requests()
    code, out, _ = run("--message", name, "--deliver", "--reason", "x", "--yes", "--json")
    assert (code, [one["verdict"] for one in json.loads(out)["messages"]]) == (0, ["encrypted"])
    (request,) = waiting.requests()
    assert request.message_id == name


def test_nothing_is_asked_without_being_told_to(waiting: Waiting, run: Run) -> None:
    """It says what would be."""
    code, out, _ = run("--message", "m-encrypted", "--deliver", "--reason", "x")
    assert (code, waiting.requests()) == (0, [])
    assert "acme: 1 encrypted: would be scanned once more and delivered; --yes does it" in out
    code, out, _ = run("--message", "m-encrypted", "--deliver", "--reason", "x", "--yes")
    assert "acme: 1 encrypted: is scanned once more and delivered\n" in out
    assert len(waiting.requests()) == 1


def test_malware_and_what_was_never_scanned_stay(waiting: Waiting, run: Run) -> None:
    """Refused, with what to do instead."""
    for name, says in (("infected", "never delivered"), ("waiting", "has no verdict yet")):
        code, out, _ = run("--message", f"m-{name}", "--deliver", "--reason", "x", "--yes", "--json")
        document = json.loads(out)
        assert (code, document["error"], document["exit_code"]) == (5, "refused", 5)
        assert says in document["detail"]
    assert waiting.requests() == []


@pytest.mark.parametrize(("name", "octets"), [("k" * 1_019, 1), ("big", MAX_MESSAGE_OCTETS + 1)], ids=["key", "octets"])
def test_message_that_cannot_be_delivered(waiting: Waiting, run: Run, name: str, octets: int) -> None:
    """Held for what the scanner cannot do, whoever asks: refused."""
    waiting.put(name, "over-limit", octets=octets)
    waiting.requests()
    code, _, err = run("--message", name, "--deliver", "--reason", "x", "--yes")
    assert (code, waiting.requests()) == (5, [])
    assert "cannot be delivered" in err


def test_message_that_is_there_twice(waiting: Waiting, run: Run) -> None:
    """Which of both is meant, only the operator knows."""
    waiting.put("m-encrypted", "encrypted")
    waiting.requests()
    code, _, err = run("--message", "m-encrypted", "--deliver", "--reason", "x", "--yes")
    assert (code, waiting.requests()) == (5, [])
    assert "is in quarantine 2 times" in err


def test_message_that_is_not_there(waiting: Waiting, run: Run) -> None:
    """Or was deleted: named, and nothing is asked for; its name does nothing to a terminal."""
    waiting.s3.delete_object(Bucket=waiting.bucket, Key="raw/m-encrypted")
    for name in ("m-encrypted", "none\x1b[31m"):
        code, _, err = run("--message", name, "--deliver", "--reason", "x", "--yes")
        assert (code, waiting.requests()) == (1, [])
        assert "waits in quarantine; `email-stack rescan acme` lists them" in err
        assert "\x1b" not in err


def test_one_message_is_scanned_anew(waiting: Waiting, run: Run) -> None:
    """Without --deliver, the policy decides."""
    code, out, _ = run("--message", "m-infected", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["queued"], "release" in document) == (0, True, False)
    (request,) = waiting.requests()
    assert (request.message_id, request.release) == ("m-infected", None)
    code, out, _ = run("--json")
    assert len(json.loads(out)["messages"]) == len(HELD) + 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--deliver", "--reason", "x"], "needs --message"),
        (["--message", "m", "--deliver"], "needs --reason"),
        (["--message", "m", "--deliver", "--reason", " "], "needs --reason"),
        (["--message", "m", "--deliver", "--reason", "x" * 201], "up to 200 printable characters, got 201"),
        (["--message", "m", "--deliver", "--reason", "a\nb"], "one line"),
        (["--message", "m", "--deliver", "--reason", "\u202egnp"], r"\u202egnp"),
        (["--message", "m", "--reason", "x"], "is for --deliver alone"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], says: str) -> None:
    """Exit code 2, before AWS is asked anything."""
    code, out, _ = run(*arguments, "--json")
    document = json.loads(out)
    assert (code, document["exit_code"]) == (2, 2)
    assert says in document["detail"]


def test_delivered_mail_is_scanned_again(waiting: Waiting, run: Run) -> None:
    """What is there of the last days, the newest first, in the tenant's turn; nothing that is to be sent, and nothing unasked."""
    for name in ("clean/one", "clean/two", "clean/out/sent"):
        waiting.s3.put_object(Bucket=waiting.bucket, Key=name, Body=b"x")
    code, out, _ = run("--delivered", "--since", "2", "--json")
    document = json.loads(out)
    assert (code, document["queued"]) == (0, False)
    assert {one["message_id"] for one in document["messages"]} == {"one", "two"}
    times = [one["delivered"] for one in document["messages"]]
    assert times == sorted(times, reverse=True)
    assert "acme: 2 messages of 7 days, 2 bytes: queued for the scanner" in run("--delivered", "--yes")[1]
    asked = waiting.sqs.receive_message(
        QueueUrl=waiting.queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
    )["Messages"]
    assert {delivered_message(one["Body"]) for one in asked} == {(waiting.bucket, "one"), (waiting.bucket, "two")}
    assert {one["Attributes"]["MessageGroupId"] for one in asked} == {waiting.bucket}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "2"),
        ("--delivered", "--since", "0"),
        ("--delivered", "--message", "x"),
        ("--delivered", "--verdict", "error"),
    ],
)
def test_what_does_not_go_together(waiting: Waiting, run: Run, arguments: tuple[str, ...]) -> None:
    """It is refused before anything is asked."""
    assert run(*arguments)[0] == 2
    assert waiting.requests() == []
