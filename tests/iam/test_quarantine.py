"""Delivered means scanned, as a property of the templates: IAM's own rules, applied to every role of tenants and cell.

Two questions about each role and each object. What is allowed in the end, which the denials of the bucket policies decide. And
what would be without them: a grant that is too wide is a fault even where a denial still stops it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.deployed import Deployment, Role
from tests.iam.evaluator import ACCOUNT, Request, decisions
from tests.iam.quarantine import (
    WRITE,
    asked_by,
    quarantines,
    questions,
    role_behind,
    roles_that_may,
    scanner_of,
    without_denials,
)

pytestmark = pytest.mark.slow

TAKEOVER = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutReplicationConfiguration", "s3:PutBucketAcl")
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
RULES = f"arn:aws:ses:eu-central-1:{ACCOUNT}"
SERVICES = ("ses.amazonaws.com", "logging.s3.amazonaws.com", "s3.amazonaws.com", "cloudwatch.amazonaws.com")


@pytest.fixture(scope="module")
def deployment(templates: dict[str, Any]) -> Deployment:
    """Cell `eu` and `us` and their tenants, as if in one account: what crosses from one to the other is seen, too."""
    return Deployment(templates)


def test_no_role_but_the_scanner_reads_quarantine_or_delivers(deployment: Deployment) -> None:
    """In the end, and without the denials as well: no role of any tenant or cell has a grant that reaches there."""
    assert roles_that_may(deployment, denials=True) == []
    assert roles_that_may(deployment, denials=False) == []


def test_every_policy_is_looked_at(deployment: Deployment) -> None:
    """AWS's own managed policies are not in the templates: a role that has one could not be judged by them."""
    assert len(deployment.roles) >= 8
    basic = "service-role/AWSLambdaBasicExecutionRole"
    assert [role.logical_id for role in deployment.roles if any(basic not in one for one in role.managed)] == []
    assert len(quarantines(deployment)) == 5


def test_the_scanner_may_do_its_work(deployment: Deployment) -> None:
    """Take back what it delivered as well; and nothing more: not send, not delete what it delivered."""
    needed = (
        ("s3:GetObjectVersion", "raw/m"),
        ("s3:DeleteObjectVersion", "raw/m"),
        ("s3:PutObject", "clean/m"),
        ("s3:GetObject", "clean/m"),
        ("s3:PutObject", "clean/out/m"),
        ("s3:GetObject", "verdicts/m"),
        ("s3:GetObject", "verdicts/recipients/m"),
        ("s3:PutObject", "verdicts/recipients/m"),
        ("s3:PutObject", "held/m.json"),
        ("s3:DeleteObject", "held/m.json"),
        ("s3:GetObjectVersion", "raw/decisions/m"),
        ("s3:DeleteObjectVersion", "raw/decisions/m"),
        ("s3:GetObjectVersion", "clean/m"),
        ("s3:PutObject", "raw/m"),
    )
    never = {
        "s3:PutObject": "raw/out/m",
        "s3:DeleteObject": "clean/m",
        "s3:DeleteObjectVersion": "clean/m",
        "s3:PutObjectAcl": "clean/m",
    }
    for bucket in quarantines(deployment):
        (scanner,) = [role for role in deployment.roles if role.arn == scanner_of(deployment, bucket)]
        asked = [
            asked_by(scanner, action, f"{bucket.arn}/{key}", bucket.policy) for action, key in (*needed, *never.items())
        ]
        assert decisions(asked) == [True] * len(needed) + [False] * len(never)


def test_a_scanner_keeps_its_own_ledger(deployment: Deployment) -> None:
    """Beside the definitions that it reads: it changes none of those, and nobody else's deliveries; nobody else changes its."""
    (definitions,) = [one for one in deployment.buckets if one.stack == "Cell-eu" and "efinitions" in one.logical_id]
    variables = {
        properties["Role"]: properties.get("Environment", {}).get("Variables", {})
        for _stack, _arn, properties in deployment.of_type("AWS::Lambda::Function")
    }
    name = definitions.arn.removeprefix("arn:aws:s3:::")
    scanners = {
        role: said["SCANNER_NAME"]
        for role, said in variables.items()
        if "SCANNER_NAME" in said and said["DEFINITIONS_BUCKET"] == name
    }
    assert list(scanners.values()) == ["Celleu-Scanner-75ECBF52"]
    for role in deployment.roles:
        for arn, name in scanners.items():
            own = f"{definitions.arn}/recall/{name}/state.json"
            asked = [asked_by(role, action, own, definitions.policy) for action in ("s3:PutObject", "s3:DeleteObject")]
            assert decisions(asked) == [role.arn == arn] * 2
        if role.arn in scanners:
            sets = [
                f"{definitions.arn}/{key}" for key in ("current.json", "sets/a/main.cvd", "recall/other/state.json")
            ]
            assert not any(decisions([asked_by(role, "s3:PutObject", key, definitions.policy) for key in sets]))


def test_the_structurer_may_do_its_work(deployment: Deployment) -> None:
    """Read what was delivered, and file beside it; not what is in quarantine, and nothing of another tenant's."""
    needed = [
        ("s3:GetObjectVersion", "clean/m"),
        ("s3:PutObject", "attachments/m/1"),
        ("s3:GetObject", "bodies/m.json"),
        ("s3:GetObject", "verdicts/recipients/m"),
        ("s3:GetObjectVersion", "verdicts/recipients/m"),
    ]
    never = [
        ("s3:GetObjectVersion", "raw/m"),
        ("s3:PutObject", "clean/m"),
        ("s3:DeleteObject", "attachments/m/1"),
        ("s3:PutObject", "verdicts/recipients/m"),
        ("s3:GetObject", "verdicts/m/v.json"),
    ]
    buckets = quarantines(deployment)
    for bucket in buckets:
        (role,) = [one for one in deployment.roles if one.arn == role_behind(deployment, bucket, "clean/")]
        asked = [
            asked_by(role, action, f"{other.arn}/{key}", other.policy)
            for other in buckets
            for action, key in (*needed, *never)
        ]
        own = [True] * len(needed) + [False] * len(never)
        none = [False] * len(own)
        assert decisions(asked) == [one for other in buckets for one in (own if other is bucket else none)]


def test_nobody_else_files(deployment: Deployment) -> None:
    """What is opened as an attachment was in mail that was scanned: no role has a grant that writes there."""
    for denials in (True, False):
        asked = [
            asked_by(role, action, f"{bucket.arn}/{key}", bucket.policy if denials else without_denials(bucket.policy))
            for bucket in quarantines(deployment)
            for role in deployment.roles
            if role.arn != role_behind(deployment, bucket, "clean/")
            for action in WRITE
            for key in ("attachments/m/1", "bodies/m.json")
        ]
        assert not any(decisions(asked))


def test_an_administrator_is_denied(deployment: Deployment) -> None:
    """Whoever may do everything else in the account, root included."""
    asked = [
        Request(
            principal=principal,
            action=action,
            resource=resource,
            identity=[ADMINISTRATOR],
            resource_policy=bucket.policy,
            context={"aws:PrincipalArn": principal},
        )
        for bucket in quarantines(deployment)
        for principal in (f"arn:aws:iam::{ACCOUNT}:user/administrator", f"arn:aws:iam::{ACCOUNT}:root")
        for action, resource in questions(bucket)
    ]
    assert not any(decisions(asked))


def test_services_only_put_mail_into_quarantine(deployment: Deployment) -> None:
    """SES writes under raw/ for the tenant's rules; no service reads there or delivers."""
    for bucket in quarantines(deployment):
        context = {"aws:SourceAccount": ACCOUNT}
        asked = [
            Request(principal=service, action=action, resource=resource, resource_policy=bucket.policy, context=context)
            for service in SERVICES
            for action, resource in questions(bucket)
        ]
        assert not any(decisions(asked))


def test_receipt_rules_alone_say_whom_mail_is_for(deployment: Deployment) -> None:
    """SES publishes for rules of this account, over TLS; no other service and no role of ours does."""
    rules = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"{RULES}:receipt-rule-set/email-cell-eu:receipt-rule/a-001",
    }
    elsewhere = {
        "aws:SourceAccount": "999999999999",
        "aws:SourceArn": rules["aws:SourceArn"].replace(ACCOUNT, "9" * 12),
    }
    topics = {
        topic: properties["PolicyDocument"]
        for _stack, _arn, properties in deployment.of_type("AWS::SNS::TopicPolicy")
        for topic in properties["Topics"]
        if "LetReceiptRulesPublish" in str(properties["PolicyDocument"])
    }
    assert len(topics) == 3
    for topic, policy in topics.items():

        def asked(
            principal: str, identity: Any = (), topic: str = topic, policy: Any = policy, **context: str
        ) -> Request:
            return Request(
                principal=principal,
                action="sns:Publish",
                resource=topic,
                identity=identity,
                resource_policy=policy,
                context=context,
            )

        requests = [
            asked("ses.amazonaws.com", **rules),
            asked("ses.amazonaws.com", **elsewhere),
            asked("ses.amazonaws.com", **{**rules, "aws:SourceArn": f"{RULES}:identity/acme.example"}),
            asked("ses.amazonaws.com", **rules, **{"aws:SecureTransport": "false"}),
            *(asked(service, **rules) for service in SERVICES if not service.startswith("ses.")),
        ]
        assert decisions(requests) == [True] + [False] * (len(requests) - 1)
        assert not any(decisions([asked(role.session, role.policies) for role in deployment.roles]))


def test_nobody_takes_the_scanner_over(deployment: Deployment) -> None:
    """Its role is Lambda's alone; no role may pass roles, change functions, or change what guards a quarantine."""
    scanners = {scanner_of(deployment, bucket) for bucket in quarantines(deployment)}
    assert len(scanners) == 3
    for role in deployment.roles:
        if role.arn in scanners:
            (statement,) = role.trust["Statement"]
            assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert statement["Action"] == "sts:AssumeRole"
    functions = [
        arn for _stack, arn, properties in deployment.of_type("AWS::Lambda::Function") if properties["Role"] in scanners
    ]
    asked = [
        Request(principal=role.session, action=action, resource=resource, identity=role.policies)
        for role in deployment.roles
        for action, resource in (
            *(("iam:PassRole", scanner) for scanner in sorted(scanners)),
            *(("lambda:UpdateFunctionCode", function) for function in functions),
            *((action, bucket.arn) for bucket in quarantines(deployment) for action in TAKEOVER),
        )
    ]
    assert not any(decisions(asked))


def test_the_evaluator_evaluates(deployment: Deployment) -> None:
    """It is no yes-man, nor the opposite."""
    role = Role("s", "r", f"arn:aws:iam::{ACCOUNT}:role/r", {}, (ADMINISTRATOR,), ())
    allowed = Request(
        principal=role.session, action="s3:GetObject", resource="arn:aws:s3:::b/k", identity=role.policies
    )
    refused = Request(principal=role.session, action="s3:GetObject", resource="arn:aws:s3:::b/k")
    assert decisions([allowed, refused]) == [True, False]
    with pytest.raises(RuntimeError, match="NoSuchAction"):
        decisions([Request(principal=role.session, action="s3:NoSuchAction", resource="arn:aws:s3:::b/k")])
