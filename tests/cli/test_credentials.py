"""Without usable credentials every command says the same one line: what was looked for, and the command that mends it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from email_stack.cli import cdk
from email_stack.cli.main import main
from tests.cli.test_commands import CONFIG, installed

COMMANDS = [
    ("deploy", "globex"),
    ("deploy", "globex", "--yes"),
    ("move", "globex"),
    ("diff", "globex"),
    ("destroy", "globex", "--yes"),
    ("dns-check", "globex"),
    ("dns-records", "globex"),
    ("rescan", "acme"),
    ("suppressions", "acme"),
    ("retention", "acme"),
    ("messages", "acme"),
]

VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")

SSO = """\
[profile work]
sso_session = work
sso_account_id = 111111111111
sso_role_name = Admin
region = eu-central-1

[sso-session work]
sso_start_url = https://work.awsapps.com/start
sso_region = eu-central-1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A valid config of two tenants."""
    path = tmp_path / "tenants.yaml"
    path.write_text(CONFIG)
    return path


def _machine(tmp_path: Path, aws_config: str = "", **variables: str) -> dict[str, str]:
    """The environment of a machine with this ~/.aws/config and nothing else."""
    (tmp_path / "config").write_text(aws_config)
    return {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SESSION_TOKEN": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_MAX_ATTEMPTS": "1",
        "HOME": str(tmp_path),
        **variables,
    }


@dataclass(frozen=True, slots=True)
class Said:
    """A command's output and exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def tell(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process, where it starts much faster, on a machine with that environment."""

    def told(environment: Mapping[str, str], *command: str) -> Said:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for name in set(VARIABLES) - environment.keys():
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "argv", ["email-stack", *command, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return told


class _Refusing(BaseHTTPRequestHandler):
    """STS as it answers to credentials that it does not take."""

    def do_POST(self) -> None:
        """One refusal."""
        code = self.path.strip("/")
        self.answer(403, f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")

    def answer(self, status: int, document: str) -> None:
        """One document."""
        body = document.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Elsewhere(_Refusing):
    """STS of an account that has not enabled eu-south-1: the region is the third word of what the request is signed for."""

    def do_POST(self) -> None:
        """Whose the credentials are, where they are known."""
        if "/eu-south-1/sts/" in self.headers["Authorization"]:
            self.path = "/InvalidClientTokenId"
            super().do_POST()
            return
        caller = "<Account>111111111111</Account><Arn>arn:aws:iam::111111111111:user/anna</Arn><UserId>A</UserId>"
        self.answer(
            200,
            f"<GetCallerIdentityResponse><GetCallerIdentityResult>{caller}</GetCallerIdentityResult></GetCallerIdentityResponse>",
        )


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An endpoint that refuses with the code that its path names."""
    with _serving(_Refusing) as url:
        yield url


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_the_same(
    tell: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Nothing anywhere: one line with what was looked for and what to run, exit code 9, and the CDK is not run before."""
    monkeypatch.setattr(cdk, "_run", lambda *_: pytest.fail("the CDK ran"))
    done = tell(_machine(tmp_path), *command)
    assert done.code == 9, done.err
    title, line = done.err.strip().splitlines()
    assert title == "no usable AWS credentials"
    assert line == (
        f'AWS credentials: none found, looked for AWS_ACCESS_KEY_ID in the environment, profile "default" in {tmp_path}/config and '
        f"{tmp_path}/credentials, and a role of this machine; run: aws configure sso"
    )
    assert done.out == ""


def test_installed_script_says_it(config: Path, tmp_path: Path) -> None:
    """The same from a shell."""
    done = installed("diff", "globex", "--config", config, **_machine(tmp_path))
    assert (done.returncode, done.stdout) == (9, "")
    assert done.stderr.startswith("no usable AWS credentials\nAWS credentials: none found")


@pytest.mark.parametrize(
    ("aws_config", "variables", "said"),
    [
        (SSO, {"AWS_PROFILE": "work"}, 'the SSO session of profile "work" (AWS_PROFILE) has expired or was never opened; '
         'run: aws sso login --profile "work"'),
        (SSO, {"AWS_PROFILE": "wrok"}, 'AWS profile "wrok" (AWS_PROFILE): is in none of'),
        (SSO, {"AWS_PROFILE": "wrok"}, 'which have "work"; set AWS_PROFILE to one of them'),
        (SSO, {}, 'set AWS_PROFILE to one of "work", or run: aws configure sso'),
        ("", {"AWS_PROFILE": "work"}, 'run: aws configure sso --profile "work"'),
        ("", {"AWS_ACCESS_KEY_ID": "AKIAX"}, "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("broken", {}, "correct it, or run: aws configure"),
        ("[profile p]\ncredential_process = /bin/false\n", {"AWS_PROFILE": "p"},
         'the source of profile "p" (AWS_PROFILE) gave none'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tell: Callable[..., Said], tmp_path: Path, aws_config: str, variables: dict[str, str], said: str
) -> None:
    """Each way to have no credentials has its own words and its own remedy, in one line."""
    environment = _machine(tmp_path, aws_config, **variables)
    for command in (("diff", "globex"), ("dns-check", "globex")):
        done = tell(environment, *command)
        assert done.code == 9, done.err
        assert len(done.err.strip().splitlines()) == 2
        assert said in done.err


@pytest.mark.servers
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "those of the environment (AWS_ACCESS_KEY_ID) have expired; set new ones in the environment"),
        ("InvalidClientTokenId", "AWS does not take those of the environment (AWS_ACCESS_KEY_ID)"),
        ("SignatureDoesNotMatch", "AWS does not take those of the environment (AWS_ACCESS_KEY_ID)"),
    ],
)
def test_what_aws_does_not_take_is_told(
    tell: Callable[..., Said], tmp_path: Path, refusing: str, code: str, said: str
) -> None:
    """Keys that AWS refuses are not 'AWS could not be asked', and the secret is not shown."""
    environment = _machine(
        tmp_path,
        AWS_ACCESS_KEY_ID="AKIAX",
        AWS_SECRET_ACCESS_KEY="very-secret",
        AWS_ENDPOINT_URL=f"{refusing}/{code}",
        NO_PROXY="127.0.0.1",
    )
    done = tell(environment, "deploy", "globex", "--yes", "--json")
    document = json.loads(done.out)
    assert (done.code, document["exit_code"], document["error"]) == (9, 9, "no usable AWS credentials")
    assert said in document["detail"]
    assert "very-secret" not in done.out + done.err


@pytest.mark.servers
def test_region_that_the_account_has_not_enabled_is_told(
    tell: Callable[..., Said], config: Path, tmp_path: Path
) -> None:
    """STS there refuses credentials that are good elsewhere: signing in anew would change nothing."""
    config.write_text(CONFIG.replace("eu-central-1", "eu-south-1"))
    with _serving(_Elsewhere) as url:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "very-secret"}
        environment = _machine(tmp_path, **keys, AWS_ENDPOINT_URL=url, NO_PROXY="127.0.0.1")
        for command in (("deploy", "globex", "--yes"), ("rescan", "acme"), ("dns-check", "globex")):
            done = tell(environment, *command)
            assert done.code == 9, done.err
            title, line = done.err.strip().splitlines()
            assert title == "no usable AWS credentials"
            assert line.startswith(
                "region eu-south-1: STS does not take credentials of account 111111111111 there, which it takes in us-east-1; "
                "enable the region, in the AWS console under Account, or run: aws account enable-region --region-name eu-south-1"
            )
        found = json.loads(tell(environment, "doctor", "--json").out)
    (credentials, region) = found["cells"][0]["checks"]
    assert (credentials["state"], credentials["said"]) == (
        "ok",
        "arn:aws:iam::111111111111:user/anna in account 111111111111",
    )
    assert (region["state"], region["said"]) == (
        "wrong",
        "STS does not take credentials of account 111111111111 in eu-south-1, which it takes elsewhere",
    )
    assert region["remedy"].startswith(
        "enable the region, in the AWS console under Account, or run: aws account enable-region"
    )


def test_status_says_it_too(tell: Callable[..., Said], tmp_path: Path) -> None:
    """The same line, first of all, and once for all tenants; no table of what is not known."""
    done = tell(_machine(tmp_path), "status")
    assert done.code == 9
    head, reason = done.out.strip().splitlines()
    assert head.endswith("2 tenants: 2 unknown")
    assert reason.startswith(
        "cell eu, acme, globex: unknown: AWS credentials: none found, looked for AWS_ACCESS_KEY_ID"
    )
