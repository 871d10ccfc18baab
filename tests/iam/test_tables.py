"""Rights to items of a tenant's table, by IAM's own rules: every role of every template, and every kind of item."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from mailroom.address_books.tag import TAG as STACK_KEY
from mailroom.tracking.tag import TAG as SET_KEY
from tests.iam.deployed import Deployment, Role, stack_id
from tests.iam.evaluator import ACCOUNT, Request, decisions

pytestmark = pytest.mark.slow

T = TypeVar("T", bound=tuple[str, ...])
ACTIONS = tuple(f"dynamodb:{one}" for one in ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"))
ITEMS = ("MESSAGE#x", "THREAD#x", "ADDRESS#anna@example.net", "OUTBOX#x", "SENT#x", "SUPPRESSED", "ADDRESSES")


@pytest.fixture(scope="module")
def deployment(templates: dict[str, Any]) -> Deployment:
    """Cell `eu` and `us` and their tenants, as if in one account: what crosses from one to the other is seen, too."""
    return Deployment(templates)


def tags_of(deployment: Deployment) -> dict[str, dict[str, str]]:
    """By tenant's stack, the tags of the sessions in which the cell's functions work for it: what AWS's events name."""
    entries = {stack: one for stack, one in entries_of(deployment).items() if stack.startswith("Tenant-")}
    return {
        stack: {SET_KEY: entry["Name"].rpartition("/")[2], STACK_KEY: stack_id(stack)}
        for stack, entry in entries.items()
    }


def entries_of(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The parameter of each tenant's stack."""
    return {
        stack: deployment.resource(stack, logical_id)
        for stack, template in deployment.templates.items()
        for logical_id, one in template["Resources"].items()
        if one["Type"] == "AWS::SSM::Parameter"
    }


def asked_for(
    role: Role, table: str, policy: Any, context: dict[str, str], items: Sequence[str] = ITEMS
) -> dict[tuple[str, str], Request]:
    """By action and item, what a session of the role may ask of a table."""
    return {
        (action.removeprefix("dynamodb:"), item): Request(
            principal=role.session,
            action=action,
            resource=table,
            identity=role.policies,
            resource_policy=policy,
            context={"aws:PrincipalArn": role.arn, "dynamodb:LeadingKeys": [item], **context},
        )
        for action in ACTIONS
        for item in items
    }


def allowed_of(requests: dict[T, Request]) -> set[T]:
    """Which of these are allowed."""
    return {what for what, yes in zip(requests, decisions(list(requests.values())), strict=True) if yes}


NOTING = {(action, item) for action in ("GetItem", "PutItem", "UpdateItem") for item in ("SENT#x", "SUPPRESSED")}
NOTING |= {(action, "OUTBOX#x") for action in ("GetItem", "UpdateItem")}
WRITING = {("PutItem", "ADDRESSES"), ("UpdateItem", "ADDRESSES")}
FILING = {(action.removeprefix("dynamodb:"), item) for action in ACTIONS for item in ITEMS}


def test_roles_and_items(deployment: Deployment) -> None:
    """Filing does everything in its own tenant's table; no other role does anything there without a session for that tenant."""
    tables = deployment.of_type("AWS::DynamoDB::Table")
    assert len(tables) == 5
    asked = {
        (stack, role.stack, role.logical_id[:-8], *what): request
        for stack, arn, properties in tables
        for role in deployment.roles
        for what, request in asked_for(role, arn, properties["ResourcePolicy"]["PolicyDocument"], {}).items()
    }
    writer = "SubdomainMessagesStructuringRole"
    assert allowed_of(asked) == {(stack, stack, writer, *what) for stack, *_ in tables for what in FILING}


def test_cells_functions_reach_the_tenant_that_aws_named(deployment: Deployment) -> None:
    """With the configuration set or the stack of the event as the session's tag: tracking items and the book of that tenant.

    A session for another tenant, of another cell's function, or with both tags mixed up is let in nowhere else, whatever table it
    asks for: what the registry says cannot change that.
    """
    tags = tags_of(deployment)
    cells = {stack: cell_of(deployment, stack) for stack in tags}
    assert (len(tags), set(cells.values())) == (5, {"Cell-eu", "Cell-us"})
    asked: dict[tuple[str, ...], Request] = {}
    expected: set[tuple[str, ...]] = set()
    for stack, arn, properties in deployment.of_type("AWS::DynamoDB::Table"):
        policy = properties["ResourcePolicy"]["PolicyDocument"]
        for role in tables_roles(deployment):
            tracks = role.logical_id.startswith("Tracking")
            key, wrong = (SET_KEY, STACK_KEY) if tracks else (STACK_KEY, SET_KEY)
            sessions = [(key, named[key]) for named in tags.values()]
            sessions += [(key, ""), (key, "*"), (key, f"{tags[stack][key]}x"), (key, tags[stack][wrong])]
            sessions += [(wrong, tags[stack][key]), (wrong, tags[stack][wrong])]
            for tag, value in sessions:
                which = (stack, role.stack, role.logical_id, tag, value)
                requests = asked_for(role, arn, policy, {f"aws:PrincipalTag/{tag}": value})
                asked |= {(*which, *what): request for what, request in requests.items()}
                if (role.stack, tag, value) == (cells[stack], key, tags[stack][key]):
                    expected |= {(*which, *what) for what in (NOTING if tracks else WRITING)}
    assert len(expected) == 5 * (len(NOTING) + len(WRITING))
    assert allowed_of(asked) == expected


def cell_of(deployment: Deployment, stack: str) -> str:
    """The cell's stack that a tenant's stack imports from."""
    (name,) = {
        name.partition("/")[0]
        for name in re.findall(r'"/email-cell-([a-z-]+/)', json.dumps(deployment.templates[stack]))
    }
    return f"Cell-{name}"


def tables_roles(deployment: Deployment) -> list[Role]:
    """The roles that the cells' functions take for one tenant at a time."""
    return [role for role in deployment.roles if re.match("(TrackingNoting|AddressBooks)Tables", role.logical_id)]


def test_functions_take_only_their_own_role_and_say_for_whom(deployment: Deployment) -> None:
    """Nobody else takes it; no session is without the tag, or with another one."""
    taken = tables_roles(deployment)
    assert len(taken) == 4
    asked: list[tuple[Role, Role, str, Request]] = []
    for role in taken:
        assert role.policies == ()
        key = SET_KEY if role.logical_id.startswith("Tracking") else STACK_KEY
        for other in deployment.roles:
            for tags in ({key: "x"}, {}, {"tenant": "x"}, {key: "x", "tenant": "x"}):
                context = {
                    "aws:PrincipalArn": other.arn,
                    **({"aws:TagKeys": sorted(tags)} if tags else {}),
                    **{f"aws:RequestTag/{name}": value for name, value in tags.items()},
                }
                for action in ("AssumeRole", "TagSession"):
                    request = Request(
                        principal=other.session,
                        action=f"sts:{action}",
                        resource=role.arn,
                        identity=other.policies,
                        resource_policy=role.trust,
                        context=context,
                    )
                    asked.append((role, other, f"{action} {' '.join(tags)}", request))
    answers = decisions([request for *_what, request in asked])
    found = {
        (role.stack, role.logical_id[:-14], other.stack, other.logical_id[:-8], how)
        for (role, other, how, _), yes in zip(asked, answers, strict=True)
        if yes
    }
    assert found == {
        (cell, tables, cell, function, f"{action} {key}")
        for cell in ("Cell-eu", "Cell-us")
        for tables, function, key in (
            ("TrackingNoting", "TrackingNotingRole", SET_KEY),
            ("AddressBooks", "AddressBooksRole", STACK_KEY),
        )
        for action in ("AssumeRole", "TagSession")
    }


def test_functions_read_entries_and_stacks_of_tenants_alone(deployment: Deployment) -> None:
    """No parameter outside of their own cell's registry, which nobody of the platform writes, and no stack but tenants'."""
    prefix = f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter"
    names = [entry["Name"] for entry in entries_of(deployment).values()]
    parameters = [f"{prefix}{name}" for name in (*names, "/platform/secret", "/email-cell-eux/configuration-sets/x")]
    reading = ("GetParameter", "GetParametersByPath", "GetParameters", "PutParameter", "DeleteParameter")
    stacks = [stack_id(stack) for stack in ("Tenant-acme", "Cell-eu", "Delegation-acme", "Platform")]
    telling = ("DescribeStackResource", "ListStackResources", "GetTemplate", "UpdateStack", "DeleteStack")
    asked = [
        (role, resource, action)
        for role in deployment.roles
        for service, actions, resources in (("ssm", reading, parameters), ("cloudformation", telling, stacks))
        for resource in resources
        for action in (f"{service}:{one}" for one in actions)
    ]
    answers = decisions(
        [
            Request(principal=role.session, action=action, resource=resource, identity=role.policies)
            for role, resource, action in asked
        ]
    )
    found = {
        (role.stack, role.logical_id[:-8], action, resource.partition(":parameter/email-cell-")[2].partition("/")[0])
        for (role, resource, action), yes in zip(asked, answers, strict=True)
        if yes
    }
    assert found == {
        (f"Cell-{cell}", function, action, cell if action.startswith("ssm") else "")
        for cell in ("eu", "us")
        for function, action in (
            ("TrackingNotingRole", "ssm:GetParameter"),
            ("AddressBooksRole", "ssm:GetParameter"),
            ("AddressBooksRole", "ssm:GetParametersByPath"),
            ("AddressBooksRole", "cloudformation:DescribeStackResource"),
            ("AddressBooksRole", "cloudformation:ListStackResources"),
        )
    }
    seen = {resource for (_, resource, action), yes in zip(asked, answers, strict=True) if yes and ":Desc" in action}
    assert seen == {stack_id("Tenant-acme")}


def test_only_cloudformation_deletes_a_table(deployment: Deployment) -> None:
    """Not the account's administrator; the CDK's execution role does, and CloudFormation in the administrator's name."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    role = f"arn:aws:iam::{ACCOUNT}:role"
    named = f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-eu-central-1"
    asked = [
        (f"{role}/Administrator", {}, False),
        (f"{role}/Administrator", {"aws:CalledVia": ["athena.amazonaws.com"]}, False),
        (f"{role}/Administrator", {"aws:CalledVia": ["cloudformation.amazonaws.com"]}, True),
        (f"{role}/{named}", {}, True),
        (f"{role}/cdk-mail-cfn-exec-role-{ACCOUNT}-eu-central-1", {}, True),
        (f"{role}/other-{named}", {}, False),
    ]
    kept: list[bool] = []
    for _stack, arn, properties in deployment.of_type("AWS::DynamoDB::Table"):
        policy = properties["ResourcePolicy"]["PolicyDocument"]
        kept.append("DenyDeletingTable" in json.dumps(policy))
        requests = [
            Request(
                principal=f"{principal.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/session",
                action="dynamodb:DeleteTable",
                resource=arn,
                identity=[everything],
                resource_policy=policy,
                context={"aws:PrincipalArn": principal, **context},
            )
            for principal, context, _answer in asked
        ]
        assert decisions(requests) == [answer or not kept[-1] for *_, answer in asked]
    assert sorted(kept) == [False, True, True, True, True]
