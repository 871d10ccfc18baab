"""Rights behind the settings API, by IAM's own rules: the statements of its functions' roles."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from email_stack.stacks import add_stacks, new_app
from email_stack.stacks.control_roles import (
    boundary,
    execution,
    looking,
    organization_session,
    synthesizing,
    table_work,
)
from email_stack.synthesis.app import project_context
from mailroom.settings.keys import ORGANIZATION_TAG
from tests.config.configs import config_of
from tests.iam.deployed import Deployment, Role
from tests.iam.evaluator import ACCOUNT, Request, decisions

pytestmark = pytest.mark.slow

REGION = "eu-central-1"
TABLE, OTHER_TABLE = (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in ("settings", "Tenant-acme-Table"))
BUCKET, BUCKET_URL = "arn:aws:s3:::shelf", "https://s3.eu-central-1.amazonaws.com/shelf"
EXECUTION, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("execution", "Admin"))
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/tenants"
SYNTHESIS, BOOKS, STRANGE = (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{one}" for one in ("synthesis", "books", "x"))
STACKS, CHANGE_SETS = (f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:{one}/" for one in ("stack", "changeSet"))
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
            change_sets_arn=CHANGE_SETS,
            execution_role_arn=EXECUTION,
            synthesis_arn=SYNTHESIS,
            books_arn=BOOKS,
            bus_arn=BUS,
            partition="aws",
        ),
    ]


TENANT, CELL = f"{STACKS}Tenant-acme/x", f"{STACKS}Cell-eu/x"
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


CONFIG = """\
cells:
  eu: {region: eu-central-1, quotas: {concurrent_executions: 13}, control: {issuer: "https://login.acme.example", audience: mail}}
tenants:
  - {id: acme, subdomain: post.acme.example, addresses: [support]}
"""


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The stacks of a cell with a settings API and one tenant, as if they were deployed."""
    folder = tmp_path_factory.mktemp("control")
    config = config_of(folder, CONFIG)
    app = new_app(outdir=folder / "out", context=project_context())
    add_stacks(app, config, tenants=["acme"], cells=["eu"])
    app.synth()
    return Deployment(
        {
            path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in (folder / "out").glob("*.template.json")
        }
    )


def role_of(control: Deployment, part: str) -> Role:
    """The role of the stack whose logical id holds this."""
    (found,) = [one for one in control.roles if one.stack == "Control-eu" and part in one.logical_id]
    return found


def asked(role: Role, asks: list[Ask]) -> list[bool]:
    """Which of these a session of the role may do."""
    return decisions(
        [
            Request(principal=role.session, action=action, resource=resource, identity=role.policies, context=context)
            for action, resource, context in asks
        ]
    )


def names(control: Deployment) -> dict[str, str]:
    """ARNs of what the stack has."""
    ((_, table, _),) = [one for one in control.of_type("AWS::DynamoDB::Table") if one[0] == "Control-eu"]
    ((_, shelf, _),) = [one for one in control.of_type("AWS::S3::Bucket") if one[0] == "Control-eu"]
    functions = {
        one["ImageConfig"]["Command"][0].rpartition(".")[2]: found
        for stack, found, one in control.of_type("AWS::Lambda::Function")
        if stack == "Control-eu"
    }
    return {"table": table, "shelf": shelf, **functions}


ANYTHING: list[Ask] = [
    ("iam:CreateRole", ADMIN, {}),
    ("iam:PutRolePolicy", ADMIN, {}),
    ("sts:AssumeRole", ADMIN, {}),
    ("cloudformation:CreateStack", TENANT, {}),
    ("cloudformation:UpdateStack", CELL, {}),
    ("cloudformation:DeleteStack", CELL, {}),
    ("lambda:UpdateFunctionCode", STRANGE, {}),
    ("s3:GetObject", "arn:aws:s3:::tenant-acme-mail/clean/x", {}),
    ("dynamodb:GetItem", OTHER_TABLE, {}),
    ("ses:SendEmail", arn("ses", "identity/post.acme.example"), {}),
    ("kms:Decrypt", arn("kms", "key/x"), {}),
]
"""What none of the functions may do."""


@pytest.mark.parametrize("part", ["ApiAnswering", "ApiSessions", "DeployerSynthesis", "DeployerLook", "DeployerCheck"])
def test_no_function_of_the_stack_can_do_what_is_not_its_work(control: Deployment, part: str) -> None:
    """Neither tenants' mail and tables, nor roles, nor any stack beside a change set of a tenant's."""
    assert not any(asked(role_of(control, part), ANYTHING))


def test_the_stack_of_the_api_as_it_is_deployed(control: Deployment) -> None:
    """Its function reaches no table by itself, and takes one role with one tag; looks, checks and synthesis do what they do."""
    of = names(control)
    answering, sessions, synthesis, look, check = (
        role_of(control, part)
        for part in ("ApiAnswering", "ApiSessions", "DeployerSynthesis", "DeployerLook", "DeployerCheck")
    )
    key = {"dynamodb:LeadingKeys": ["ORG#acme"]}
    tagged = {**key, f"aws:PrincipalTag/{ORGANIZATION_TAG}": "acme"}
    other = {**key, f"aws:PrincipalTag/{ORGANIZATION_TAG}": "globex"}
    read = "dynamodb:GetItem"
    assert asked(answering, [(read, of["table"], key), ("sts:AssumeRole", sessions.arn, {})]) == [False, True]
    assert asked(sessions, [(read, of["table"], tagged), (read, of["table"], other)]) == [True, False]
    index = f"{of['table']}/index/looks"
    assert asked(look, [(read, of["table"], {}), ("dynamodb:Query", index, {})]) == [True, True]
    assert asked(check, [(read, of["table"], {}), ("dynamodb:Query", index, {})]) == [True, True]
    snapshot, template = f"{of['shelf']}/snapshots/a/1.json", f"{of['shelf']}/templates/a/1-r.json"
    shelf: list[Ask] = [("s3:GetObject", snapshot, {}), ("s3:PutObject", snapshot, {}), ("s3:PutObject", template, {})]
    assert asked(synthesis, shelf) == [True, False, True]
    assert asked(look, shelf) == [True, True, True]
    assert asked(check, shelf) == asked(answering, shelf) == [False, False, False]
    call: list[Ask] = [("lambda:InvokeFunction", of["on_synthesis"], {}), ("lambda:InvokeFunction", STRANGE, {})]
    assert asked(look, call) == [True, False]
    assert not any(asked(check, call) + asked(answering, call) + asked(synthesis, call))


def test_looks_of_the_stack_change_tenants_stacks_from_its_shelf(control: Deployment) -> None:
    """With its execution role, and no other; and that role makes nothing outside of what tenants are named."""
    look = role_of(control, "DeployerLook")
    (execution_role,) = [one for one in control.roles if one.logical_id.startswith("DeployerExecution")]
    shelf = names(control)["shelf"].rpartition(":")[2]
    url = f"https://s3.{REGION}.amazonaws.com/{shelf}/templates/acme/1-r.json"
    good = {"cloudformation:RoleArn": execution_role.arn, "cloudformation:TemplateUrl": url}
    asks: list[tuple[str, str, dict[str, Any], bool]] = [
        ("cloudformation:CreateChangeSet", TENANT, good, True),
        ("cloudformation:CreateChangeSet", CELL, good, False),
        ("cloudformation:CreateChangeSet", f"{STACKS}Control-eu/x", good, False),
        ("cloudformation:CreateChangeSet", TENANT, {**good, "cloudformation:RoleArn": ADMIN}, False),
        (
            "cloudformation:CreateChangeSet",
            TENANT,
            {**good, "cloudformation:TemplateUrl": url.replace(shelf, "elsewhere")},
            False,
        ),
        ("iam:PassRole", execution_role.arn, {"iam:PassedToService": "cloudformation.amazonaws.com"}, True),
        ("iam:PassRole", look.arn, {"iam:PassedToService": "cloudformation.amazonaws.com"}, False),
    ]
    assert asked(look, [one[:3] for one in asks]) == [one[3] for one in asks]
    bound = {"iam:PermissionsBoundary": control._imported("Cell-eu:TenantBoundaryArn")}
    making = [
        (action, resource, bound if context is BOUND else context, yes) for action, resource, context, yes in MAKING
    ]
    assert asked(execution_role, [one[:3] for one in making]) == [one[3] for one in making]


def test_tenants_roles_keep_all_they_need_within_the_boundary(control: Deployment) -> None:
    """Each action of each statement of a tenant's template, on a resource that is named as CloudFormation names it."""
    ((properties,),) = [
        [one["Properties"] for one in template["Resources"].values() if one["Type"].endswith("ManagedPolicy")]
        for stack, template in control.templates.items()
        if stack == "Cell-eu"
    ]
    limits = control._resolved("Cell-eu", properties["PolicyDocument"]["Statement"])
    (role,) = [one for one in control.roles if one.stack == "Tenant-acme"]
    named = {
        "dynamodb": OTHER_TABLE,
        "sqs": arn("sqs", "Tenant-acme-Queue"),
        "logs": arn("logs", "log-group:Tenant-acme-Logs:*"),
        "events": BUS,
        "s3": "arn:aws:s3:::tenant-acme-mail/clean/x",
        "ses": arn("ses", "identity/post.acme.example"),
        "kms": arn("kms", "key/x"),
    }
    needed = {
        action
        for policy in role.policies
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    }
    assert {one.partition(":")[0] for one in needed} <= named.keys()
    where = {one: "*" if one == "ses:GetAccount" else named[one.partition(":")[0]] for one in needed}
    asks: list[Ask] = [(action, resource, {}) for action, resource in where.items()]
    assert dict(zip(where, allowed(limits, asks), strict=True)) == dict.fromkeys(where, True)
