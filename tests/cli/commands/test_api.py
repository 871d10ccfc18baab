"""api: the settings API as a command, in front of an emulator and of nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from email_stack.cli.main import app
from email_stack.cli.output import CommandError, ExitCode
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.emulators import shared_emulator

REGION = "eu-central-1"


def test_it_is_local_or_not_at_all() -> None:
    """Without `--local` it is wrong usage."""
    assert CliRunner().invoke(app, ["api"]).exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "address",
    ["", "https://dynamodb.eu-central-1.amazonaws.com", "http://10.0.0.1:4566", "http://127.0.0.1.example:4566"],
)
def test_an_account_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The local issuer gives everybody a token: a table that is not an emulator's is never served."""
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    if address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(CommandError, match="must be an emulator on loopback") as caught:
        CliRunner().invoke(app, ["api", "--local", "--resolver", "127.0.0.1"], catch_exceptions=False)
    assert caught.value.code is ExitCode.REFUSED


@pytest.mark.parametrize("network", ["x", "127.0.0.1/8", "10.0.0.0/99"])
def test_a_network_that_is_none_is_wrong_usage(network: str) -> None:
    """Neither a name nor a network with bits of a host."""
    done = CliRunner().invoke(app, ["api", "--local", "--resolver", "127.0.0.1", "--dns-network", network])
    assert done.exit_code == ExitCode.USAGE


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The command's URL."""
    environment = shared_emulator(request).environment(REGION)
    command = [sys.executable, "-m", "email_stack.cli", "api", "--local", "--port", "0", "--table", "cli-api", "--json"]
    with subprocess.Popen(
        [*command, "--resolver", "127.0.0.1"], cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.mark.servers
def test_a_domain_is_added_with_a_token_that_it_gives(url: str) -> None:
    """Two requests from nothing to what to set in DNS."""
    with urllib.request.urlopen(f"{url}/local/token?organization=acme", timeout=10) as response:
        token = response.read().decode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"domain": "mail.example.com"}).encode()
    request = urllib.request.Request(f"{url}/v1/email-settings/domain", body, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        added = json.load(response)
    assert (added["org_id"], added["status"]) == ("acme", "claimed")
    assert added["records"][0]["name"] == "_email-claim.mail.example.com"
