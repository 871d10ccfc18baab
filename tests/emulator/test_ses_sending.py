"""Identities, configuration sets and SES tenants."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import REGION, Stacks, code_of

ACCOUNT = "000000000000"


def identity(domain: str, **more: Any) -> dict[str, Any]:
    """An identity and nothing else."""
    return {"Identity": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": domain, **more}}}


def configuration_set(**properties: Any) -> dict[str, Any]:
    """A configuration set and nothing else."""
    return {"Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": properties}}


def tokens() -> dict[str, Any]:
    """Every DKIM attribute as an output."""
    names = [f"DkimDNSToken{part}{number}" for part in ("Name", "Value") for number in (1, 2, 3)]
    return {"Ref": {"Value": {"Ref": "Identity"}}, **{name: {"Fn::GetAtt": ["Identity", name]} for name in names}}


def test_an_identity_has_the_dkim_attributes_that_aws_returns(stacks: Stacks) -> None:
    """GetAtt gives three names and values, made of the tokens that GetEmailIdentity gives."""
    domain = "dkim.example"
    _, outputs = stacks.deploy(identity(domain), tokens())
    dkim = stacks.client("sesv2").get_email_identity(EmailIdentity=domain)["DkimAttributes"]
    assert outputs["Ref"] == domain
    assert len(set(dkim["Tokens"])) == 3
    for number, token in enumerate(dkim["Tokens"], 1):
        assert outputs[f"DkimDNSTokenName{number}"] == f"{token}._domainkey.{domain}"
        assert outputs[f"DkimDNSTokenValue{number}"] == f"{token}.dkim.amazonses.com"
    assert dkim["SigningHostedZone"] == "dkim.amazonses.com"
    assert (dkim["SigningEnabled"], dkim["SigningAttributesOrigin"]) == (True, "AWS_SES")
    assert dkim["CurrentSigningKeyLength"] == dkim["NextSigningKeyLength"] == "RSA_2048_BIT"


def test_tokens_are_the_domains_own_and_stay(stacks: Stacks) -> None:
    """The same domain gets the same tokens again, another domain others."""
    name, first = stacks.deploy(identity("again.example"), tokens())
    stacks.delete(name)
    _, second = stacks.deploy(identity("again.example"), tokens())
    _, other = stacks.deploy(identity("other.example"), tokens())
    assert first == second
    assert other["DkimDNSTokenValue1"] != first["DkimDNSTokenValue1"]


def test_an_identity_holds_its_settings_and_takes_new_ones(stacks: Stacks) -> None:
    """MAIL FROM, configuration set, feedback, signing and tags are readable, and change in place."""
    domain = "settings.example"
    resources = configuration_set(Name="settings") | identity(
        domain,
        MailFromAttributes={"MailFromDomain": f"mail.{domain}", "BehaviorOnMxFailure": "REJECT_MESSAGE"},
        ConfigurationSetAttributes={"ConfigurationSetName": {"Ref": "Set"}},
        DkimSigningAttributes={"NextSigningKeyLength": "RSA_1024_BIT"},
        FeedbackAttributes={"EmailForwardingEnabled": False},
        Tags=[{"Key": "tenant", "Value": "acme"}],
    )
    name, _ = stacks.deploy(resources)
    ses = stacks.client("sesv2")
    found = ses.get_email_identity(EmailIdentity=domain)
    assert found["MailFromAttributes"] == {
        "MailFromDomain": f"mail.{domain}",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    assert found["ConfigurationSetName"] == "settings"
    assert found["FeedbackForwardingStatus"] is False
    assert found["DkimAttributes"]["NextSigningKeyLength"] == "RSA_1024_BIT"
    assert {"Key": "tenant", "Value": "acme"} in found["Tags"]

    resources |= identity(
        domain,
        MailFromAttributes={"MailFromDomain": f"bounce.{domain}", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
        DkimAttributes={"SigningEnabled": False},
        DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"},
    )
    stacks.deploy(resources, stack=name)
    after = ses.get_email_identity(EmailIdentity=domain)
    assert after["MailFromAttributes"]["MailFromDomain"] == f"bounce.{domain}"
    assert after["ConfigurationSetName"] == ""
    assert after["FeedbackForwardingStatus"] is True
    assert after["DkimAttributes"]["SigningEnabled"] is False
    assert after["DkimAttributes"]["NextSigningKeyLength"] == "RSA_2048_BIT"
    assert after["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    assert after["DkimAttributes"]["Tokens"] == found["DkimAttributes"]["Tokens"]


def test_another_domain_is_another_identity(stacks: Stacks) -> None:
    """The domain is create-only: the new identity is made, then the old one goes."""
    name, _ = stacks.deploy(identity("before.example"))
    stacks.deploy(identity("after.example"), stack=name)
    found = [each["IdentityName"] for each in stacks.client("sesv2").list_email_identities()["EmailIdentities"]]
    assert "after.example" in found
    assert "before.example" not in found


def test_a_deleted_identity_is_gone(stacks: Stacks) -> None:
    """The identity goes with its stack."""
    name, _ = stacks.deploy(identity("gone.example"))
    stacks.delete(name)
    with pytest.raises(ClientError) as caught:
        stacks.client("sesv2").get_email_identity(EmailIdentity="gone.example")
    assert code_of(caught) == "NotFoundException"


def test_the_same_identity_twice_is_refused(stacks: Stacks) -> None:
    """A domain is an identity once in an account and region, and the second stack does not delete the first's."""
    stacks.deploy(identity("twice.example"))
    assert "AlreadyExistsException" in stacks.refusal(identity("twice.example"))
    stacks.client("sesv2").get_email_identity(EmailIdentity="twice.example")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"MailFromAttributes": {"MailFromDomain": "mail.elsewhere.example"}}, "is not a subdomain of"),
        ({"ConfigurationSetAttributes": {"ConfigurationSetName": "missing"}}, "does not exist"),
        ({"DkimSigningAttributes": {"NextSigningKeyLength": "RSA_4096_BIT"}}, "NextSigningKeyLength must be one of"),
        ({"MailFrom": {}}, "extraneous key [MailFrom]"),
    ],
    ids=["mail-from", "configuration-set", "key-length", "spelling"],
)
def test_bad_settings_of_an_identity_are_refused(stacks: Stacks, more: dict[str, Any], reason: str) -> None:
    """A refused identity leaves nothing behind."""
    assert reason in stacks.refusal(identity("bad.example", **more))
    with pytest.raises(ClientError):
        stacks.client("sesv2").get_email_identity(EmailIdentity="bad.example")


def test_a_domain_is_verified_by_its_records(stacks: Stacks) -> None:
    """DKIM and MAIL FROM are pending until Route 53 holds their records, and again when one is wrong."""
    domain = "pending.example"
    resources = identity(domain, MailFromAttributes={"MailFromDomain": f"mail.{domain}"})
    resources["Zone"] = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": domain}}
    name, _ = stacks.deploy(resources)
    ses = stacks.client("sesv2")
    found = ses.get_email_identity(EmailIdentity=domain)
    assert (found["VerifiedForSendingStatus"], found["DkimAttributes"]["Status"]) == (False, "PENDING")

    def record(record_name: Any, kind: str, value: Any) -> dict[str, Any]:
        return {"Name": record_name, "Type": kind, "TTL": "300", "ResourceRecords": [value]}

    dkim = tokens()
    records = [record(dkim[f"DkimDNSTokenName{n}"], "CNAME", dkim[f"DkimDNSTokenValue{n}"]) for n in (1, 2, 3)]
    records.append(record(f"mail.{domain}", "MX", f"10 feedback-smtp.{REGION}.amazonses.com"))
    records.append(record(f"mail.{domain}", "TXT", '"v=spf1 include:amazonses.com ~all"'))
    group = {"HostedZoneId": {"Ref": "Zone"}, "RecordSets": records}
    resources["Records"] = {"Type": "AWS::Route53::RecordSetGroup", "Properties": group}
    stacks.deploy(resources, stack=name)
    found = ses.get_email_identity(EmailIdentity=domain)
    assert (found["VerifiedForSendingStatus"], found["DkimAttributes"]["Status"]) == (True, "SUCCESS")
    assert found["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"
    simple = {"Subject": {"Data": "hi"}, "Body": {"Text": {"Data": "hi"}}}
    sending = {"Destination": {"ToAddresses": ["a@example.net"]}, "Content": {"Simple": simple}}
    ses.send_email(FromEmailAddress=f"someone@{domain}", **sending)

    records[0]["ResourceRecords"] = ["elsewhere.example"]
    stacks.deploy(resources, stack=name)
    assert ses.get_email_identity(EmailIdentity=domain)["VerifiedForSendingStatus"] is False
    with pytest.raises(ClientError) as caught:
        ses.send_email(FromEmailAddress=f"someone@{domain}", **sending)
    assert code_of(caught) == "MessageRejected"


def test_a_domain_whose_dns_is_elsewhere_counts_as_verified(stacks: Stacks) -> None:
    """What the emulator cannot look up is taken as done."""
    stacks.deploy(identity("elsewhere.example"))
    found = stacks.client("sesv2").get_email_identity(EmailIdentity="elsewhere.example")
    assert (found["VerifiedForSendingStatus"], found["DkimAttributes"]["Status"]) == (True, "SUCCESS")


def test_a_configuration_set_holds_its_options(stacks: Stacks) -> None:
    """TLS, reputation, sending, suppression, tracking and tags are readable, and change in place."""
    options = {
        "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
        "ReputationOptions": {"ReputationMetricsEnabled": True},
        "SendingOptions": {"SendingEnabled": False},
        "SuppressionOptions": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        "TrackingOptions": {"CustomRedirectDomain": "click.acme.example", "HttpsPolicy": "REQUIRE"},
    }
    tags = [{"Key": "tenant", "Value": "acme"}]
    name, outputs = stacks.deploy(configuration_set(**options, Tags=tags), {"Name": {"Ref": "Set"}})
    ses = stacks.client("sesv2")
    found = ses.get_configuration_set(ConfigurationSetName=outputs["Name"])
    assert {key: found[key] for key in options} == options
    assert tags[0] in found["Tags"]
    stacks.deploy(configuration_set(DeliveryOptions={"TlsPolicy": "OPTIONAL"}), stack=name)
    found = ses.get_configuration_set(ConfigurationSetName=outputs["Name"])
    assert found["DeliveryOptions"] == {"TlsPolicy": "OPTIONAL"}
    assert found["SendingOptions"] == {"SendingEnabled": True}
    stacks.delete(name)
    with pytest.raises(ClientError):
        ses.get_configuration_set(ConfigurationSetName=outputs["Name"])


def test_the_same_configuration_set_twice_is_refused(stacks: Stacks) -> None:
    """A name is taken once."""
    stacks.deploy(configuration_set(Name="taken"))
    assert "AlreadyExistsException" in stacks.refusal(configuration_set(Name="taken"))
    stacks.client("sesv2").get_configuration_set(ConfigurationSetName="taken")


@pytest.mark.parametrize(
    ("config_set", "target"),
    [
        (
            "missing",
            {"EventBridgeDestination": {"EventBusArn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}},
        ),
        ("events", {"EventBridgeDestination": {"EventBusArn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/mine"}}),
        ("events", {"SnsDestination": {"TopicARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:missing"}}),
    ],
    ids=["configuration-set", "bus", "topic"],
)
def test_an_event_destination_that_ses_cannot_reach_is_refused(
    stacks: Stacks, config_set: str, target: dict[str, Any]
) -> None:
    """The set and the topic exist, and the bus is the default one."""
    destination = {"Enabled": True, "MatchingEventTypes": ["open"], **target}
    resources = configuration_set(Name="events")
    resources["Destination"] = {
        "Type": "AWS::SES::ConfigurationSetEventDestination",
        "DependsOn": "Set",
        "Properties": {"ConfigurationSetName": config_set, "EventDestination": destination},
    }
    assert "Destination: " in stacks.refusal(resources)


def tenant(**more: Any) -> dict[str, Any]:
    """A tenant, its identity and its configuration set."""
    resources = identity("tenant.example") | configuration_set(Name="tenant-set")
    arns = [
        {"Fn::Sub": "arn:aws:ses:${AWS::Region}:${AWS::AccountId}:identity/${Identity}"},
        {"Fn::Sub": "arn:aws:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${Set}"},
    ]
    properties = {"TenantName": "acme", "ResourceAssociations": [{"ResourceArn": arn} for arn in arns], **more}
    return resources | {"Tenant": {"Type": "AWS::SES::Tenant", "Properties": properties}}


def test_a_tenant_holds_its_resources(stacks: Stacks) -> None:
    """Associations and tags are readable, change in place, and keep what they hold from being deleted."""
    tags = [{"Key": "tenant", "Value": "acme"}]
    name, outputs = stacks.deploy(tenant(Tags=tags), {"Arn": {"Fn::GetAtt": ["Tenant", "Arn"]}})
    ses = stacks.client("sesv2")
    found = ses.get_tenant(TenantName="acme")["Tenant"]
    assert found["TenantArn"] == outputs["Arn"]
    assert tags[0] in found["Tags"]
    held = ses.list_tenant_resources(TenantName="acme")["TenantResources"]
    assert {each["ResourceType"] for each in held} == {"EMAIL_IDENTITY", "CONFIGURATION_SET"}
    with pytest.raises(ClientError, match="tenant associations"):
        ses.delete_email_identity(EmailIdentity="tenant.example")
    with pytest.raises(ClientError, match="tenant associations"):
        ses.delete_configuration_set(ConfigurationSetName="tenant-set")

    resources = tenant(Tags=[{"Key": "tier", "Value": "gold"}])
    del resources["Tenant"]["Properties"]["ResourceAssociations"][1]
    stacks.deploy(resources, stack=name)
    held = ses.list_tenant_resources(TenantName="acme")["TenantResources"]
    assert [each["ResourceType"] for each in held] == ["EMAIL_IDENTITY"]
    keys = {tag["Key"] for tag in ses.get_tenant(TenantName="acme")["Tenant"]["Tags"]}
    assert "tier" in keys
    assert "tenant" not in keys

    stacks.delete(name)
    with pytest.raises(ClientError) as caught:
        ses.get_tenant(TenantName="acme")
    assert code_of(caught) == "NotFoundException"


@pytest.mark.parametrize("kind", ["identity/missing.example", "configuration-set/missing"])
def test_a_tenant_of_something_that_does_not_exist_is_refused(stacks: Stacks, kind: str) -> None:
    """An associated resource must exist; the refused tenant leaves nothing behind."""
    arn = f"arn:aws:ses:{REGION}:{ACCOUNT}:{kind}"
    reason = stacks.refusal(tenant(TenantName="ghost", ResourceAssociations=[{"ResourceArn": arn}]))
    assert "NotFoundException" in reason
    with pytest.raises(ClientError):
        stacks.client("sesv2").get_tenant(TenantName="ghost")


@pytest.mark.parametrize(
    "policy",
    [
        "standard",
        {"ReputationEntityPolicy": "standard"},
        {"ReputationEntityPolicy": f"arn:aws:ses:{REGION}:aws:reputation-policy/Strict"},
        {"ReputationEntityPolicy": f"arn:aws:ses:{REGION}:{ACCOUNT}:reputation-policy/strict"},
        {},
    ],
)
def test_a_misspelt_reputation_policy_is_refused(stacks: Stacks, policy: Any) -> None:
    """A tenant's reputation policy is one of three of SES's own, by ARN."""
    assert "reputation-policy" in stacks.refusal(tenant(ReputationEntity={"Policy": policy}))


def test_a_reputation_policy_of_ses_is_taken(stacks: Stacks) -> None:
    """As CloudFormation has it."""
    policy = {"ReputationEntityPolicy": f"arn:aws:ses:{REGION}:aws:reputation-policy/standard"}
    stacks.deploy(tenant(ReputationEntity={"Policy": policy}))
