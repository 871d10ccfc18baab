"""Uniqueness by what is unique: account, region and name, not the app."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from constructs import Construct

from constructs_lib import ActiveReceiptRuleSet, SendingIdentity
from tests.constructs_lib.right_props import DOMAIN, make
from tests.templates import plain_app

ONE = cdk.Environment(account="111111111111", region="eu-central-1")
ELSEWHERE = [
    cdk.Environment(account="111111111111", region="us-east-1"),
    cdk.Environment(account="222222222222", region="eu-central-1"),
]
OPEN = [cdk.Environment(), cdk.Environment(region="eu-central-1"), cdk.Environment(account="111111111111")]


def stacks(first: cdk.Environment, second: cdk.Environment) -> tuple[cdk.Stack, cdk.Stack]:
    """Two stacks of one app."""
    app = plain_app()
    return cdk.Stack(app, "One", env=first), cdk.Stack(app, "Two", env=second)


@pytest.mark.parametrize("env", ELSEWHERE)
@pytest.mark.parametrize("name", ["TenantSubdomain", "TenantInbox", "SendingIdentity", "ActiveReceiptRuleSet"])
def test_another_region_or_account_may_hold_the_same(name: str, env: cdk.Environment) -> None:
    """A domain in two regions for fail-over, the same tenants in two accounts."""
    for stack in stacks(ONE, env):
        make(stack, name)


@pytest.mark.parametrize("env", [cdk.Environment(), ONE])
def test_two_stages_may_hold_the_same(env: cdk.Environment) -> None:
    """A pipeline deploys one code to several accounts; what a stage leaves open is a place of its own, what it writes is not."""
    app = plain_app()
    for number, stage in enumerate((cdk.Stage(app, "Dev", env=env), cdk.Stage(app, "Prod", env=cdk.Environment()))):
        make(cdk.Stack(stage, "Mail"), "TenantSubdomain", tenant_id=f"acme{number}")
    again = cdk.Stack(cdk.Stage(app, "Test", env=ONE), "Mail")
    if env.account is None:
        make(again, "TenantSubdomain")
    else:
        with pytest.raises(ValueError, match='must differ from that of "Dev/Mail/Made/Sending"'):
            make(again, "TenantSubdomain")


@pytest.mark.parametrize("env", [ONE, *OPEN])
@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        (
            "TenantSubdomain",
            {"subdomain": "post.globex.example"},
            r'sending identity "post.globex.example": tenant_name must',
        ),
        ("TenantSubdomain", {"tenant_id": "globex"}, rf'sending identity "{DOMAIN}": domain must'),
        ("TenantInbox", {"recipients": ["a@post.globex.example"]}, 'inbox of tenant "acme": tenant_id must'),
        ("TenantInbox", {"tenant_id": "globex"}, 'inbox of tenant "globex": recipients must'),
        ("ActiveReceiptRuleSet", {"rule_set_name": "other"}, 'receipt rule set "other": rule_set_name must'),
    ],
)
def test_one_account_and_region_holds_one(name: str, given: dict[str, object], told: str, env: cdk.Environment) -> None:
    """In two stacks: where both leave account or region open, one deployment brings both to the same place."""
    one, two = stacks(env, env)
    make(one, name)
    with pytest.raises(ValueError, match=rf'Two/Made.*: {told} differ from that of "One/Made.*".*, got ".*"; \w'):
        make(two, name, **given)


def test_nested_stack_is_where_its_parent_is() -> None:
    """Its resources are of the same account and region."""
    stack = cdk.Stack(plain_app(), "Stack", env=ONE)
    make(stack, "SendingIdentity")
    with pytest.raises(ValueError, match="domain must differ"):
        make(cdk.NestedStack(stack, "Nested"), "SendingIdentity", tenant_name="globex")


def test_another_app_is_another_matter() -> None:
    """Two apps in one process know nothing of each other."""
    for _ in range(2):
        scope: Construct = cdk.Stack(plain_app(), "Stack", env=ONE)
        SendingIdentity(scope, "One", domain=DOMAIN, tenant_name="acme")
        ActiveReceiptRuleSet(scope, "RuleSet", rule_set_name="mail")
