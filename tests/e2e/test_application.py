"""The program of docs/application.md, word for word: on a deployed tenant, IAM enforced, a real clamd."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from email_stack.synthesis.toolchain import PROJECT_ROOT
from emulator.definitions import publish
from mailroom import HeldMail, HeldMessage
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_scanning import eventually
from tests.examples import blocks
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.store.conftest import mail

ROLE = "arn:aws:iam::000000000000:role/apps/inbox"
TENANTS: list[dict[str, Any]] = [
    {
        "id": "acme",
        "subdomain": "post.acme.example",
        "addresses": ["support"],
        "access": [{"role_arn": ROLE, "may": ["read", "send", "held"]}],
        "removal": "destroy",
    }
]
LOCKED = b"Content-Type: message/partial; id=x; number=1; total=2\r\n"
"""What the scanner cannot look into, and so holds."""


class Application:
    """The program, and the tenant that it works for."""

    def __init__(self, platform: Platform, program: Path) -> None:
        self.platform = platform
        self.program = program
        lambda_ = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [lambda_]})
        platform.client("iam").create_role(RoleName="inbox", Path="/apps/", AssumeRolePolicyDocument=trust)
        config = str(platform.write_config(TENANTS))
        outputs = platform.json("deploy", "--all", "--yes", "--config", config)["outputs"]
        publish(platform.client("s3"), outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)
        self.names = {
            "TABLE": outputs["Tenant-acme"]["MessagesTableName"],
            "BUCKET": outputs["Tenant-acme"]["BucketName"],
        }
        session = platform.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="inbox")["Credentials"]
        self.credentials = {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it as its user would: with the role that the config lets in, and no other right."""
        command = [sys.executable, str(self.program), *arguments]
        own = {"PYTHONPATH": str(PROJECT_ROOT), **self.names, **self.credentials}
        return self.platform.run(command, variables={**own, **variables})

    @property
    def held(self) -> HeldMail:
        """The application's `HeldMail`, by the same role."""
        keys = [self.credentials[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
        return HeldMail(
            s3=self.platform.emulator.client("s3", REGION, credentials=tuple(keys)), bucket=self.names["BUCKET"]
        )

    @property
    def reader(self) -> MessageReader:
        """Of the tenant."""
        return MessageReader(
            table=Table(client=self.platform.client("dynamodb"), name=self.names["TABLE"]),
            objects=Objects(client=self.platform.client("s3"), bucket=self.names["BUCKET"]),
        )

    def receive(self, name: str) -> None:
        """Mail to the tenant, until it can be read."""
        self.platform.emulator.receive(mail(name), ["support@post.acme.example"], REGION)
        eventually(lambda: self.reader.by_message_id(f"{name}@example.net") or None)

    def receive_locked(self, name: str) -> HeldMessage:
        """Mail to the tenant that is held, as the application sees it."""
        before = {one.id for one in self.held.messages().items}
        self.platform.emulator.receive(LOCKED + mail(name), ["support@post.acme.example"], REGION)
        return eventually(lambda: next((one for one in self.held.messages().items if one.id not in before), None))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's program, as a file; beside it, what the page shows of held mail."""
    program, held = blocks(PROJECT_ROOT / "docs" / "application.md", "python")
    path = tmp_path_factory.mktemp("application") / "inbox.py"
    path.write_text(program, encoding="utf-8")
    path.with_name("held.py").write_text(held, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def application(platform: Platform, program: Path) -> Application:
    """Deployed, with definitions."""
    return Application(platform, program)


def test_program_passes_the_strict_type_checker(program: Path) -> None:
    """Every call of the page is one that its types allow."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(PROJECT_ROOT / ".mypy_cache")]
    command += [str(program), str(program.with_name("held.py"))]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_program_answers_and_follows(application: Application) -> None:
    """It shows what came, sends one answer in the thread, and sees it delivered; run again, it has nothing to do."""
    application.receive("first")
    done = application.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "About first: This is first." in done.stdout
    (sent,) = [line for line in done.stdout.splitlines() if line.startswith("sent")]
    assert "'Delivery'" in sent
    (message,) = application.platform.emulator.sent(REGION)
    assert message.recipients == ("sender@example.net",)  # of the envelope, as for all automatic answers
    assert b"In-Reply-To: <first@example.net>" in message.raw
    assert b"Auto-Submitted: auto-replied" in message.raw
    again = application.run()
    assert (again.returncode, again.stdout) == (0, "")


def test_program_is_told_of_a_refusal(application: Application, tmp_path: Path) -> None:
    """A file that the scanner finds something in is not sent, and the program says why."""
    application.receive("second")
    infected = tmp_path / "invoice.bin"
    infected.write_bytes(MARKER)
    done = application.run(str(infected))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "refused scan attachment 1: infected, " in done.stdout
    assert len(application.platform.emulator.sent(REGION)) == 1


def test_application_decides_on_held_mail(application: Application) -> None:
    """With its role's rights alone: what waits is listed, one is released and read, the other is gone; no other object is."""
    wanted, unwanted = application.receive_locked("third"), application.receive_locked("fourth")
    assert (wanted.subject, wanted.verdict) == ("About third", "encrypted")
    application.held.release(wanted, by="user 17", reason="the sender called")
    application.held.discard(unwanted, by="user 17", reason="nobody wants it")
    eventually(lambda: application.reader.by_message_id("third@example.net") or None)
    eventually(lambda: not application.held.messages().items or None)
    assert application.reader.by_message_id("fourth@example.net") == ()
    left = application.platform.client("s3").list_objects_v2(Bucket=application.names["BUCKET"], Prefix="raw/")
    assert [one["Key"] for one in left.get("Contents", []) if "SETUP" not in one["Key"]] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        application.held.s3.list_objects_v2(Bucket=application.names["BUCKET"], Prefix="raw/")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TABLE": "no-such-table"}, "give the role of these credentials dynamodb:Query on no-such-table/index/"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "session: must have a region, got none"),
    ],
)
def test_program_says_what_must_be_set_right(application: Application, variables: dict[str, str], said: str) -> None:
    """What never heals ends it, with action, resource and remedy, and without a traceback."""
    done = application.run(**variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert "try again" not in done.stderr
