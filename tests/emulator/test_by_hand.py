"""The emulator started by hand: what a shell does with it, and that it refuses whom AWS refuses."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from emulator import Emulator, EmulatorError
from mailroom.definitions.manifest import MANIFEST_KEY

REGION = "eu-central-1"
RAW = b"From: Anna <anna@example.net>\r\nTo: support@post.acme.example\r\nSubject: Order\r\n\r\nWhere is it?\r\n"


class ByHand:
    """An emulator that nobody holds, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "message.eml").write_bytes(RAW)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands."""
        command = [sys.executable, "-m", "emulator", *arguments, "--folder", str(self.folder), "--region", REGION]
        return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    """Started as the documentation says, with nothing but a port and a folder."""
    folder = tmp_path_factory.mktemp("by-hand")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "emulator", "--port", str(port), "--folder", str(folder)]
    command += ["--die-with", str(os.getpid())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            try:
                Emulator.running_in(folder)
                break
            except EmulatorError:
                time.sleep(0.1)
        yield ByHand(folder)
    finally:
        # It would wait for connections that clients keep open.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def tenant(by_hand: ByHand) -> str:
    """A rule set for support@ that writes into a bucket, and a bucket for definitions; returns the latter's name."""
    emulator = Emulator.running_in(by_hand.folder)
    ses, s3 = emulator.client("ses", REGION), emulator.client("s3", REGION)
    s3.create_bucket(Bucket="inbox", CreateBucketConfiguration={"LocationConstraint": REGION})
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::inbox/*",
    }
    s3.put_bucket_policy(Bucket="inbox", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    emulator.client("sesv2", REGION).create_email_identity(EmailIdentity="post.acme.example")
    ses.create_receipt_rule_set(RuleSetName="all")
    rule = {
        "Name": "acme",
        "Enabled": True,
        "Recipients": ["support@post.acme.example"],
        "Actions": [{"S3Action": {"BucketName": "inbox", "ObjectKeyPrefix": "raw/"}}],
    }
    ses.create_receipt_rule(RuleSetName="all", Rule=rule)
    ses.set_active_receipt_rule_set(RuleSetName="all")
    template = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"DefinitionsBucketName": {"Value": {"Ref": "Bucket"}}},
    }
    cloudformation = emulator.client("cloudformation", REGION)
    cloudformation.create_stack(StackName="Cell-eu", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="Cell-eu", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200}
    )
    (stack,) = cloudformation.describe_stacks(StackName="Cell-eu")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def test_file_is_received_through_the_receipt_rules(by_hand: ByHand, tenant: str) -> None:
    """It lies in the bucket that the rule names, and scanners have a signature database from then on."""
    done = by_hand.run("receive", str(by_hand.folder / "message.eml"), "--to", "support@post.acme.example")
    assert done.returncode == 0, done.stderr
    assert "support@post.acme.example: accepted by acme" in done.stdout
    (key,) = re.findall(r"s3://inbox/(raw/\w+)", done.stdout)
    s3 = Emulator.running_in(by_hand.folder).client("s3", REGION)
    assert s3.get_object(Bucket="inbox", Key=key)["Body"].read().endswith(RAW)
    manifest = json.loads(s3.get_object(Bucket=tenant, Key=MANIFEST_KEY)["Body"].read())
    assert manifest["signatures"] == 1


def test_recipient_that_no_rule_takes_is_refused(by_hand: ByHand, tenant: str) -> None:
    """With SES's answer, and an exit code."""
    done = by_hand.run("receive", str(by_hand.folder / "message.eml"), "--to", "nobody@post.acme.example")
    assert done.returncode == 1
    assert "nobody@post.acme.example: 550 5.1.1" in done.stdout


def test_folder_is_watched(by_hand: ByHand, tenant: str, tmp_path: Path) -> None:
    """What is put there is received whole, and moved away by what became of it; Ctrl-C ends it without an error."""
    command = [sys.executable, "-m", "emulator", "receive", str(tmp_path), "--to", "support@post.acme.example"]
    command += ["--folder", str(by_hand.folder), "--region", REGION]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "each message that is put there is received" in process.stdout.readline()
            (tmp_path / ".hidden").write_bytes(RAW)
            (tmp_path / "one.eml").write_bytes(RAW)
            assert process.stdout.readline().startswith("support@post.acme.example: accepted by acme")
            (key,) = re.findall(r"s3://inbox/(raw/\w+)", process.stdout.readline())
            s3 = Emulator.running_in(by_hand.folder).client("s3", REGION)
            assert s3.get_object(Bucket="inbox", Key=key)["Body"].read().endswith(RAW)
            deadline = time.monotonic() + 10
            while not (tmp_path / "received" / "one.eml").exists():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert (tmp_path / ".hidden").exists()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_mail_client_sends_to_it(by_hand: ByHand, tenant: str) -> None:
    """Python's own client, with its envelope: what it wrote lies in the bucket, dots and all; a refusal is SES's."""
    command = [sys.executable, "-m", "emulator", "smtp", "--port", "0"]
    command += ["--folder", str(by_hand.folder), "--region", REGION]
    raw = RAW + b"..dots\r\n.\r\n.one\r\n"
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(re.fullmatch(r"smtp: 127\.0\.0\.1:(\d+); Ctrl-C ends it\n", process.stdout.readline())[1])  # type: ignore[index]
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("anna@example.net", ["support@post.acme.example"], raw)
                assert process.stdout.readline().startswith("support@post.acme.example: accepted by acme")
                (key,) = re.findall(r"s3://inbox/(raw/\w+)", process.stdout.readline())
                stored = Emulator.running_in(by_hand.folder).client("s3", REGION).get_object(Bucket="inbox", Key=key)
                body = stored["Body"].read()
                assert body.endswith(raw)
                assert b"<anna@example.net>" in body
                with pytest.raises(smtplib.SMTPDataError, match=r"5\.1\.1"):
                    client.sendmail("anna@example.net", ["nobody@post.acme.example"], raw)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


QUEUE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}}


def write_assembly(folder: Path, template: dict[str, Any]) -> Path:
    """The assembly of a CDK app with one stack: a file and a folder as assets, in a stage of its own."""
    stage = folder / "assembly-Stage"
    (stage / "asset.code" / "package").mkdir(parents=True)
    (stage / "asset.code" / "package" / "module.py").write_text("X = 1\n")
    (stage / "template.json").write_text(json.dumps(template))
    bucket = "cdk-own-assets-${AWS::AccountId}-${AWS::Region}"
    files = {
        name: {
            "source": {"path": path, "packaging": packaging},
            "destinations": {"here": {"bucketName": bucket, "objectKey": key}},
        }
        for name, path, packaging, key in [
            ("t", "template.json", "file", "t.json"),
            ("c", "asset.code", "zip", "c.zip"),
        ]
    }
    (stage / "Own.assets.json").write_text(json.dumps({"files": files, "dockerImages": {"i": {}}}))
    properties = {
        "templateFile": "template.json",
        "stackName": "Stage-Own",
        "stackTemplateAssetObjectUrl": f"s3://{bucket}/t.json",
        "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/own/version",
        "tags": {"team": "mail"},
    }
    environment = "aws://unknown-account/unknown-region"
    artifacts = {
        "Own": {"type": "aws:cloudformation:stack", "environment": environment, "properties": properties},
        "Own.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Own.assets.json"}},
    }
    (stage / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    nested = {"Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": nested}))
    return folder


def test_assembly_is_deployed(by_hand: ByHand, tmp_path: Path) -> None:
    """Its files lie in the bootstrap's bucket, its stack has its tags; again, nothing changes; a change is an update."""
    folder = write_assembly(tmp_path, QUEUE)
    done = by_hand.run("deploy", str(folder))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Stage-Own: deployed\n  Url: https://\S+\n", done.stdout)
    emulator = Emulator.running_in(by_hand.folder)
    s3, cloudformation = emulator.client("s3", REGION), emulator.client("cloudformation", REGION)
    archive = s3.get_object(Bucket=f"cdk-own-assets-000000000000-{REGION}", Key="c.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["package/module.py"]
    (stack,) = cloudformation.describe_stacks(StackName="Stage-Own")["Stacks"]
    assert stack["Tags"] == [{"Key": "team", "Value": "mail"}]
    assert by_hand.run("deploy", str(folder)).stdout == done.stdout
    changed = json.dumps({**QUEUE, "Outputs": {"Url": {"Value": "other"}}})
    (folder / "assembly-Stage" / "template.json").write_text(changed)
    assert by_hand.run("deploy", str(folder)).stdout == "Stage-Own: deployed\n  Url: other\n"


def test_assembly_that_does_not_deploy_says_why(by_hand: ByHand, tmp_path: Path) -> None:
    """The resource and CloudFormation's reason; a folder that is no assembly says what makes one."""
    wrong = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Misspelt": 1}}}}
    folder = write_assembly(tmp_path, wrong)
    manifest = folder / "assembly-Stage" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("Stage-Own", "Stage-Wrong"))
    done = by_hand.run("deploy", str(folder))
    assert done.returncode == 1
    assert done.stderr.startswith("emulator: stack Stage-Wrong: ROLLBACK_COMPLETE\nBucket: ")
    assert "Misspelt" in done.stderr
    done = by_hand.run("deploy", str(folder / "assembly-Stage" / "asset.code"))
    assert done.returncode == 1
    assert "must be a cloud assembly, got no manifest.json in it; run the CDK app with CDK_OUTDIR=" in done.stderr


def test_definitions_are_published_and_a_region_without_a_cell_says_so(by_hand: ByHand, tenant: str) -> None:
    """In the bucket that the cell's stack names."""
    done = by_hand.run("definitions")
    assert (done.returncode, tenant in done.stdout) == (0, True), done.stderr
    command = [
        sys.executable,
        "-m",
        "emulator",
        "definitions",
        "--folder",
        str(by_hand.folder),
        "--region",
        "eu-west-1",
    ]
    other = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "eu-west-1: must have a stack with output DefinitionsBucketName" in other.stderr


def test_environment_is_for_a_shell(by_hand: ByHand) -> None:
    """Address, credentials, region and certificate, and not the caller's own path."""
    lines = by_hand.run("environment").stdout.splitlines()
    found = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert found["AWS_ENDPOINT_URL"].startswith("https://localhost:")
    assert found["AWS_REGION"] == REGION
    assert Path(found["AWS_CA_BUNDLE"]).exists()
    assert "PATH" not in found


@pytest.mark.parametrize("sender", ["ceo@post.acme.example", "Support@post.acme.example", "abuse@post.acme.example"])
def test_policies_are_looked_at_unless_told_otherwise(by_hand: ByHand, tenant: str, sender: str) -> None:
    """A role that may send as one address sends as no other: undesignated, in other case, or receiving only."""
    emulator = Emulator.running_in(by_hand.folder)
    iam = emulator.client("iam", REGION)
    name = f"sender-{sender.partition('@')[0]}"
    iam.create_user(UserName=name)
    statement = {
        "Effect": "Allow",
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromAddress": "support@post.acme.example"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="send", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    ses = emulator.client("sesv2", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))

    def send(address: str) -> None:
        content = {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}
        destination = {"ToAddresses": ["anna@example.net"]}
        ses.send_email(FromEmailAddress=address, Destination=destination, Content=content)

    send("support@post.acme.example")
    with pytest.raises(ses.exceptions.ClientError, match="AccessDenied"):
        send(sender)


def test_command_without_an_emulator_says_how_to_start_one(tmp_path: Path) -> None:
    """In the folder that was asked for."""
    done = ByHand(tmp_path).run("receive", str(tmp_path / "message.eml"), "--to", "a@b.example")
    assert done.returncode == 1
    assert "none runs with this folder; start it with python -m emulator" in done.stderr
