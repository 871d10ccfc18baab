"""--json: one document in ASCII, whatever standard output, names and arguments are."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from email_stack.cli import main
from emulator import Emulator
from tests.cli.in_process import email_stack
from tests.mailroom.clamav import RunningClamd, running_clamd
from tests.warm import CommandLine

REGION = "eu-central-1"
CONFIG = """\
cells:
  eu: {region: eu-central-1}
tenants:
  - {id: acme, subdomain: post.acme.example, addresses: [support], live: false}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A valid config of one tenant."""
    path = tmp_path / "tenants.yaml"
    path.write_text(CONFIG)
    return path


class Environments:
    """The command line in environments of its own: one process starts in each, and each command is a fork of it."""

    def __init__(self, until_the_end: ExitStack) -> None:
        self._until_the_end = until_the_end
        self._started: dict[tuple[tuple[str, str], ...], CommandLine] = {}

    def run(self, environment: dict[str, str], *arguments: str | bytes | Path) -> subprocess.CompletedProcess[bytes]:
        """Run it there."""
        given = {"PATH": os.environ["PATH"], "COLUMNS": "100", **environment}
        if (known := tuple(environment.items())) not in self._started:
            folder = self._until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="commands-"))
            line = CommandLine(Path(folder), environment=given, rooms=())
            self._started[known] = self._until_the_end.enter_context(line)
        return self._started[known].run_raw(arguments, given)


@pytest.fixture(scope="module")
def environments() -> Iterator[Environments]:
    """Those that the tests of this file have asked for."""
    with ExitStack() as until_the_end:
        yield Environments(until_the_end)


LATIN: Final = {"PYTHONIOENCODING": "latin-1"}
ENVIRONMENTS: Final = [
    LATIN,
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.mark.slow
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda one: "-".join(one.values()))
@pytest.mark.parametrize("name", [b"\xff\xfe.yaml", "Grüße 😀.yaml".encode(), b"\xc2\x9b31m\xe2\x80\xae.yaml"])
def test_any_file_name_on_any_output(
    environments: Environments, tmp_path: Path, name: bytes, environment: dict[str, str]
) -> None:
    """One JSON document in ASCII, and the exit code that the command has elsewhere, too."""
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_text(CONFIG.replace("post.acme.example", "acme.example"))
    done = environments.run(environment, "validate", "--json", "--config", path)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout.decode("ascii"))
    assert [one["field"] for one in document["problems"]] == ["subdomain"]
    missing = environments.run(environment, "list", "--json", "--config", path + b".none")
    assert missing.returncode == 1
    assert json.loads(missing.stdout.decode("ascii"))["exit_code"] == 1
    text = environments.run(environment, "validate", "--config", path)
    assert (text.returncode, b"Traceback" in text.stderr) == (1, False)


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.mark.parametrize("command", ["scan", "replay"])
def test_any_message(environments: Environments, clamd: RunningClamd, tmp_path: Path, command: str) -> None:
    """Words of senders, and file names that are no text, come through as JSON writes them; the plain view goes on, too."""
    path = os.fsencode(tmp_path) + b"/\xff-\xc2\x9b31m.eml"
    raw = b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_=F0=9F=98=80=E2=80=AE?=\r\n\r\nx\r\n"
    Path(os.fsdecode(path)).write_bytes(raw)
    arguments = (command, "--socket", clamd.client.socket_path, path)
    done = environments.run(LATIN, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    document: Any = json.loads(done.stdout.decode("ascii"))
    (one,) = document["messages" if command == "scan" else "deliveries"]
    assert os.fsencode(one.get("file", one.get("name"))) == path
    if command == "replay":
        assert document["messages"][0]["subject"] == "Grüße 😀\u202e"
    text = environments.run(LATIN, *arguments)
    assert (text.returncode, text.stderr) == (0, b"")
    assert b"\x9b" not in text.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["deploy"], "TENANT"),
        (["deploy", "acme", "--all"], "TENANT"),
        (["move"], "TENANT"),
        (["destroy"], "TENANT"),
        (["nonsense"], "nonsense"),
        (["list", "--no-such-option"], "--no-such-option"),
        (["rescan", "acme", "--verdict", "odd"], "--verdict"),
        (["status", "--interval", "often"], "--interval"),
        (["messages", "acme", "--thread", "a", "--sent", "b"], "--thread"),
        (["dns-check"], "TENANT"),
        (["list", "--config"], "--config"),
    ],
)
def test_wrong_usage_is_json_too(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one document that says what is wrong, nothing on standard error; wherever --json stands."""
    command, *others = arguments
    for given in ([command, "--json", *others], ["--json", command, *others]):
        monkeypatch.setattr("sys.argv", ["email-stack", *given])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        assert (caught.value.code, printed.err) == (2, "")
        document = json.loads(printed.out)
        assert (document["ok"], document["error"], document["exit_code"]) == (False, "wrong usage", 2)
        assert says in document["detail"] or given[0] == "--json"


def test_wrong_usage_for_people_and_a_file_of_that_name(tmp_path: Path) -> None:
    """Without the option, text as ever; what stands behind -- is no option."""
    text = email_stack("deploy")
    assert (text.returncode, text.stdout) == (2, "")
    assert "TENANT" in text.stderr
    named = email_stack("scan", "--socket", tmp_path / "none", "--", "--json")
    assert named.stdout == ""
    assert named.returncode not in {0, 2}


def test_help_and_success_are_exit_code_0(config: Path) -> None:
    """Also where Typer does not exit by itself."""
    assert email_stack("--help").returncode == 0
    assert email_stack("list", "--help", "--json").returncode == 0
    assert email_stack("validate", "--config", config, "--json").returncode == 0


@pytest.mark.slow
@pytest.mark.usefixtures("quick_synthesis")
def test_diff_that_fails_is_no_difference(config: Path) -> None:
    """AWS cannot be reached: 3, with --fail as without, and an error block."""
    nobody = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = email_stack("diff", "acme", "--fail", "--config", config, **nobody)
    assert done.returncode == 3, done.stderr
    assert "cdk diff failed" in done.stderr


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An account in which the first deployment of a tenant did not get to its end."""
    with Emulator() as running:
        cloudformation = running.client("cloudformation", REGION)
        for name in ("Cell-eu", "Tenant-acme"):
            body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
            cloudformation.create_stack(StackName=name, TemplateBody=body)
            cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        yield running


@pytest.mark.parametrize(
    "command",
    [
        ["rescan", "acme"],
        ["rescan", "acme", "--yes"],
        ["messages", "acme"],
        ["suppressions", "acme"],
        ["retention", "acme"],
        ["send-test", "acme", "--to", "support@post.acme.example"],
        ["dns-check", "acme"],
        ["dns-records", "acme"],
        ["status", "acme"],
    ],
    ids=" ".join,
)
def test_stack_without_outputs_is_not_deployed_yet(
    emulator: Emulator,
    config: Path,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """8 in every command, with what to do, and JSON where it was asked for."""
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)
    as_json = ["--json"] if command[0] != "dns-records" else []
    monkeypatch.setattr("sys.argv", ["email-stack", *command, "--config", str(config), *as_json])
    with pytest.raises(SystemExit) as caught:
        main()
    printed = capsys.readouterr()
    assert caught.value.code == 8, printed
    assert "first deployment of stack Tenant-acme still runs, or was rolled back" in printed.out + printed.err
    assert "email-stack deploy acme --yes" in printed.out + printed.err
    if as_json:
        assert isinstance(json.loads(printed.out), dict)
