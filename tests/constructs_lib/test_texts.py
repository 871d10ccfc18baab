"""Text that a construct is given comes out of the template as it went in, or it is refused."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import (
    AddressBook,
    AddressBookWriter,
    AddressBookWriterProps,
    AttachmentScanner,
    AttachmentScannerProps,
    DesignatedAddress,
    Dmarc,
    EngagementEvents,
    EngagementTracking,
    EngagementTrackingProps,
    MessageStore,
    MessageStoreProps,
    ParentZone,
    PortalAlias,
    RecordBatch,
    SecurityAlerts,
    SendingIdentity,
    SignatureMirror,
    SubdomainZone,
    TenantEntry,
    TenantEntryProps,
    TenantInbox,
    TenantInboxProps,
    TenantSubdomain,
    TenantSubdomainProps,
    Tracking,
)
from constructs_lib.records import DnsRecord, Purpose
from constructs_lib.texts import check_texts
from tests.templates import new_stack, only, plain_app, template_of

HOSTILE = [
    "{{resolve:ssm:/platform/secret}}",
    "${Token[AWS.AccountId.4294967]} x",
    "${AWS::AccountId}",
    "a{{b",
    "#{Token[TOKEN.0]}",
]
KEY = "arn:aws:kms:eu-central-1:111111111111:key/k"
TABLE = "arn:aws:dynamodb:eu-central-1:111111111111:table/t"
ARN = "arn:aws:sns:eu-central-1:111111111111:t"


def _inbox(**given: object) -> TenantInboxProps:
    needed = {"tenant_id": "acme", "rule_set_name": "set", "recipients": ["a@x.example"]}
    return TenantInboxProps(**{**needed, **given})  # type: ignore[arg-type]


def _entry(text: str = "a@x.example", name: str = "", **given: object) -> TenantEntryProps:
    book = AddressBook(subdomain="x.example", addresses=(DesignatedAddress(text, name),))
    needed = {"tenant_id": "acme", "registry_path": "/r/", "configuration_set_name": "set", "table_name": "t"}
    return TenantEntryProps(**{**needed, "book": book, **given})  # type: ignore[arg-type]


def _subdomain(**given: object) -> TenantSubdomainProps:
    needed = {"tenant_id": "acme", "subdomain": "x.example", "rule_set_name": "set"}
    return TenantSubdomainProps(**{**needed, **given})  # type: ignore[arg-type]


def _record(name: str, value: str) -> list[DnsRecord]:
    return [DnsRecord(name=name, type="TXT", values=(value,), purpose=Purpose.SPF)]


MAKES: dict[str, Callable[[cdk.Stack, str], object]] = {
    "alerts: display name": lambda stack, text: SecurityAlerts(stack, "A", display_name=text),
    "alerts: address": lambda stack, text: SecurityAlerts(
        stack, "A", display_name="a", addresses=["a@x.example", text]
    ),
    "alerts: role": lambda stack, text: SecurityAlerts(stack, "A", display_name="a", publisher_role_arns=[text]),
    "alerts: key": lambda stack, text: SecurityAlerts(stack, "A", display_name="a", encryption_key_arn=text),
    "sending: domain": lambda stack, text: SendingIdentity(stack, "A", domain=text, tenant_name="acme"),
    "sending: tenant": lambda stack, text: SendingIdentity(stack, "A", domain="x.example", tenant_name=text),
    "sending: MAIL FROM": lambda stack, text: SendingIdentity(
        stack, "A", domain="x.example", tenant_name="acme", mail_from=text
    ),
    "sending: redirect": lambda stack, text: SendingIdentity(
        stack,
        "A",
        domain="x.example",
        tenant_name="acme",
        tracking=Tracking(clicks=False, redirect_domain=f"{text}.x.example"),
    ),
    "sending: address": lambda stack, text: SendingIdentity(
        stack, "A", domain="x.example", tenant_name="acme"
    ).send_statements([f"{text.lower()}@x.example"]),
    "inbox: tenant": lambda stack, text: TenantInbox(stack, "A", _inbox(tenant_id=text)),
    "inbox: rule set": lambda stack, text: TenantInbox(stack, "A", _inbox(rule_set_name=text)),
    "inbox: recipient": lambda stack, text: TenantInbox(stack, "A", _inbox(recipients=["a@x.example", text])),
    "inbox: logs": lambda stack, text: TenantInbox(stack, "A", _inbox(access_logs_bucket_name=text)),
    "zone: name": lambda stack, text: SubdomainZone(stack, "A", zone_name=text),
    "zone: parent": lambda stack, text: SubdomainZone(
        stack, "A", zone_name="a.x.example", parent_zone=ParentZone(hosted_zone_id=text, zone_name="x.example")
    ),
    "zone: portal": lambda stack, text: SubdomainZone(
        stack, "A", zone_name="a.x.example", portal=PortalAlias(target=text)
    ),
    "records: name": lambda stack, text: RecordBatch(
        stack, "A", hosted_zone_id="Z1", zone_name="x.example", records=_record(f"{text}.x.example", "v")
    ),
    "records: value": lambda stack, text: RecordBatch(
        stack, "A", hosted_zone_id="Z1", zone_name="x.example", records=_record("x.example", text)
    ),
    "entry: address": lambda stack, text: TenantEntry(stack, "A", _entry(text)),
    "entry: name": lambda stack, text: TenantEntry(stack, "A", _entry("a@x.example", text)),
    "entry: table": lambda stack, text: TenantEntry(stack, "A", _entry(table_name=text)),
    "entry: configuration set": lambda stack, text: TenantEntry(stack, "A", _entry(configuration_set_name=text)),
    "address books: stacks": lambda stack, text: AddressBookWriter(
        stack, "A", AddressBookWriterProps(registry_path="/r/", stack_prefix=text)
    ),
    "messages: configuration set": lambda stack, text: MessageStore(
        stack, "A", MessageStoreProps(tenant_id="acme", configuration_set_name=text)
    ),
    "messages: statement": lambda stack, text: MessageStore(
        stack, "A", MessageStoreProps(tenant_id="acme", send_statements=[{"Effect": "Deny", "Condition": {text: {}}}])
    ),
    "messages: table's policy": lambda stack, text: MessageStore(
        stack, "A", MessageStoreProps(tenant_id="acme", table_statements=[{"Effect": "Deny", "Resource": text}])
    ),
    "tracking: registry": lambda stack, text: EngagementTracking(
        stack, "A", EngagementTrackingProps(registry_path=text)
    ),
    "events: configuration set": lambda stack, text: EngagementEvents(stack, "A", configuration_set_name=text),
    "scanner: key": lambda stack, text: AttachmentScanner(
        stack,
        "A",
        AttachmentScannerProps(definitions=s3.Bucket.from_bucket_name(stack, "B", "definitions"), topics_key_arn=text),
    ),
    "mirror: database": lambda stack, text: SignatureMirror(stack, "A", required=["main", text]),
    "mirror: logs": lambda stack, text: SignatureMirror(stack, "A", access_logs_bucket_name=text),
    "subdomain: subdomain": lambda stack, text: TenantSubdomain(stack, "A", _subdomain(subdomain=text)),
    "subdomain: display name": lambda stack, text: TenantSubdomain(
        stack, "A", _subdomain(addresses=[DesignatedAddress("a@x.example", text)])
    ),
    "subdomain: reports": lambda stack, text: TenantSubdomain(stack, "A", _subdomain(dmarc=Dmarc(rua=[text]))),
    "subdomain: alerts": lambda stack, text: TenantSubdomain(stack, "A", _subdomain(alerts=[text])),
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_refuses_text_that_would_be_replaced(make: Callable[[cdk.Stack, str], object], text: str) -> None:
    """Before anything is made of it, with what is wrong; not a stack trace of the CDK's at synthesis."""
    with pytest.raises(ValueError, match=r"(must|takes) .*, got "):
        make(new_stack(), text)


def test_error_names_field_mark_and_text() -> None:
    """As every construct's error does."""
    with pytest.raises(ValueError, match="must hold no") as raised:
        TenantSubdomain(
            new_stack(),
            "A",
            _subdomain(addresses=[DesignatedAddress("a@x.example"), DesignatedAddress("b@x.example", "{{x")]),
        )
    assert str(raised.value) == (
        'Stack/A: tenant "acme": addresses[1].name must hold no "{{", as CloudFormation or the CDK would put another value there, '
        'got "{{x"; leave it out'
    )


def test_tokens_of_the_cdk_stay_allowed() -> None:
    """Whole or within a text, in lists, and as lists: that is how the CDK hands over what only CloudFormation knows."""
    stack = cdk.Stack(plain_app(), "Stack")
    topic = sns.Topic(stack, "Topic")
    SecurityAlerts(
        stack,
        "Alerts",
        display_name=f"Alerts of {stack.account} {cdk.Aws.REGION}",
        publisher_role_arns=[f"arn:{stack.partition}:iam::{stack.account}:role/r", topic.topic_arn],
        encryption_key_arn=cdk.Fn.import_value("key"),
    )
    found = {name: dict(one) for name, one in template_of(stack).find_resources("AWS::SNS::Topic").items()}
    names = [one["Properties"]["DisplayName"] for one in found.values() if "Properties" in one]
    assert names == [{"Fn::Join": ["", ["Alerts of ", {"Ref": "AWS::AccountId"}, " ", {"Ref": "AWS::Region"}]]}]
    check_texts("here", list_token=cdk.Fn.split(",", topic.topic_arn), text=cdk.Fn.get_att("X", "Arn").to_string())


def test_text_that_looks_alike_is_taken() -> None:
    """A brace or a dollar alone means nothing to anybody, and comes out as it went in."""
    stack = new_stack()
    SecurityAlerts(stack, "A", display_name="{ {a} } $ {b} #{c} 100$ }}", encryption_key_arn=KEY)
    assert only(template_of(stack), "AWS::SNS::Topic")["DisplayName"] == "{ {a} } $ {b} #{c} 100$ }}"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"a": {"b": ["c", "{{"]}}, "a.b[1]"),
        ({"a": {"{{": "c"}}, "a key of a"),
        ({"a": ({"b": 1}, frozenset({"${"}))}, r"a[1][0]"),
        ({"a": DesignatedAddress("x", "{{")}, "a.name"),
        ({"a": "${Token[TOKEN.99999999]}"}, "a"),
        ({"a": "${Token[a b]}"}, "a"),
        ({"a": ["#{Token[TOKEN.99999999]}"]}, "a[0]"),
        ({"a": "${" + cdk.Aws.REGION}, "a"),
        ({"a": "{" + cdk.Aws.REGION + "{"}, "a"),
    ],
)
def test_looks_everywhere(given: dict[str, object], path: str) -> None:
    """Sequences, mappings with their keys, dataclasses; and tokens that the CDK has not made."""
    with pytest.raises(ValueError, match="must hold no") as raised:
        check_texts("here", **given)
    assert str(raised.value).startswith(f"here: {path} must hold no ")
