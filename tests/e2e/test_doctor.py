"""Verdicts of `email-stack doctor` on an account in each bad state. `deploy` refuses stacks beyond the account's quotas.

The emulator enforces IAM; doctor is asked with the policy of docs/deploying.md, nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from email_stack.cli.output import ExitCode
from email_stack.config.quotas import ACCOUNT_WIDE
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.e2e.conftest import REGION, Platform
from tests.nameservers import Internet

TENANTS: list[dict[str, Any]] = [{"id": "acme", "subdomain": "post.acme.example", "addresses": ["support"]}]
POLICY = re.search(r"```json\n(\{.*?\n\})\n```", (PROJECT_ROOT / "docs/deploying.md").read_text(), re.DOTALL)

ROLES = ("iam", "L-FE177D64")

Doctor = Callable[..., tuple[dict[str, Any], int]]


@pytest.fixture(scope="module")
def operator(platform: Platform) -> dict[str, str]:
    """The environment of somebody who may do what the documented policy lets them, with something that builds images."""
    iam = platform.client("iam")
    iam.create_user(UserName="doctor")
    assert POLICY is not None
    iam.put_user_policy(UserName="doctor", PolicyName="doctor", PolicyDocument=POLICY[1])
    key = iam.create_access_key(UserName="doctor")["AccessKey"]
    own = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "CDK_DOCKER": "true",
    }
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {**platform.emulator.environment(REGION), **coverage, **own}


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """The name servers of the module."""
    with Internet(tmp_path_factory.mktemp("internet")) as internet:
        yield internet


@pytest.fixture(scope="module")
def config(platform: Platform) -> Path:
    """One tenant in one cell; nothing is deployed."""
    return platform.write_config(TENANTS)


@pytest.fixture
def doctor(platform: Platform, operator: dict[str, str], config: Path) -> Doctor:
    """Asks, with options, and with variables of the environment."""

    def ask(*options: str, **variables: str) -> tuple[dict[str, Any], int]:
        given = options if "--config" in options else (*options, "--config", str(config))
        done = platform.commands.run(["doctor", *given, "--json"], {**operator, **variables})
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        assert document["ok"] is (done.returncode == 0)
        return document, done.returncode

    return ask


def found(document: dict[str, Any], check: str, about: str | None = None, cell: int = 0) -> dict[str, Any]:
    """The line of one check."""
    lines = [*document["machine"], *document["cells"][cell]["checks"]]
    (line,) = [one for one in lines if one["check"] == check and (about is None or one["about"] == about)]
    assert isinstance(line, dict)
    return line


def others(document: dict[str, Any], *checks: str) -> set[str]:
    """The states of all other lines of the first cell."""
    return {one["state"] for one in document["cells"][0]["checks"] if one["check"] not in checks} - {"by_hand"}


@contextmanager
def limited(platform: Platform, quota: tuple[str, str], value: float, usual: float, region: str) -> Iterator[None]:
    """That quota, given by service and code, is lower meanwhile."""
    platform.emulator.limit(*quota, value, region)
    try:
        yield
    finally:
        platform.emulator.limit(*quota, usual, region)


def test_all_is_well_with_the_documented_policy(doctor: Doctor) -> None:
    """Each call that it makes is in the policy, and a bootstrapped account is ready."""
    document, code = doctor()
    assert others(document) == {"ok"}
    assert code == ExitCode.OK
    assert document["cells"][0]["account"] == "000000000000"
    assert found(document, "bootstrap")["said"].startswith("version ")
    assert "1000 IAM roles allowed, 10 needed" in found(document, "quota", "iam_roles")["said"]


def test_without_bootstrap(doctor: Doctor, platform: Platform, tmp_path: Path) -> None:
    """The remedy is the very command; what else is asked is told nevertheless."""
    path = tmp_path / "tenants.yaml"
    path.write_text(json.dumps({"cells": {"west": {"region": "eu-west-1"}}, "tenants": TENANTS}))
    document, code = doctor("west", "--config", str(path))
    line = found(document, "bootstrap")
    assert (code, line["state"]) == (ExitCode.DIFFERENT, "wrong")
    assert line["remedy"].endswith("cdk bootstrap aws://000000000000/eu-west-1")
    assert others(document, "bootstrap") == {"ok"}
    west = platform.emulator.client("ssm", "eu-west-1")
    west.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="5")
    assert "is version 5, and the templates need 6" in found(doctor("--config", str(path))[0], "bootstrap")["said"]


def test_sandbox_and_paused_sending(doctor: Doctor, platform: Platform) -> None:
    """Both are told, each with its remedy."""
    ses = platform.client("sesv2")
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://acme.example"}
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    ses.put_account_sending_attributes(SendingEnabled=False)
    try:
        document, code = doctor()
    finally:
        ses.put_account_details(**details, ProductionAccessEnabled=True)
        ses.put_account_sending_attributes(SendingEnabled=True)
    assert code == ExitCode.DIFFERENT
    assert "Request production access" in found(document, "production_access")["remedy"]
    assert "paused" in found(document, "sending")["said"]
    assert others(document, "production_access", "sending") == {"ok"}


def test_foreign_rule_set(doctor: Doctor, platform: Platform) -> None:
    """The activation would fail; it is told before."""
    ses = platform.client("ses")
    ses.create_receipt_rule_set(RuleSetName="theirs")
    ses.set_active_receipt_rule_set(RuleSetName="theirs")
    try:
        document, code = doctor()
    finally:
        ses.set_active_receipt_rule_set()
        ses.delete_receipt_rule_set(RuleSetName="theirs")
    assert code == ExitCode.DIFFERENT
    assert '"theirs" is active' in found(document, "rule_set")["said"]


QUOTAS = {
    "iam_roles": ("iam", "L-FE177D64", 5, 1000),
    "hosted_zones": ("route53", "L-4EA4796A", 0, 500),
    "buckets": ("s3", "L-DC2B2D3D", 2, 10_000),
    "stacks": ("cloudformation", "L-0485CB21", 1, 2000),
    "event_rules": ("events", "L-244521F2", 3, 300),
    "concurrent_executions": ("lambda", "L-B99A9384", 5, 1000),
    "code_storage_mib": ("lambda", "L-2ACBD22F", 0, 75),
    "tables": ("dynamodb", "L-F98FE922", 0, 2500),
    "topics": ("sns", "L-61103206", 1, 100_000),
    "kms_keys": ("kms", "L-C2F1777E", 0, 100_000),
    "ses_tenants": ("ses", "L-E7F21B4C", 0, 10_000),
}
"""Service, code, a value that does not suffice, and the usual one."""


def test_quotas_that_are_too_small(doctor: Doctor, platform: Platform) -> None:
    """The remedy of each names how much of what to request, where, and by which code; the others are as before."""
    with ExitStack() as lower:
        for name, (service, code, value, usual) in QUOTAS.items():
            region = "us-east-1" if name in ACCOUNT_WIDE else REGION
            lower.enter_context(limited(platform, (service, code), value, usual, region))
        document, exit_code = doctor()
    assert exit_code == ExitCode.DIFFERENT
    wrong = {one["about"]: one["remedy"] for one in document["cells"][0]["checks"] if one["state"] == "wrong"}
    assert set(wrong) == set(QUOTAS)
    for name, (_, code, _, _) in QUOTAS.items():
        region = "us-east-1" if name in ACCOUNT_WIDE else REGION
        assert f"region {region}, quota code {code}" in wrong[name]
        assert wrong[name].startswith("request ")


def test_what_a_settings_api_needs(doctor: Doctor, platform: Platform, tmp_path: Path) -> None:
    """Its requests a second and its domain name at API Gateway, and functions that run beside mail; the remedy has the code."""
    certificate = "arn:aws:acm:eu-central-1:000000000000:certificate/11111111-1111-1111-1111-111111111111"
    control = {
        "issuer": "https://login.acme.example",
        "audience": "mail",
        "domain": {"domain_name": "settings.acme.example", "certificate_arn": certificate},
    }
    cell = {"region": REGION, "quotas": {"concurrent_executions": 13}, "control": control}
    config = tmp_path / "tenants.yaml"
    config.write_text(json.dumps({"cells": {"eu": cell}, "tenants": []}))
    rate, functions = ("apigateway", "L-8A5B8E43"), ("lambda", "L-B99A9384")
    with limited(platform, rate, 49, 10_000, REGION), limited(platform, functions, 12, 1000, REGION):
        document, code = doctor("--config", str(config))
    assert code == ExitCode.DIFFERENT
    lines = {one["about"]: one for one in document["cells"][0]["checks"] if one["check"] == "quota"}
    assert {about for about, one in lines.items() if one["state"] == "wrong"} == {
        "api_requests",
        "concurrent_executions",
    }
    assert "request 50 or more" in lines["api_requests"]["remedy"]
    assert "quota code L-8A5B8E43" in lines["api_requests"]["remedy"]
    assert "request 13 or more" in lines["concurrent_executions"]["remedy"]
    assert lines["api_domains"]["said"] == "120 custom domain names of APIs allowed, 1 needed"
    assert "15 needed" in lines["iam_roles"]["said"]


def test_roles_that_others_hold(doctor: Doctor, platform: Platform) -> None:
    """The config would fit alone, and does not beside what the account holds."""
    roles = platform.client("iam").get_account_summary()["SummaryMap"]["Roles"]
    assert roles > 0
    with limited(platform, ROLES, roles + 9, 1000, "us-east-1"):
        line = found(doctor()[0], "quota", "iam_roles")
    assert line["state"] == "wrong"
    assert f"request {roles + 10} or more" in line["remedy"]


LACKING = {
    "bootstrap": "ssm:GetParameter",
    "production_access": "ses:GetAccount",
    "sending": "ses:GetAccount",
    "rule_set": "ses:DescribeActiveReceiptRuleSet",
    "deployed": "cloudformation:ListStacks",
    "quota iam_roles": "iam:GetAccountSummary",
    "quota hosted_zones": "route53:GetAccountLimit",
    "quota stacks": "cloudformation:ListStacks",
    "quota event_rules": "events:ListRules",
    "quota concurrent_executions": "lambda:GetAccountSettings",
    "quota code_storage_mib": "lambda:GetAccountSettings",
    **{
        f"quota {name}": "servicequotas:GetServiceQuota"
        for name in ("buckets", "tables", "topics", "kms_keys", "configuration_sets", "ses_tenants")
    },
}
"""Lines that cannot be told without a permission."""


def test_permissions_that_are_lacking(doctor: Doctor, platform: Platform) -> None:
    """Each is named on its line, and keeps nothing else from being told; that is 9, since not all is known to be well."""
    iam = platform.client("iam")
    denied = [{"Effect": "Deny", "Action": sorted(set(LACKING.values())), "Resource": "*"}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": denied})
    iam.put_user_policy(UserName="doctor", PolicyName="denied", PolicyDocument=policy)
    try:
        document, code = doctor()
    finally:
        iam.delete_user_policy(UserName="doctor", PolicyName="denied")
    unknown = {
        f"{one['check']} {one['about'] or ''}".strip(): one["said"]
        for one in document["cells"][0]["checks"]
        if one["state"] == "unknown"
    }
    assert unknown == {line: f"needs permission {permission}" for line, permission in LACKING.items()}
    assert (code, others(document)) == (ExitCode.AWS_FAILED, {"ok", "unknown"})


def test_credentials_of_another_account(doctor: Doctor, tmp_path: Path) -> None:
    """Nothing else is asked of a cell whose account it is not; the other cell is told."""
    path = tmp_path / "tenants.yaml"
    cells = {"eu": {"region": REGION}, "theirs": {"region": REGION, "account": "222222222222"}}
    path.write_text(json.dumps({"cells": cells, "tenants": [{**TENANTS[0], "cell": "eu"}]}))
    document, code = doctor("--config", str(path))
    assert code == ExitCode.DIFFERENT
    assert [one["check"] for one in document["cells"][1]["checks"]] == ["credentials", "region"]
    assert "222222222222" in found(document, "credentials", cell=1)["remedy"]
    assert others(document) == {"ok"}
    alone, code = doctor("eu", "--config", str(path))
    assert [one["cell"] for one in alone["cells"]] == ["eu"]
    assert code == ExitCode.OK


def test_without_credentials(doctor: Doctor) -> None:
    """The one line that every command says then; what this machine has is told nevertheless."""
    document, code = doctor(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", CDK_DOCKER="builds-nothing")
    assert code == ExitCode.AWS_FAILED
    line = found(document, "credentials")
    assert line["state"] == "unknown"
    assert line["said"].startswith("AWS credentials: none found")
    assert found(document, "cdk")["state"] == "ok"


def test_nothing_builds_the_image(doctor: Doctor) -> None:
    """The cell is not deployed: its image has to be built."""
    document, code = doctor(CDK_DOCKER="builds-nothing")
    line = found(document, "image_builder")
    assert (code, line["state"]) == (ExitCode.DIFFERENT, "wrong")
    assert "builds-nothing is not on PATH" in line["said"]


def test_parent_zones(doctor: Doctor, platform: Platform, internet: Internet, tmp_path: Path) -> None:
    """One that is there and served; one that is another domain's; one that does not exist, in AWS or in DNS."""
    made = platform.client("route53").create_hosted_zone(Name="parents.example", CallerReference="parents")
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    names = made["DelegationSet"]["NameServers"]
    for name, server in zip(names, internet.ours, strict=True):
        host, _, above = name.partition(".")
        internet.serve(above, f"{host} A {server.address}", [internet.root])
    internet.serve("parents.example", "", internet.ours, names)
    internet.flush()
    parents = {
        "there": ("parents.example", zone),
        "other": ("others.example", zone),
        "gone": ("gone.example", "Z0123456789ABC"),
    }
    tenants = [
        {"id": name, "subdomain": f"post.{domain}", "parent_zone": {"hosted_zone_id": one, "zone_name": domain}}
        for name, (domain, one) in parents.items()
    ]
    path = tmp_path / "tenants.yaml"
    path.write_text(json.dumps({"cells": {"eu": {"region": REGION}}, "tenants": tenants}))
    resolver = f"{internet.resolver.address}#{internet.resolver.port}"
    document, code = doctor("--config", str(path), "--resolver", resolver)
    lines = [one for one in document["cells"][0]["checks"] if one["check"] in {"hosted_zone", "parent_domain"}]
    said = [(one["check"], one["about"], one["state"], one["said"]) for one in lines]
    assert said == [
        ("hosted_zone", zone, "ok", "is parents.example"),
        ("parent_domain", "parents.example", "ok", f"is served by {', '.join(sorted(names))}"),
        ("hosted_zone", zone, "wrong", "is parents.example, not others.example"),
        ("parent_domain", "others.example", "wrong", "the domain does not exist in DNS"),
        ("hosted_zone", "Z0123456789ABC", "wrong", "the account has no such hosted zone"),
        ("parent_domain", "gone.example", "wrong", "the domain does not exist in DNS"),
    ]
    assert code == ExitCode.DIFFERENT


def test_deploy_refuses_what_the_account_has_no_room_for(platform: Platform, config: Path) -> None:
    """Before anything is synthesized, with what to request and where; once there is room, it deploys, and asks no more."""
    deploy = ("deploy", "acme", "--yes", "--config", str(config))
    with limited(platform, ROLES, 5, 1000, "us-east-1"):
        done = platform.email_stack(*deploy)
        assert done.returncode == ExitCode.REFUSED
        assert done.stderr.startswith("refused\n")
        assert '"Roles per account" in the Service Quotas console' in done.stderr
        assert "quota code L-FE177D64" in done.stderr
        document = json.loads(platform.email_stack(*deploy, "--json").stdout)
        assert (document["ok"], document["error"], document["exit_code"]) == (False, "refused", 5)
    assert not platform.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"][
        1:
    ]
    done = platform.email_stack(*deploy)
    assert done.returncode == ExitCode.OK, done.stderr
    with limited(platform, ROLES, 5, 1000, "us-east-1"):
        done = platform.email_stack(*deploy)
    assert done.returncode == ExitCode.OK, done.stderr


def test_deployed_cell(doctor: Doctor) -> None:
    """Its own rule set is active, no image has to be built, and the scanner proves its memory."""
    document, code = doctor(CDK_DOCKER="builds-nothing")
    assert code == ExitCode.OK
    assert found(document, "rule_set")["said"].endswith("is active")
    assert found(document, "image_builder")["state"] == "ok"
    assert found(document, "quota", "function_memory_mib")["state"] == "ok"


def test_policy_of_a_key(doctor: Doctor, platform: Platform, tmp_path: Path) -> None:
    """What is missing in it is told with the very statements, which make it right."""
    kms = platform.client("kms")
    key = kms.create_key()["KeyMetadata"]
    cell: dict[str, Any] = {"region": REGION, "encryption": {"key_arn": key["Arn"]}}
    path = tmp_path / "tenants.yaml"
    path.write_text(json.dumps({"cells": {"eu": cell}, "tenants": TENANTS}))
    line = found(doctor("--config", str(path))[0], "encryption_key", key["Arn"])
    assert line["state"] == "wrong"
    assert (
        "LetReceiptRulesWrite, LetBucketsNotify, LetRulesSend, LetAlarmsPublish, LetTopicsSend, LetLogsEncrypt"
        in line["said"]
    )
    lacking = json.loads(line["remedy"].partition(": ")[2])
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    policy["Statement"] += lacking
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    assert found(doctor("--config", str(path))[0], "encryption_key")["state"] == "ok"
    cell["encryption"]["key_arn"] = key["Arn"].replace(key["KeyId"], "00000000-0000-4000-8000-000000000000")
    path.write_text(json.dumps({"cells": {"eu": cell}, "tenants": TENANTS}))
    assert "no such key" in found(doctor("--config", str(path))[0], "encryption_key")["said"]
