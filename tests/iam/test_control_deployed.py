"""Rights of the settings API as it is deployed: roles of the whole stack, and tenants' roles within the boundary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from email_stack.stacks import add_stacks, new_app
from email_stack.synthesis.app import project_context
from mailroom.settings.keys import ORGANIZATION_TAG
from tests.config.configs import config_of
from tests.iam.control import (
    ADMIN,
    BOUND,
    BUS,
    CELL,
    MAKING,
    OTHER_TABLE,
    REGION,
    STACKS,
    STRANGE,
    TENANT,
    Ask,
    allowed,
    arn,
)
from tests.iam.deployed import Deployment, Role
from tests.iam.evaluator import Request, decisions

pytestmark = pytest.mark.slow

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
