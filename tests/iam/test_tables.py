"""Who may do what with the items of a tenant's table, by IAM's own rules: every role of every template, and every kind of item."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.deployed import Deployment
from tests.iam.evaluator import ACCOUNT, Request, decisions

ACTIONS = tuple(f"dynamodb:{one}" for one in ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"))
ITEMS = ("MESSAGE#x", "THREAD#x", "ADDRESS#anna@example.net", "OUTBOX#x", "SENT#x", "SUPPRESSED", "ADDRESSES")


@pytest.fixture(scope="module")
def deployment(templates: dict[str, Any]) -> Deployment:
    """Cell `eu` and `us` and their tenants, as if in one account: what crosses from one to the other is seen, too."""
    return Deployment(templates)


def test_roles_and_items(deployment: Deployment) -> None:
    """Filing writes everything, tracking what it tells of, the address book's writer the book; each in its own tenant's table."""
    asked: list[tuple[str, str, str, Request]] = []
    tables = deployment.of_type("AWS::DynamoDB::Table")
    assert len(tables) == 5
    for stack, arn, _properties in tables:
        for role in deployment.roles:
            own = role.logical_id if role.stack == stack else f"{role.stack}/{role.logical_id}"
            for action in ACTIONS:
                for item in ITEMS:
                    context = {"aws:PrincipalArn": role.arn, "dynamodb:LeadingKeys": [item]}
                    request = Request(
                        principal=role.session, action=action, resource=arn, identity=role.policies, context=context
                    )
                    asked.append((own, action.removeprefix("dynamodb:"), item, request))
    answers = decisions([request for *_what, request in asked])
    allowed = {(own[:-8], action, item) for (own, action, item, _), yes in zip(asked, answers, strict=True) if yes}
    filing = {
        ("SubdomainMessagesStructuringRole", action.removeprefix("dynamodb:"), item)
        for action in ACTIONS
        for item in ITEMS
    }
    tracking = {
        ("SubdomainTrackingNotingRole", action, item)
        for action in ("GetItem", "PutItem", "UpdateItem")
        for item in ("SENT#x", "SUPPRESSED")
    }
    assert allowed == filing | tracking | {("SubdomainAddressesWriter", "PutItem", "ADDRESSES")}
    assert sum(answers) == len(tables) * len(allowed)


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
    for _stack, arn, properties in deployment.of_type("AWS::DynamoDB::Table"):
        policy = properties.get("ResourcePolicy", {}).get("PolicyDocument")
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
        assert decisions(requests) == [policy is None or answer for *_, answer in asked]
    policies = ["ResourcePolicy" in properties for *_, properties in deployment.of_type("AWS::DynamoDB::Table")]
    assert sorted(policies) == [False, True, True, True, True]
