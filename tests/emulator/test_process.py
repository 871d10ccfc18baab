"""Starting, stopping, and what the emulator's users are given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator import Emulator, EmulatorError, __main__, process, settings

from .conftest import REGION

if TYPE_CHECKING:
    pass

OTHER_PARENT = """
import os, sys, time
sys.path.insert(0, {project!r})
from emulator import Emulator
with Emulator() as emulator:
    print(emulator._process.pid, emulator.endpoint_url, emulator.folder, flush=True)
    time.sleep(60)
"""


def ended(pid: int) -> bool:
    """Whether a process is gone, or dead and not yet collected, within three seconds."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_leaving_the_block_ends_the_process_and_removes_its_temporary_folder() -> None:
    """Nothing is left of an emulator once its block is over."""
    with Emulator() as running:
        child = running._process
        assert child is not None
        folder = running.folder
        assert running.log_file.exists()
    assert child.returncode is not None
    assert not folder.exists()


def test_a_folder_too_long_for_a_socket_is_told() -> None:
    """The kernel takes 107 bytes, and bytes count, not letters."""
    assert settings.too_long(Path("/" + "x" * 80)) == ""
    assert "of 107; no mail is scanned: start it with a shorter --folder" in settings.too_long(Path("/" + "x" * 81))
    assert settings.too_long(Path("/" + "ä" * 41))


def test_a_given_folder_keeps_the_log(tmp_path: Path) -> None:
    """What the server printed can be read after the block when the folder was given."""
    with Emulator(folder=tmp_path):
        pass
    assert "Ready" in (tmp_path / "emulator.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_it_does_not_outlive_a_killed_parent() -> None:
    """The emulator ends with the process that started it, even when that is killed."""
    code = OTHER_PARENT.format(project=str(settings.PROJECT))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, _url, folder = parent.stdout.readline().split()
        parent.kill()
    assert ended(int(pid))
    assert Path(folder).name.startswith("emulator-")
    subprocess.run(["rm", "-r", folder], check=True)


def test_lambda_workers_end_with_it(tmp_path: Path) -> None:
    """A warm Lambda worker is stopped with the server that started it."""
    with Emulator() as running:
        from .test_platform import function_zip, role_document

        iam, functions = running.client("iam", REGION), running.client("lambda", REGION)
        role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(role_document()))["Role"]["Arn"]
        code = {"ZipFile": function_zip("import os\ndef handler(event, context):\n    return os.getpid()\n")}
        name = "worker"
        functions.create_function(
            FunctionName=name, Runtime="python3.12", Role=role, Handler="index.handler", Code=code
        )
        pid = json.load(functions.invoke(FunctionName=name)["Payload"])
        os.kill(pid, 0)
    assert ended(pid)


def test_a_server_that_ends_while_starting_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulator that does not start says why, and where its log is."""
    (tmp_path / "s3").write_text("in the way")
    with pytest.raises(EmulatorError, match="ended while starting") as caught, Emulator(folder=tmp_path):
        pass
    assert "FileExistsError" in str(caught.value)
    assert str(tmp_path / "emulator.log") in str(caught.value)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting has a deadline, after which the process is stopped."""
    monkeypatch.setattr(process, "START_SECONDS", 0.0)
    unanswered = Emulator(folder=tmp_path)
    with pytest.raises(EmulatorError, match="no answer from"), unanswered:
        pass
    assert unanswered._process is None


def test_another_release_of_ministack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension replaces private functions, so it runs on exactly one release."""
    monkeypatch.setattr(__main__, "version", lambda _name: "1.6.0")
    with pytest.raises(SystemExit, match=r"ministack must be 1\.5\.33, got 1\.6\.0"):
        __main__.require_exact_release()


def test_only_loopback_is_listened_on(emulator: Emulator) -> None:
    """No other machine reaches the emulator."""
    child = emulator._process
    assert child is not None
    sockets = {str(link.readlink()) for link in Path(f"/proc/{child.pid}/fd").iterdir() if link.is_symlink()}
    lines = [line.split() for line in Path(f"/proc/{child.pid}/net/tcp").read_text().splitlines()[1:]]
    listening = [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]
    assert listening
    assert all(address.startswith("0100007F:") for address in listening)


def test_the_environment_holds_nothing_of_the_users_own(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles, regions and credentials of whoever runs the tests stay out."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    environment = emulator.environment("us-east-1")
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_ENDPOINT_URL"] == environment["AWS_ENDPOINT_URL_S3"] == emulator.endpoint_url
    assert environment["PATH"].startswith(str(Path(sys.prefix) / "bin"))
    assert Path(environment["HOME"]).is_relative_to(emulator.folder)
    assert emulator.client("sts", "us-east-1").get_caller_identity()["Account"] == emulator.account_id


def test_the_environment_is_enough_for_the_tools(emulator: Emulator) -> None:
    """Node, the CDK CLI and boto3 run in it."""
    assert emulator.run(["cdk", "--version"], REGION).startswith("2.1148.1")
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    assert emulator.run(["python", "-c", code], REGION).strip() == emulator.account_id


def test_a_tool_that_fails_is_reported_with_its_output(emulator: Emulator) -> None:
    """The output of a failed command is in the error."""
    with pytest.raises(EmulatorError, match=r"(?s)failed.*no region for you"):
        emulator.run(["python", "-c", "import sys; sys.exit('no region for you')"], REGION)


def test_bootstrap_makes_the_toolkit_stack(emulator: Emulator) -> None:
    """The real `cdk bootstrap` runs through."""
    emulator.bootstrap("us-west-2")
    found = emulator.client("cloudformation", "us-west-2").describe_stacks(StackName="CDKToolkit")["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE"


def test_health_is_served(emulator: Emulator) -> None:
    """The address the emulator names is the one that answers."""
    with urllib.request.urlopen(f"{emulator.endpoint_url}/_ministack/health") as answer:
        assert answer.status == 200


def test_stopping_needs_no_cooperation(tmp_path: Path) -> None:
    """A server that ignores being asked is killed."""
    with Emulator(folder=tmp_path) as running:
        child = running._process
        assert child is not None
        child.send_signal(signal.SIGSTOP)
    assert child.returncode == -signal.SIGKILL
