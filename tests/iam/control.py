"""Resources behind the settings API, and questions about them to the evaluator."""

from __future__ import annotations

from typing import Any

from tests.iam.evaluator import ACCOUNT, Request, decisions

REGION = "eu-central-1"
TABLE, OTHER_TABLE = (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in ("settings", "Tenant-acme-Table"))
BUCKET, BUCKET_URL = "arn:aws:s3:::shelf", "https://s3.eu-central-1.amazonaws.com/shelf"
EXECUTION, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("execution", "Admin"))
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/tenants"
SYNTHESIS, BOOKS, STRANGE = (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{one}" for one in ("synthesis", "books", "x"))
STACKS, CHANGE_SETS = (f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:{one}/" for one in ("stack", "changeSet"))
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Function/x"
TENANT, CELL = f"{STACKS}Tenant-acme/x", f"{STACKS}Cell-eu/x"
Ask = tuple[str, str, dict[str, Any]]


def arn(service: str, resource: str) -> str:
    """Of this account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


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
