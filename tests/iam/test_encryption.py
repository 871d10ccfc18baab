"""A key of the customer's for everything: every role and every service has it, and nobody has it for anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib import (
    ActiveReceiptRuleSet,
    AddressBookWriter,
    AddressBookWriterProps,
    AttachmentScanner,
    AttachmentScannerProps,
    EngagementTracking,
    EngagementTrackingProps,
    SecurityAlerts,
    SharedFunctions,
    SignatureMirror,
    TenantSubdomain,
    TenantSubdomainProps,
)
from constructs_lib.encryption import Home
from constructs_lib.key_policy import needed_statements
from mailroom.addresses import DesignatedAddress
from tests.iam.deployed import REGION, Deployment, Role
from tests.iam.evaluator import ACCOUNT, Request, decisions
from tests.iam.keys import OTHER_ACCOUNT, encrypted, roles_without_key, services, services_without_key, uses
from tests.templates import plain_app

pytestmark = pytest.mark.slow

DOMAIN = "post.acme.example"
PATH = "/mail/configuration-sets/"
TABLES_ACTIONS = (
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "CreateGrant",
    "ScheduleKeyDeletion",
)
"""What DynamoDB needs of whoever uses a table, and two that nobody has."""
IMPORTED = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
HOME = Home(partition="aws", region=REGION, account=ACCOUNT)
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


class Composed:
    """A cell's constructs and a tenant, in stacks and with keys as a case has them."""

    def __init__(self, case: str) -> None:
        app = plain_app()
        env = cdk.Environment(region=REGION)
        keys, cell, tenant = (cdk.Stack(app, name, env=env) for name in ("Keys", "Cell", "Tenant"))
        keys_of: dict[str, Callable[[], tuple[kms.IKey | None, kms.IKey]]] = {
            "one key of its own stack": lambda: (kms.Key(keys, "Key"),) * 2,
            "one key of the cell": lambda: (kms.Key(cell, "Key"),) * 2,
            "a key of the tenant": lambda: (None, kms.Key(tenant, "Key")),
            "a key each": lambda: (kms.Key(cell, "Key"), kms.Key(tenant, "Key")),
            "an imported key": lambda: (kms.Key.from_key_arn(keys, "Key", IMPORTED),) * 2,
        }
        cells, tenants = keys_of[case]()
        rule_set = ActiveReceiptRuleSet(cell, "RuleSet", rule_set_name="mail", encryption_key=cells)
        alarms = SecurityAlerts(cell, "Alarms", display_name="Alarms", alarms=True, encryption_key=cells)
        mirror = SignatureMirror(cell, "Definitions", alarm_topic=alarms.topic(), encryption_key=cells)
        tracking = EngagementTracking(
            cell, "Tracking", EngagementTrackingProps(registry_path=PATH, encryption_key=cells)
        )
        books = AddressBookWriter(
            cell, "Books", AddressBookWriterProps(registry_path=PATH, stack_prefix="Tenant", encryption_key=cells)
        )
        props = AttachmentScannerProps(definitions=mirror.bucket, alarm_topic=alarms.topic(), encryption_key=cells)
        made = TenantSubdomain(
            tenant,
            "Acme",
            TenantSubdomainProps(
                tenant_id="acme",
                subdomain=DOMAIN,
                rule_set_name=rule_set.rule_set_name,
                addresses=[DesignatedAddress(f"support@{DOMAIN}")],
                scanner=AttachmentScanner(cell, "Scanner", props).scanner,
                shared=SharedFunctions(
                    registry_path=PATH,
                    tracking_role_arn=tracking.role_arn,
                    books_role_arn=books.role_arn,
                    key_arns=[cells.key_arn] if cells is not None else [],
                ),
                encryption_key=tenants,
            ),
        )
        application = iam.Role(tenant, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        made.grant_outbox(application)
        made.grant_read(iam.Role(tenant, "Page", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
        made.grant_addresses(iam.Role(tenant, "Addresses", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
        made.grant_held(iam.Role(tenant, "Held", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
        made.inbox.bucket().grant_read(iam.Role(tenant, "Reader", assumed_by=iam.AccountRootPrincipal()), "clean/*")
        templates = {one.stack_name: one.template for one in app.synth().stacks if "Resources" in one.template}
        self.deployment = Deployment(templates)
        scanner = [role.arn for role in self.deployment.roles if role.logical_id.startswith("ScannerRole")]
        tables = [role.arn for role in tables_roles(self.deployment)]
        needed = needed_statements(HOME, scanner_role_arns=scanner, tables_role_arns=tables, alarms=True)
        statements = [ROOT, *needed]
        self.imported = {IMPORTED: {"Version": "2012-10-17", "Statement": statements}} if "imported" in case else {}


def tables_roles(deployment: Deployment) -> list[Role]:
    """The roles that the cell's functions take for one tenant at a time."""
    return [role for role in deployment.roles if re.match("(TrackingNoting|Books)Tables", role.logical_id)]


CASES = ("one key of its own stack", "one key of the cell", "a key of the tenant", "a key each", "an imported key")


@pytest.fixture(scope="module", params=CASES)
def composed(request: pytest.FixtureRequest) -> Composed:
    """Each way to share keys among stacks; none makes a circle of them."""
    return Composed(request.param)


def test_every_role_has_the_keys_of_what_it_works_with(composed: Composed) -> None:
    """Scanner, mirror, filing, tracking, address book, outbox and reader: bucket, table, queues and topics."""
    things = encrypted(composed.deployment)
    assert {"s3", "sqs", "sns", "dynamodb"} <= {thing.service for thing in things}
    assert {role.stack for role, _thing, _action in uses(composed.deployment)} == {"Cell", "Tenant"}
    assert roles_without_key(composed.deployment, composed.imported) == []


def test_the_cells_functions_have_a_tables_key_through_dynamodb_alone(composed: Composed) -> None:
    """Only in the role that they take for one tenant, which the table lets in; not in their own, and through no other service."""
    deployment = composed.deployment
    (table,) = [thing for thing in encrypted(deployment) if thing.service == "dynamodb"]
    policies = {arn: one["KeyPolicy"] for _stack, arn, one in deployment.of_type("AWS::KMS::Key")} | composed.imported
    functions = [role for role in deployment.roles if re.match("(TrackingNoting|Books)(Role|Tables)", role.logical_id)]
    through = ("dynamodb", "s3", "sqs", "sns", "ec2")
    asked = [(role, service, action) for role in functions for service in through for action in TABLES_ACTIONS]
    requests = [
        Request(
            principal=role.session,
            action=f"kms:{action}",
            resource=table.key,
            identity=role.policies,
            resource_policy=policies[table.key],
            context={
                "aws:PrincipalArn": role.arn,
                "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
                **(table.context if service == "dynamodb" else {}),
            },
        )
        for role, service, action in asked
    ]
    found = {
        (role.logical_id.rstrip("0123456789ABCDEF"), service, action)
        for (role, service, action), yes in zip(asked, decisions(requests), strict=True)
        if yes and not (role.logical_id.startswith("TrackingNotingRole") and service == "sqs")
    }
    assert len(functions) == 4
    assert found == {
        (role.logical_id.rstrip("0123456789ABCDEF"), "dynamodb", action)
        for role in tables_roles(deployment)
        for action in TABLES_ACTIONS[:-2]
    }
    worked = {(role.logical_id, action) for role, thing, action in uses(deployment) if thing == table}
    for role in tables_roles(deployment):
        assert (role.logical_id, "dynamodb:PutItem") in worked


def test_every_service_has_the_keys_of_what_it_reaches(composed: Composed) -> None:
    """SES, S3, EventBridge, CloudWatch and its logs: for this account, and for no other."""
    asked = services(composed.deployment)
    named = {service for service, *_ in asked}
    assert {
        "ses.amazonaws.com",
        "s3.amazonaws.com",
        "cloudwatch.amazonaws.com",
        f"logs.{REGION}.amazonaws.com",
    } <= named
    # What SES tells waits in a queue of the cell, with the cell's key.
    with_key = {thing.stack for thing in encrypted(composed.deployment) if thing.service == "sqs"}
    assert ("events.amazonaws.com" in named) == ("Cell" in with_key)
    assert services_without_key(composed.deployment, composed.imported) == []
    refused = services_without_key(composed.deployment, composed.imported, account=OTHER_ACCOUNT)
    assert len(refused) == len(asked)


def test_everything_that_is_made_has_the_key() -> None:
    """Nothing is left with AWS's own: each bucket, table, queue, topic and log group, and the services' words for it."""
    deployment = Composed("one key of its own stack").deployment
    types = ("S3::Bucket", "DynamoDB::Table", "SQS::Queue", "SNS::Topic")
    made = {arn for name in types for _stack, arn, _ in deployment.of_type(f"AWS::{name}")}
    assert made == {thing.arn for thing in encrypted(deployment)}
    assert all("KmsKeyId" in one for _stack, _arn, one in deployment.of_type("AWS::Logs::LogGroup"))
    assert not any("SqsManagedSseEnabled" in one for _stack, _arn, one in deployment.of_type("AWS::SQS::Queue"))
    assert len(deployment.of_type("AWS::KMS::Key")) == 1


def test_nobody_has_the_key_for_anything_else(composed: Composed) -> None:
    """Not by KMS itself, and not through a service that is none of theirs; whom a grant of the CDK's named aside."""
    policies = {arn: one["KeyPolicy"] for _stack, arn, one in composed.deployment.of_type("AWS::KMS::Key")}
    roles = [role for role in composed.deployment.roles if not role.logical_id.startswith("Reader")]
    through: list[dict[str, str]] = [{}, {"kms:ViaService": f"ec2.{REGION}.amazonaws.com"}]
    requests = [
        Request(
            principal=role.session,
            action="kms:Decrypt",
            resource=key,
            identity=role.policies,
            resource_policy=policy,
            context={"aws:PrincipalArn": role.arn, **context},
        )
        for role in roles
        for key, policy in (policies | composed.imported).items()
        for context in through
    ]
    assert not any(decisions(requests))


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(6))
def test_each_statement_of_an_imported_key_is_needed(number: int) -> None:
    """Without any one of them, somebody lacks the key; and each test above would see it."""
    composed = Composed("an imported key")
    document = composed.imported[IMPORTED]
    needed = document["Statement"][1:]
    assert len(needed) == 8
    left = {**document, "Statement": [ROOT, *(one for n, one in enumerate(needed) if n != number)]}
    missing = services_without_key(composed.deployment, {IMPORTED: left})
    assert missing, needed[number]


def test_the_key_may_be_left_out() -> None:
    """Nothing of KMS is asked for then, but for topics."""
    make: Callable[..., Any] = AttachmentScannerProps
    stack = cdk.Stack(plain_app(), "Stack")
    plain = make(definitions=SignatureMirror(stack, "Definitions").bucket)
    assert (plain.encryption_key, replace(plain).encryption_key) == (None, None)
    assert AttachmentScanner(stack, "Scanner", plain).scanner.key_arns == ()
