"""TenantSubdomain: what it composes, and that the template's records are the model's."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs_lib import (
    AttachmentScanner,
    AttachmentScannerProps,
    Dmarc,
    ParentZone,
    PortalAlias,
    Retention,
    SharedFunctions,
    TenantSubdomain,
    TenantSubdomainProps,
)
from constructs_lib.bucket_policy import Scanner
from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.functions.ingest_settings import Settings
from mailroom.layout import ATTACHMENTS_PREFIX
from mailroom.lifetimes import readable_for
from mailroom.store.address_book import METADATA, book_as_json
from tests.iam.evaluator import ACCOUNT
from tests.templates import REGION, new_stack, only, resources, template_of

DOMAIN = "post.acme.example"
RECEIVES = DesignatedAddress(f"support@{DOMAIN}", sends=False)
SCANNER = Scanner(role_arn=f"arn:aws:iam::{ACCOUNT}:role/scanner", queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:scanner")
SHARED = SharedFunctions(
    registry_path="/email-cell-eu/configuration-sets/",
    tracking_role_arn=f"arn:aws:iam::{ACCOUNT}:role/tracking",
    books_role_arn=f"arn:aws:iam::{ACCOUNT}:role/books",
)
SENDS = DesignatedAddress(f"support@{DOMAIN}")


def props(**overrides: Any) -> TenantSubdomainProps:
    """Settings of one tenant, with `overrides`."""
    settings = {
        "tenant_id": "acme",
        "subdomain": DOMAIN,
        "rule_set_name": "email-cell-eu",
        "addresses": [RECEIVES],
    }
    return TenantSubdomainProps(**{**settings, **overrides})


def test_delegated_tenant_is_everything_in_one_line() -> None:
    """Zone, records, identity, configuration set, SES tenant, bucket, rule and topic; no custom resource."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props())
    types = sorted(resource["Type"] for resource in template_of(stack).to_json()["Resources"].values())
    assert types == [
        "AWS::KMS::Key",
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSetGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSet",
        "AWS::SES::EmailIdentity",
        "AWS::SES::ReceiptRule",
        "AWS::SES::Tenant",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
    ]


def test_one_list_of_addresses_drives_receiving_sending_and_the_book() -> None:
    """Recipients of the rule are those that receive; whom the role may send from are those that send; the book has all."""
    stack = new_stack()
    news = DesignatedAddress(f"news@{DOMAIN}", "Acme News", receives=False)
    made = TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER, shared=SHARED, addresses=[RECEIVES, news]))
    template = template_of(stack)
    assert only(template, "AWS::SES::ReceiptRule")["Rule"]["Recipients"] == [RECEIVES.address]
    roles = json.dumps([one["Properties"] for one in resources(template, "AWS::IAM::Role").values()])
    assert f'"ses:FromAddress": ["{news.address}"]' in roles
    assert made.address_book == AddressBook(subdomain=DOMAIN, addresses=(RECEIVES, news))
    (entry,) = resources(template, "AWS::SSM::Parameter").values()
    assert entry["Metadata"][METADATA] == book_as_json(made.address_book)


def test_shared_functions_are_not_the_tenants() -> None:
    """With them, the stack holds no rule, no function but that which files mail, one role and two alarms."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER, shared=SHARED, addresses=[SENDS]))
    template = template_of(stack)
    kinds = [one["Type"] for one in template.to_json()["Resources"].values()]
    counted = {
        kind: kinds.count(f"AWS::{kind}") for kind in ("Events::Rule", "Lambda::Function", "IAM::Role", "SQS::Queue")
    }
    assert counted == {"Events::Rule": 0, "Lambda::Function": 1, "IAM::Role": 1, "SQS::Queue": 2}
    assert (kinds.count("AWS::CloudWatch::Alarm"), kinds.count("AWS::StepFunctions::StateMachine")) == (2, 0)
    statements = only(template, "AWS::DynamoDB::Table")["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert [one["Sid"] for one in statements] == [
        "DenyDeletingTable",
        "LetTrackingNote",
        "LetTrackingSettle",
        "LetAddressBookBeWritten",
    ]
    (name,) = resources(template, "AWS::SES::ConfigurationSet")
    asked = [one["Condition"]["StringEquals"] for one in statements[1:]]
    assert asked == [
        {"aws:PrincipalTag/configuration-set": {"Ref": name}},
        {"aws:PrincipalTag/configuration-set": {"Ref": name}},
        {"aws:PrincipalTag/stack": {"Ref": "AWS::StackId"}},
    ]
    (destination,) = resources(template, "AWS::SES::ConfigurationSetEventDestination").values()
    (entry,) = resources(template, "AWS::SSM::Parameter")
    assert entry in destination["DependsOn"]


def test_nothing_is_shared_by_default() -> None:
    """Then no events are asked for, and the table lets nobody in."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER))
    template = template_of(stack)
    kinds = {one["Type"] for one in template.to_json()["Resources"].values()}
    assert not kinds & {"AWS::SSM::Parameter", "AWS::SES::ConfigurationSetEventDestination"}
    statements = only(template, "AWS::DynamoDB::Table")["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert [one["Sid"] for one in statements] == ["DenyDeletingTable"]


def test_catch_all_is_one_recipient() -> None:
    """The subdomain itself, however many addresses there are."""
    stack = new_stack()
    made = TenantSubdomain(stack, "Subdomain", props(catch_all=True, addresses=[RECEIVES]))
    assert only(template_of(stack), "AWS::SES::ReceiptRule")["Rule"]["Recipients"] == [DOMAIN]
    assert made.address_book.may_receive(f"anybody@{DOMAIN}")


def test_records_of_the_template_are_those_of_the_model() -> None:
    """Name, type, TTL and values of the eight and of the one that asks for reports on TLS, one by one."""
    stack = new_stack()
    made = TenantSubdomain(stack, "Subdomain", props(dmarc=Dmarc(rua=["postmaster@" + DOMAIN])))
    written = only(template_of(stack), "AWS::Route53::RecordSetGroup")["RecordSets"]
    assert [record.required for record in made.records] == [True] * 8 + [False]
    assert written == [
        {
            "Name": stack.resolve(f"{record.name}."),
            "Type": record.type,
            "TTL": str(record.ttl_seconds),
            "ResourceRecords": stack.resolve(list(record.rdata())),
        }
        for record in made.records
    ]
    assert {value for entry in written[3:5] for value in entry["ResourceRecords"]} == {
        f"10 inbound-smtp.{REGION}.amazonaws.com",
        f"10 feedback-smtp.{REGION}.amazonses.com",
    }


def test_self_managed_tenant_has_the_same_eight_records_and_no_zone() -> None:
    """The customer keeps the DNS; nothing of Route 53 is created."""
    stack, other = new_stack(), new_stack()
    customer = TenantSubdomain(stack, "Subdomain", props(dns="self-managed"))
    ours = TenantSubdomain(other, "Subdomain", props())
    template = template_of(stack)
    assert not [r for r in template.to_json()["Resources"].values() if r["Type"].startswith("AWS::Route53")]
    assert stack.resolve([[r.name, r.type, *r.values] for r in customer.records]) == other.resolve(
        [[r.name, r.type, *r.values] for r in ours.records]
    )
    assert customer.zone is None


def test_not_live_stops_both_directions() -> None:
    """The rule takes nothing and the configuration set sends nothing; the resources stay."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(live=False))
    template = template_of(stack)
    assert only(template, "AWS::SES::ReceiptRule")["Rule"]["Enabled"] is False
    assert only(template, "AWS::SES::ConfigurationSet")["SendingOptions"] == {"SendingEnabled": False}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (cdk.RemovalPolicy.RETAIN, "Retain"),
        (cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, "RetainExceptOnCreate"),
        (cdk.RemovalPolicy.DESTROY, "Delete"),
    ],
)
def test_removal_policy_reaches_what_holds_data(policy: cdk.RemovalPolicy, expected: str) -> None:
    """Mail and zone share one policy, but that no stack deletes a zone."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(removal_policy=policy))
    template = template_of(stack)
    for type_ in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"):
        (resource,) = resources(template, type_).values()
        assert resource["DeletionPolicy"] == expected
    (zone,) = resources(template, "AWS::Route53::HostedZone").values()
    assert zone["DeletionPolicy"] == (expected if expected != "Delete" else "RetainExceptOnCreate")


@pytest.mark.parametrize(
    "needs_zone",
    [
        {"portal": PortalAlias(target="d1.cloudfront.net")},
        {"parent_zone": ParentZone(hosted_zone_id="Z1", zone_name="acme.example")},
    ],
)
def test_portal_and_parent_need_a_zone_of_ours(needs_zone: dict[str, Any]) -> None:
    """Without delegation there is no zone to write to."""
    with pytest.raises(ValueError, match=r'tenant "acme": (portal|parent_zone) needs a zone of ours'):
        TenantSubdomain(new_stack(), "Subdomain", props(dns="self-managed", **needs_zone))


def test_tenant_id_names_nothing_else() -> None:
    """An id that would not fit the names is refused before anything is made."""
    with pytest.raises(ValueError, match="must be 2 to 32 of a-z"):
        TenantSubdomain(new_stack(), "Subdomain", props(tenant_id="Acme Inc"))


def test_outbox_may_put_messages_in_and_ask_for_them() -> None:
    """Nothing else: no right to send, no mail to read, no other item of the table."""
    stack = new_stack()
    tenant = TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER, addresses=[SENDS], alerts=[]))
    role = iam.Role(stack, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    tenant.grant_outbox(role)
    template = template_of(stack)
    (policy,) = [one["Properties"] for one in resources(template, "AWS::IAM::Policy").values()]
    statements = policy["PolicyDocument"]["Statement"]
    actions = ["s3:PutObject", ["dynamodb:GetItem", "dynamodb:PutItem"], "dynamodb:Query", "dynamodb:GetItem"]
    assert [one["Action"] for one in statements] == actions
    assert statements[0]["Resource"]["Fn::Join"][1][-1] == "/raw/out/*"
    assert statements[1]["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["OUTBOX#*"]}}
    assert statements[2]["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["requests"]}}
    assert statements[3]["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ADDRESSES"]}}


@pytest.mark.parametrize(
    ("grant", "actions"),
    [
        (
            "grant_read",
            [["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"], "dynamodb:Query", "s3:GetObject"],
        ),
        ("grant_addresses", ["dynamodb:GetItem"]),
        ("grant_held", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"]),
    ],
)
def test_application_is_let_in_by_one_call(grant: str, actions: list[Any]) -> None:
    """On the tenant's own table and bucket; a tenant without messages says what is missing."""
    stack = new_stack()
    tenant = TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER))
    role = iam.Role(stack, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    getattr(tenant, grant)(role)
    (policy,) = [one["Properties"] for one in resources(template_of(stack), "AWS::IAM::Policy").values()]
    assert [one["Action"] for one in policy["PolicyDocument"]["Statement"]] == actions
    without = TenantSubdomain(new_stack(), "Subdomain", props())
    with pytest.raises(ValueError, match=r'tenant "acme": must keep messages to .*, got no scanner; give it one'):
        getattr(without, grant)(role)


def test_function_sends_from_designated_addresses() -> None:
    """The role that files mail is the one that sends it; without designated addresses nobody's does."""
    found = {}
    for addresses in ([SENDS], [RECEIVES]):
        stack = new_stack()
        TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER, addresses=addresses))
        roles = json.dumps([one["Properties"] for one in resources(template_of(stack), "AWS::IAM::Role").values()])
        functions = [
            one["Properties"]["Environment"]["Variables"]
            for one in resources(template_of(stack), "AWS::Lambda::Function").values()
        ]
        sets = [one["CONFIGURATION_SET"] for one in functions if "JOIN_BY" in one]
        found[addresses[0].sends] = (roles.count("ses:SendRawEmail"), bool(sets[0]))
    assert found == {True: (1, True), False: (0, False)}


@pytest.mark.parametrize(("encrypted", "most"), [(False, 8_000), (True, 7_346)])
def test_more_senders_than_the_role_holds(encrypted: bool, most: int) -> None:
    """A key takes a part of the room; what fits is taken, and one more is refused before CloudFormation refuses it."""
    fitting = most // (len(f"a0000@{DOMAIN}") + 3)
    for count in (fitting, fitting + 1):
        stack = new_stack()
        key = kms.Key(stack, "Key") if encrypted else None
        addresses = [DesignatedAddress(f"a{number:04}@{DOMAIN}", receives=False) for number in range(count)]
        given = props(scanner=SCANNER, addresses=addresses, encryption_key=key)
        if count == fitting:
            TenantSubdomain(stack, "Subdomain", given)
            continue
        with pytest.raises(ValueError, match=f'tenant "acme": addresses must let addresses of at most {most:,} char'):
            TenantSubdomain(stack, "Subdomain", given)


@pytest.mark.parametrize("settings", [{}, {"scanner": SCANNER}, {"addresses": [SENDS]}])
def test_tenant_without_an_outbox(settings: dict[str, Any]) -> None:
    """Says what is missing."""
    stack = new_stack()
    tenant = TenantSubdomain(stack, "Subdomain", props(**settings))
    role = iam.Role(stack, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    with pytest.raises(ValueError, match='tenant "acme": has no outbox; give it a scanner and addresses that send'):
        tenant.grant_outbox(role)


@pytest.mark.parametrize("days", [1, 2, 365])
def test_messages_end_with_their_attachments(days: int) -> None:
    """The function that files a message and the bucket's rules make the same of one retention: S3 needs its last day."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER, retention=Retention(messages_days=days)))
    template = template_of(stack)
    (function,) = resources(template, "AWS::Lambda::Function").values()
    said = {name: str(value) for name, value in function["Properties"]["Environment"]["Variables"].items()}
    kept = readable_for(Settings.from_environment({**said, "AWS_REGION": REGION}).retention)
    rules = only(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    (attachments,) = [one["ExpirationInDays"] for one in rules if one.get("Prefix") == ATTACHMENTS_PREFIX]
    assert kept is not None
    assert kept.days == attachments


def test_bucket_is_made_when_its_queues_policy_is_not_new_any_more() -> None:
    """S3 tries to send when the bucket is made: after the policy comes the event source mapping, which takes its time."""
    stack = new_stack()
    TenantSubdomain(stack, "Subdomain", props(scanner=SCANNER))
    template = template_of(stack)
    (bucket,) = resources(template, "AWS::S3::Bucket").values()
    mappings = resources(template, "AWS::Lambda::EventSourceMapping")
    policies = resources(template, "AWS::SQS::QueuePolicy")
    between = [mappings[name] for name in bucket["DependsOn"] if name in mappings]
    assert len(between) == 1
    assert [name for name in between[0]["DependsOn"] if name in policies]
    for mapping in mappings.values():
        assert [name for name in mapping["DependsOn"] if name in policies]


def test_bucket_waits_for_its_own_scanner() -> None:
    """One of its own in the same stack: first the queue's policy, then the event source mapping, then the bucket."""
    stack = new_stack()
    definitions = s3.Bucket.from_bucket_name(stack, "Definitions", "definitions")
    own = AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=definitions))
    TenantSubdomain(stack, "Subdomain", props(scanner=own.scanner))
    template = template_of(stack)
    (bucket,) = resources(template, "AWS::S3::Bucket").values()
    policies = resources(template, "AWS::SQS::QueuePolicy")
    mappings = resources(template, "AWS::Lambda::EventSourceMapping")
    before = {name: one for name, one in mappings.items() if name in bucket["DependsOn"]}
    (scanners,) = [name for name in before if name.startswith("Scanner")]
    queue = before[scanners]["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
    own_policies = [name for name, one in policies.items() if {"Ref": queue} in one["Properties"]["Queues"]]
    assert own_policies
    assert {*own_policies} <= {*bucket["DependsOn"]} & {*before[scanners]["DependsOn"]}
