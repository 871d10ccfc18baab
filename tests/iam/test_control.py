"""Rights behind the settings API, by IAM's own rules: the statements of its functions' roles."""

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
from tests.iam.control import (
    ADMIN,
    BOOKS,
    BOUNDARY,
    BUCKET,
    BUCKET_URL,
    BUS,
    CELL,
    CHANGE_SETS,
    EXECUTION,
    MAKING,
    OTHER_TABLE,
    STACKS,
    STRANGE,
    SYNTHESIS,
    TABLE,
    TENANT,
    Ask,
    allowed,
    arn,
)
from tests.iam.evaluator import ACCOUNT

pytestmark = pytest.mark.slow


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
            change_sets_arn=CHANGE_SETS,
            execution_role_arn=EXECUTION,
            synthesis_arn=SYNTHESIS,
            books_arn=BOOKS,
            bus_arn=BUS,
            partition="aws",
        ),
    ]


OURS = {"cloudformation:RoleArn": EXECUTION, "cloudformation:TemplateUrl": f"{BUCKET_URL}/templates/acme/1.json"}
CREATING, EXECUTING = ({"cloudformation:CreateAction": one} for one in ("CreateChangeSet", "ExecuteChangeSet"))
LOOKING: list[tuple[str, str, dict[str, Any], bool]] = [
    ("cloudformation:TagResource", TENANT, CREATING, True),
    ("cloudformation:TagResource", f"{CHANGE_SETS}r7-t0-release/x", CREATING, True),
    ("cloudformation:UntagResource", TENANT, EXECUTING, True),
    ("cloudformation:TagResource", TENANT, {"cloudformation:CreateAction": "UpdateStack"}, False),
    ("cloudformation:TagResource", TENANT, {}, False),
    ("cloudformation:TagResource", CELL, CREATING, False),
    ("cloudformation:UntagResource", f"{CHANGE_SETS}cdk-deploy/x", EXECUTING, False),
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


def made_by() -> list[dict[str, Any]]:
    """All of the role with which CloudFormation works."""
    return execution(
        arn=arn,
        partition="aws",
        account=ACCOUNT,
        registry_path="/email-cell-eu/configuration-sets/",
        boundary_arn=BOUNDARY,
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
