"""A sender of one tenant may send for no other tenant: IAM's own rules, applied to the synthesized grant."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam

from constructs_lib import SendingIdentity
from tests.iam.deployed import REGION, Deployment, Role
from tests.iam.evaluator import ACCOUNT, Request, decisions
from tests.templates import new_stack, template_of

TENANTS = ("acme", "globex")
SES = f"arn:aws:ses:{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """Two tenants, each with a role that may send from two of its addresses."""
    stack = new_stack()
    for tenant in TENANTS:
        domain = f"post.{tenant}.example"
        identity = SendingIdentity(stack, f"Sending{tenant}", domain=domain, tenant_name=tenant)
        role = iam.Role(stack, f"Role{tenant}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        identity.grant_send(role, addresses=[f"support@{domain}", f"billing@{domain}"])
    return Deployment({stack.stack_name: template_of(stack).to_json()})


def sends(
    deployment: Deployment,
    *,
    role: str = "acme",
    identity: str = "acme",
    configuration_set: str = "acme",
    tenant: str | None = "acme",
    sender: str = "support@post.acme.example",
    action: str = "ses:SendEmail",
) -> bool:
    """Whether the role may send: SES asks for the identity and for the configuration set."""
    (who,) = [one for one in deployment.roles if one.logical_id.startswith(f"Role{role}")]
    resources = [
        f"{SES}:identity/{_identity(deployment, identity)}",
        f"{SES}:configuration-set/{_set(deployment, configuration_set)}",
    ]
    return all(decisions([_asked(who, action, resource, sender, tenant) for resource in resources]))


def _asked(who: Role, action: str, resource: str, sender: str, tenant: str | None) -> Request:
    context = {"aws:PrincipalArn": who.arn, "ses:FromAddress": sender, "ses:ApiVersion": "2"}
    if tenant is not None and action == "ses:SendEmail":
        context["ses:TenantName"] = tenant
    return Request(principal=who.session, action=action, resource=resource, identity=who.policies, context=context)


def _identity(deployment: Deployment, tenant: str) -> str:
    return _names(deployment, "AWS::SES::EmailIdentity")[TENANTS.index(tenant)]


def _set(deployment: Deployment, tenant: str) -> str:
    return _names(deployment, "AWS::SES::ConfigurationSet")[TENANTS.index(tenant)]


def _names(deployment: Deployment, type_: str) -> list[str]:
    """Values of references to resources of a type, in the order of the tenants."""
    ((stack, template),) = deployment.templates.items()
    return [
        f"{stack}-{logical_id}".lower()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == type_
    ]


@pytest.mark.parametrize("action", ["ses:SendEmail", "ses:SendRawEmail"])
def test_a_tenant_sends_from_its_designated_addresses(deployment: Deployment, action: str) -> None:
    """From each of them, as itself."""
    for sender in ("support@post.acme.example", "billing@post.acme.example"):
        assert sends(deployment, sender=sender, action=action)
    assert sends(
        deployment,
        role="globex",
        identity="globex",
        configuration_set="globex",
        tenant="globex",
        sender="support@post.globex.example",
        action=action,
    )


@pytest.mark.parametrize("action", ["ses:SendEmail", "ses:SendRawEmail"])
@pytest.mark.parametrize(
    "sender",
    [
        "sales@post.acme.example",
        "support+x@post.acme.example",
        "Support@post.acme.example",
        "support@mail.post.acme.example",
        "support@post.globex.example",
        "*@post.acme.example",
        "",
    ],
)
def test_never_from_an_undesignated_address(deployment: Deployment, sender: str, action: str) -> None:
    """Not one letter off."""
    assert not sends(deployment, sender=sender, action=action)


@pytest.mark.parametrize("action", ["ses:SendEmail", "ses:SendRawEmail"])
@pytest.mark.parametrize("foreign", ["identity", "configuration_set", "all"])
def test_never_as_another_tenant(deployment: Deployment, foreign: str, action: str) -> None:
    """Neither with its identity, nor with its configuration set, nor with everything of it."""
    every = {"identity": "globex", "configuration_set": "globex", "tenant": "globex"}
    changed = every if foreign == "all" else {foreign: "globex"}
    for sender in ("support@post.acme.example", "support@post.globex.example"):
        assert not sends(deployment, sender=sender, action=action, **changed)


@pytest.mark.parametrize("tenant", ["globex", None])
def test_never_outside_its_ses_tenant(deployment: Deployment, tenant: str | None) -> None:
    """Reputation and suppression of a tenant are counted there."""
    assert not sends(deployment, tenant=tenant)


def test_nothing_but_sending(deployment: Deployment) -> None:
    """No template, no bulk, no change of the identity."""
    for action in ("ses:SendBulkEmail", "ses:SendTemplatedEmail"):
        assert not sends(deployment, action=action)
