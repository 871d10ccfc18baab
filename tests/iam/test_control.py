"""Who may do what behind the settings API, by IAM's own rules: the statements of its functions' roles."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from email_stack.stacks.control_roles import (
    boundary,
    execution,
    looking,
    organization_session,
    synthesizing,
    table_work,
)
from mailroom.settings.keys import ORGANIZATION_TAG
from tests.iam.evaluator import ACCOUNT, Request, decisions

REGION = "eu-central-1"
TABLE, OTHER_TABLE = (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in ("settings", "Tenant-acme-Table"))
BUCKET, BUCKET_URL = "arn:aws:s3:::shelf", "https://s3.eu-central-1.amazonaws.com/shelf"
EXECUTION, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("execution", "Admin"))
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/tenants"
SYNTHESIS, BOOKS, STRANGE = (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{one}" for one in ("synthesis", "books", "x"))
STACKS = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Function/x"
Ask = tuple[str, str, dict[str, Any]]


def arn(service: str, resource: str) -> str:
    """Of this account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def allowed(statements: list[dict[str, Any]], asks: list[Ask], limit: list[dict[str, Any]] | None = None) -> list[bool]:
    """Which of these action, resource and context a session with these statements may do, within a boundary."""
    policies = [{"Version": "2012-10-17", "Statement": statements}]
    found = [True] * len(asks)
    for policy in [policies, *([[{"Version": "2012-10-17", "Statement": limit}]] if limit is not None else [])]:
        requests = [
            Request(principal=SESSION, action=action, resource=resource, identity=policy, context=context)
            for action, resource, context in asks
        ]
        found = [one and yes for one, yes in zip(found, decisions(requests), strict=True)]
    return found


@pytest.mark.parametrize(
    ("key", "open_"),
    [
        ("ORG#acme", True),
        ("ORG#globex", False),
        ("ORG#acme2", False),
        ("NAMES#x.example", True),
        ("PLATFORM#acme", False),
    ],
)
def test_an_organization_reaches_its_own_partition_alone(key: str, open_: bool) -> None:
    """Nothing of another's, and nothing that the platform says of it; no scan, and no other table."""
    context = {f"aws:PrincipalTag/{ORGANIZATION_TAG}": "acme", "dynamodb:LeadingKeys": [key]}
    actions = ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    asks: list[Ask] = [(f"dynamodb:{one}", TABLE, context) for one in actions]
    assert allowed(organization_session(TABLE), asks) == [open_] * len(asks)
    never: list[Ask] = [
        ("dynamodb:Scan", TABLE, context),
        ("dynamodb:GetItem", OTHER_TABLE, context),
        ("dynamodb:Query", f"{TABLE}/index/looks", context),
    ]
    assert allowed(organization_session(TABLE), never) == [False, False, False]


def test_a_session_without_an_organization_reaches_nothing() -> None:
    """Nor does one that names no key, as a scan does."""
    asks: list[Ask] = [
        ("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": ["ORG#acme"]}),
        ("dynamodb:Query", TABLE, {f"aws:PrincipalTag/{ORGANIZATION_TAG}": "acme"}),
    ]
    assert allowed(organization_session(TABLE), asks) == [False, False]


def test_synthesis_has_two_rights() -> None:
    """To read snapshots and to write templates: it can neither read back, nor write what it reads, nor anything else."""
    assert [one["Action"] for one in synthesizing(BUCKET)] == [["s3:GetObject"], ["s3:PutObject"]]
    asks: list[Ask] = [
        (f"s3:{action}", f"{BUCKET}/{key}", {})
        for action, key in product(
            ("GetObject", "PutObject", "DeleteObject"), ("snapshots/a/1.json", "templates/a/1.json")
        )
    ]
    assert allowed(synthesizing(BUCKET), asks) == [True, False, False, True, False, False]
    assert not any(allowed(synthesizing(BUCKET), [("dynamodb:GetItem", TABLE, {}), ("sts:AssumeRole", ADMIN, {})]))


def look_statements() -> list[dict[str, Any]]:
    """All of the role that looks."""
    return [
        *table_work(TABLE),
        *looking(
            bucket_arn=BUCKET,
            bucket_url=BUCKET_URL,
            stacks_arn=STACKS,
            execution_role_arn=EXECUTION,
            synthesis_arn=SYNTHESIS,
            books_arn=BOOKS,
            bus_arn=BUS,
            partition="aws",
        ),
    ]


TENANT, CELL = f"{STACKS}Tenant-acme/x", f"{STACKS}Cell-eu/x"
OURS = {"cloudformation:RoleArn": EXECUTION, "cloudformation:TemplateUrl": f"{BUCKET_URL}/templates/acme/1.json"}
LOOKING: list[tuple[str, str, dict[str, Any], bool]] = [
    ("cloudformation:CreateChangeSet", TENANT, OURS, True),
    ("cloudformation:CreateChangeSet", CELL, OURS, False),
    ("cloudformation:CreateChangeSet", TENANT, {**OURS, "cloudformation:RoleArn": ADMIN}, False),
    (
        "cloudformation:CreateChangeSet",
        TENANT,
        {"cloudformation:TemplateUrl": OURS["cloudformation:TemplateUrl"]},
        False,
    ),
    (
        "cloudformation:CreateChangeSet",
        TENANT,
        {**OURS, "cloudformation:TemplateUrl": f"{BUCKET_URL}/snapshots/a"},
        False,
    ),
    ("cloudformation:CreateChangeSet", TENANT, {**OURS, "cloudformation:TemplateUrl": "https://evil.example/t"}, False),
    ("cloudformation:CreateChangeSet", TENANT, {"cloudformation:RoleArn": EXECUTION}, False),
    ("cloudformation:ExecuteChangeSet", TENANT, {}, True),
    ("cloudformation:ExecuteChangeSet", CELL, {}, False),
    ("cloudformation:DeleteStack", TENANT, {"cloudformation:RoleArn": EXECUTION}, True),
    ("cloudformation:DeleteStack", TENANT, {}, False),
    ("cloudformation:DeleteStack", CELL, {"cloudformation:RoleArn": EXECUTION}, False),
    ("cloudformation:CreateStack", TENANT, OURS, False),
    ("cloudformation:UpdateStack", TENANT, OURS, False),
    ("iam:PassRole", EXECUTION, {"iam:PassedToService": "cloudformation.amazonaws.com"}, True),
    ("iam:PassRole", EXECUTION, {"iam:PassedToService": "lambda.amazonaws.com"}, False),
    ("iam:PassRole", ADMIN, {"iam:PassedToService": "cloudformation.amazonaws.com"}, False),
    ("iam:CreateRole", ADMIN, {}, False),
    ("sts:AssumeRole", EXECUTION, {}, False),
    ("lambda:InvokeFunction", SYNTHESIS, {}, True),
    ("lambda:InvokeFunction", BOOKS, {}, True),
    ("lambda:InvokeFunction", STRANGE, {}, False),
    ("lambda:UpdateFunctionCode", SYNTHESIS, {}, False),
    ("dynamodb:UpdateItem", TABLE, {}, True),
    ("dynamodb:Query", f"{TABLE}/index/looks", {}, True),
    ("dynamodb:Query", f"{TABLE}/index/checks", {}, True),
    ("dynamodb:Query", f"{OTHER_TABLE}/index/looks", {}, False),
    ("dynamodb:Scan", TABLE, {}, False),
    ("dynamodb:PutItem", OTHER_TABLE, {}, False),
    ("s3:PutObject", f"{BUCKET}/other", {}, False),
    ("events:PutEvents", BUS, {"events:source": ["email-subdomains"]}, True),
    ("events:PutEvents", BUS, {"events:source": ["aws.fake"]}, False),
    ("ses:SendEmail", arn("ses", "identity/acme.example"), {}, False),
]


def test_looks_change_tenants_stacks_alone() -> None:
    """From the shelf, by the one role, and no other stack, role or template."""
    assert allowed(look_statements(), [one[:3] for one in LOOKING]) == [one[3] for one in LOOKING]


BOUND = {"iam:PermissionsBoundary": BOUNDARY}
TENANT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Tenant-acme-Role"
MAKING: list[tuple[str, str, dict[str, Any], bool]] = [
    ("iam:CreateRole", TENANT_ROLE, BOUND, True),
    ("iam:CreateRole", TENANT_ROLE, {}, False),
    ("iam:CreateRole", TENANT_ROLE, {"iam:PermissionsBoundary": f"{BOUNDARY}-other"}, False),
    ("iam:CreateRole", ADMIN, BOUND, False),
    ("iam:PutRolePolicy", TENANT_ROLE, BOUND, True),
    ("iam:PutRolePolicy", TENANT_ROLE, {}, False),
    ("iam:DeleteRolePermissionsBoundary", TENANT_ROLE, BOUND, False),
    ("iam:CreatePolicyVersion", BOUNDARY, {}, False),
    ("iam:PassRole", TENANT_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}, True),
    ("iam:PassRole", TENANT_ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}, False),
    ("iam:PassRole", ADMIN, {"iam:PassedToService": "lambda.amazonaws.com"}, False),
    ("dynamodb:CreateTable", OTHER_TABLE, {}, True),
    ("dynamodb:DeleteTable", TABLE, {}, False),
    ("lambda:CreateFunction", arn("lambda", "function:Tenant-acme-F"), {}, True),
    ("lambda:UpdateFunctionCode", SYNTHESIS, {}, False),
    ("s3:CreateBucket", "arn:aws:s3:::tenant-acme-x", {}, True),
    ("s3:PutBucketPolicy", BUCKET, {}, False),
    ("ssm:PutParameter", arn("ssm", "parameter/email-cell-eu/configuration-sets/x"), {}, True),
    ("ssm:GetParameters", arn("ssm", "parameter/platform/secret"), {}, False),
    ("route53:DeleteHostedZone", "arn:aws:route53:::hostedzone/Z1", {}, False),
    ("cloudformation:CreateStack", CELL, {}, False),
    ("ec2:RunInstances", "*", {}, False),
    ("kms:Decrypt", arn("kms", "key/x"), {}, False),
    ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:x"), {}, False),
]


def made_by() -> list[dict[str, Any]]:
    """All of the role with which CloudFormation works."""
    return execution(
        arn=arn, partition="aws", registry_path="/email-cell-eu/configuration-sets/", boundary_arn=BOUNDARY
    )


def test_cloudformation_makes_what_a_tenant_is_made_of() -> None:
    """And nothing of the cell, the table of settings or anybody else; no role without the boundary, and no zone is deleted."""
    assert allowed(made_by(), [one[:3] for one in MAKING]) == [one[3] for one in MAKING]


def test_no_role_of_a_tenant_gets_beyond_the_boundary() -> None:
    """Though its own policy said that it may do everything."""
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    asks: list[Ask] = [
        ("dynamodb:GetItem", OTHER_TABLE, {}),
        ("dynamodb:GetItem", TABLE, {}),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("sts:AssumeRole", ADMIN, {}),
        ("s3:GetObject", f"{BUCKET}/snapshots/a", {}),
        ("lambda:InvokeFunction", BOOKS, {}),
    ]
    assert allowed(everything, asks, boundary(arn=arn)) == [True, False, False, False, False, False]
