"""Who may do what with the items of a tenant's table, by IAM's own rules: every role of every template, and every kind of item."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.deployed import Deployment
from tests.iam.evaluator import Request, decisions

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
