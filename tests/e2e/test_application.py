"""The program of docs/application.md, word for word: on a deployed tenant, IAM enforced, a real clamd."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from emulator.definitions import publish
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_scanning import eventually
from tests.examples import blocks
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.store.conftest import mail

TENANTS: list[dict[str, Any]] = [
    {"id": "acme", "subdomain": "post.acme.example", "addresses": ["support"], "removal": "destroy"}
]


class Application:
    """The program, and the tenant that it works for."""

    def __init__(self, platform: Platform, program: Path) -> None:
        self.platform = platform
        self.program = program
        config = str(platform.write_config(TENANTS))
        outputs = platform.json("deploy", "--all", "--yes", "--config", config)["outputs"]
        publish(platform.client("s3"), outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)
        self.names = {
            "TABLE": outputs["Tenant-acme"]["MessagesTableName"],
            "BUCKET": outputs["Tenant-acme"]["BucketName"],
        }

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it as its user would."""
        command = [sys.executable, str(self.program), *arguments]
        return self.platform.run(command, variables={"PYTHONPATH": str(PROJECT_ROOT), **self.names, **variables})

    def receive(self, name: str) -> None:
        """Mail to the tenant, until it can be read."""
        reader = MessageReader(
            table=Table(client=self.platform.client("dynamodb"), name=self.names["TABLE"]),
            objects=Objects(client=self.platform.client("s3"), bucket=self.names["BUCKET"]),
        )
        self.platform.emulator.receive(mail(name), ["support@post.acme.example"], REGION)
        eventually(lambda: reader.by_message_id(f"{name}@example.net") or None)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's only program, as a file."""
    (code,) = blocks(PROJECT_ROOT / "docs" / "application.md", "python")
    path = tmp_path_factory.mktemp("application") / "inbox.py"
    path.write_text(code, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def application(platform: Platform, program: Path) -> Application:
    """Deployed, with definitions."""
    return Application(platform, program)


def test_program_passes_the_strict_type_checker(program: Path) -> None:
    """Every call of the page is one that its types allow."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(PROJECT_ROOT / ".mypy_cache"), str(program)]
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
    assert message.recipients == ("anna@example.net",)
    assert b"In-Reply-To: <first@example.net>" in message.raw
    again = application.run()
    assert (again.returncode, again.stdout) == (0, "")


def test_program_is_told_of_a_refusal(application: Application, tmp_path: Path) -> None:
    """A file that the scanner finds something in is not sent, and the program says why."""
    application.receive("second")
    infected = tmp_path / "invoice.bin"
    infected.write_bytes(MARKER)
    done = application.run(str(infected))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "refused scan" in done.stdout
    assert len(application.platform.emulator.sent(REGION)) == 1


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TABLE": "no-such-table"}, "dynamodb:GetItem no-such-table table no-such-table: dynamodb:GetItem failed"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "session: must have a region, got none"),
    ],
)
def test_program_says_what_must_be_set_right(application: Application, variables: dict[str, str], said: str) -> None:
    """What never heals ends it, with action, resource and remedy, and without a traceback."""
    done = application.run(**variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert "try again" not in done.stderr
