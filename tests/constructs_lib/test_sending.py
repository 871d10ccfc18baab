"""SendingIdentity: identity, configuration set and SES tenant."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from constructs_lib import SendingIdentity, Tracking
from tests.templates import new_stack, only, resources, template_of

DOMAIN = "post.acme.example"


def synthesized(**settings: Any) -> Any:
    """Template of a stack with one sending identity."""
    stack = new_stack()
    SendingIdentity(stack, "Sending", domain=DOMAIN, tenant_name="acme", **settings)
    return template_of(stack)


def test_identity_signs_with_2048_bits_and_has_its_own_mail_from() -> None:
    """DKIM on, 2048 bits, MAIL FROM mail.<domain>, and the configuration set as the default of everything it sends."""
    template = synthesized()
    (configuration_set,) = resources(template, "AWS::SES::ConfigurationSet")
    assert only(template, "AWS::SES::EmailIdentity") == {
        "EmailIdentity": DOMAIN,
        "DkimAttributes": {"SigningEnabled": True},
        "DkimSigningAttributes": {"NextSigningKeyLength": "RSA_2048_BIT"},
        "MailFromAttributes": {"MailFromDomain": f"mail.{DOMAIN}", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
        "ConfigurationSetAttributes": {"ConfigurationSetName": {"Ref": configuration_set}},
        "FeedbackAttributes": {"EmailForwardingEnabled": False},
    }


def test_configuration_set_requires_tls_and_measures_reputation() -> None:
    """Without REQUIRE, SES would fall back to plain text."""
    assert only(synthesized(), "AWS::SES::ConfigurationSet") == {
        "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
        "ReputationOptions": {"ReputationMetricsEnabled": True},
        "SendingOptions": {"SendingEnabled": True},
    }


def test_ses_tenant_holds_identity_and_configuration_set() -> None:
    """Both are associated by ARN, which makes the tenant wait for them."""
    template = synthesized()
    (identity,) = resources(template, "AWS::SES::EmailIdentity")
    (configuration_set,) = resources(template, "AWS::SES::ConfigurationSet")
    tenant = only(template, "AWS::SES::Tenant")
    assert tenant["TenantName"] == "acme"
    arns = [association["ResourceArn"]["Fn::Join"][1] for association in tenant["ResourceAssociations"]]
    assert [(arn[-2].rsplit(":", 1)[-1], arn[-1]) for arn in arns] == [
        ("identity/", {"Ref": identity}),
        ("configuration-set/", {"Ref": configuration_set}),
    ]


def test_ses_tenant_has_a_suppression_list_of_its_own() -> None:
    """Whom one tenant lost, the others reach; nothing of the configuration set goes before that."""
    template = synthesized()
    assert only(template, "AWS::SES::Tenant")["SuppressionAttributes"] == {
        "SuppressedReasons": ["BOUNCE", "COMPLAINT"],
        "SuppressionScope": "TENANT",
    }
    assert "SuppressionOptions" not in only(template, "AWS::SES::ConfigurationSet")


def test_ses_tenant_is_paused_by_itself() -> None:
    """By SES's standard policy, whose ARN names no account: one tenant's bounces do not end everybody's sending."""
    policy = only(synthesized(), "AWS::SES::Tenant")["ReputationEntity"]["Policy"]["ReputationEntityPolicy"]
    own = ["arn:", {"Ref": "AWS::Partition"}, ":ses:", {"Ref": "AWS::Region"}, ":aws:reputation-policy/standard"]
    assert policy["Fn::Join"] == ["", own]


def test_sending_can_be_paused() -> None:
    """live=False stops what is sent through the configuration set."""
    assert only(synthesized(live=False), "AWS::SES::ConfigurationSet")["SendingOptions"] == {"SendingEnabled": False}


def test_redirect_domain_reaches_the_configuration_set() -> None:
    """The image for opens comes from the tenant's domain."""
    links = Tracking(clicks=False, redirect_domain=f"links.{DOMAIN}")
    options = only(synthesized(tracking=links), "AWS::SES::ConfigurationSet")["TrackingOptions"]
    assert options == {"CustomRedirectDomain": f"links.{DOMAIN}", "HttpsPolicy": "OPTIONAL"}


def test_dkim_tokens_come_from_the_identity() -> None:
    """Names and values are the identity's attributes; the suffix varies by region and is never built."""
    stack = new_stack()
    sending = SendingIdentity(stack, "Sending", domain=DOMAIN, tenant_name="acme")
    resolved = [stack.resolve(token.name) | stack.resolve(token.target) for token in sending.dkim_tokens[:1]]
    (identity,) = resources(template_of(stack), "AWS::SES::EmailIdentity")
    assert resolved == [{"Fn::GetAtt": [identity, "DkimDNSTokenValue1"]}]
    assert [stack.resolve(token.name)["Fn::GetAtt"][1] for token in sending.dkim_tokens] == [
        f"DkimDNSTokenName{number}" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("label", ["", "a.b", "-a", "a-", "a_b", "A", "x" * 64, "mäil"])
def test_mail_from_is_one_label(label: str) -> None:
    """The error names the value and what to use."""
    with pytest.raises(ValueError, match=r'mail_from must .*, got ".*"; \w'):
        synthesized(mail_from=label)


def test_redirect_domain_takes_no_clicks() -> None:
    """A link of https would end at a host with Amazon's certificate, where browsers warn."""
    with pytest.raises(ValueError, match=r'must not be set while clicks are recorded.*got "links.*; use clicks=False'):
        synthesized(tracking=Tracking(redirect_domain=f"links.{DOMAIN}"))


@pytest.mark.parametrize("redirect", ["links.acme.example", DOMAIN, f"x{DOMAIN}"])
def test_redirect_domain_lies_below(redirect: str) -> None:
    """SES takes only a domain that the identity verifies."""
    with pytest.raises(ValueError, match=r"tracking\.redirect_domain must lie below it"):
        synthesized(tracking=Tracking(clicks=False, redirect_domain=redirect))


def test_grant_names_addresses_identity_configuration_set_and_tenant() -> None:
    """What is allowed names each address once, and the SES tenant is forced by a denial. No wildcard anywhere."""
    stack = new_stack()
    identity = SendingIdentity(stack, "Sending", domain=DOMAIN, tenant_name="acme")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    identity.grant_send(role, addresses=[f"support@{DOMAIN}", f"billing+x@{DOMAIN}", f"support@{DOMAIN}"])
    statements = only(template_of(stack), "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    addresses = [f"billing+x@{DOMAIN}", f"support@{DOMAIN}"]
    assert [(one["Effect"], one["Action"], one["Condition"]) for one in statements] == [
        ("Deny", "ses:SendEmail", {"StringNotEquals": {"ses:TenantName": "acme"}}),
        ("Allow", ["ses:SendEmail", "ses:SendRawEmail"], {"StringEquals": {"ses:FromAddress": addresses}}),
    ]
    assert all("*" not in str(one["Resource"]) and len(one["Resource"]) == 2 for one in statements)


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        ([], "needs addresses, got none; name each that may send"),
        (
            ["support@post.globex.example"],
            'got "support@post.globex.example"; use one such as "support@post.acme.example"',
        ),
        (["Support@post.acme.example"], 'in lower case, got "Support@post.acme.example"'),
        (["post.acme.example"], 'got "post.acme.example"'),
        (["*@post.acme.example@post.acme.example"], "takes addresses of the domain"),
        (["a${*}@post.acme.example"], "takes addresses of the domain"),
        (["@post.acme.example"], "takes addresses of the domain"),
        ([f"a{number}@post.acme.example" for number in range(400)], "got 400 addresses; grant them to several roles"),
    ],
)
def test_grant_takes_addresses_of_the_domain_only(addresses: list[str], problem: str) -> None:
    """Whatever IAM would take for more, or never match, is refused."""
    stack = new_stack()
    identity = SendingIdentity(stack, "Sending", domain=DOMAIN, tenant_name="acme")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    with pytest.raises(ValueError, match=re.escape(problem)):
        identity.grant_send(role, addresses=addresses)
