"""cdk-nag on every construct's defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from constructs import Construct

import constructs_lib
from constructs_lib import (
    ActiveReceiptRuleSet,
    AddressBook,
    AddressBookWriter,
    AddressBookWriterProps,
    AttachmentScanner,
    AttachmentScannerProps,
    DesignatedAddress,
    EngagementEvents,
    EngagementTracking,
    EngagementTrackingProps,
    MessageStore,
    MessageStoreProps,
    PortalAlias,
    RecordBatch,
    SecurityAlerts,
    SendingIdentity,
    SendingPauses,
    SignatureMirror,
    SubdomainZone,
    TenantEntry,
    TenantEntryProps,
    TenantInbox,
    TenantInboxProps,
    TenantSubdomain,
    TenantSubdomainProps,
)
from tests.constructs_lib.test_records import eight
from tests.nag import nag_findings
from tests.templates import new_stack

DOMAIN = "post.acme.example"
BOOK = AddressBook(subdomain=DOMAIN, addresses=(DesignatedAddress(f"support@{DOMAIN}"),))
DEFAULTS: dict[str, Callable[[cdk.Stack], Construct]] = {
    "ActiveReceiptRuleSet": lambda stack: ActiveReceiptRuleSet(stack, "It", rule_set_name="email-cell-eu"),
    "AddressBookWriter": lambda stack: AddressBookWriter(
        stack, "It", AddressBookWriterProps(registry_path="/cell/sets/", stack_prefix="Tenant-")
    ),
    "AttachmentScanner": lambda stack: AttachmentScanner(
        stack, "It", AttachmentScannerProps(definitions=s3.Bucket.from_bucket_name(stack, "Definitions", "definitions"))
    ),
    "EngagementEvents": lambda stack: EngagementEvents(stack, "It", configuration_set_name="set"),
    "EngagementTracking": lambda stack: EngagementTracking(
        stack, "It", EngagementTrackingProps(registry_path="/cell/sets/")
    ),
    "MessageStore": lambda stack: MessageStore(stack, "It", MessageStoreProps(tenant_id="acme")),
    "RecordBatch": lambda stack: RecordBatch(stack, "It", hosted_zone_id="Z1", zone_name=DOMAIN, records=eight()),
    "SecurityAlerts": lambda stack: SecurityAlerts(stack, "It", display_name="Alerts", addresses=["ops@x.example"]),
    "SendingIdentity": lambda stack: SendingIdentity(stack, "It", domain=DOMAIN, tenant_name="acme"),
    "SendingPauses": lambda stack: SendingPauses(
        stack, "It", alerts=SecurityAlerts(stack, "Alerts", display_name="Alerts")
    ),
    "SignatureMirror": lambda stack: SignatureMirror(stack, "It"),
    "SubdomainZone": lambda stack: SubdomainZone(
        stack, "It", zone_name=DOMAIN, portal=PortalAlias(target="d1.cloudfront.net")
    ),
    "TenantEntry": lambda stack: TenantEntry(
        stack,
        "It",
        TenantEntryProps(
            tenant_id="acme",
            registry_path="/cell/sets/",
            configuration_set_name="set",
            table_name="messages",
            book=BOOK,
        ),
    ),
    "TenantInbox": lambda stack: TenantInbox(
        stack,
        "It",
        TenantInboxProps(
            tenant_id="acme",
            rule_set_name="email-cell-eu",
            recipients=[DOMAIN],
        ),
    ),
    "TenantSubdomain": lambda stack: TenantSubdomain(
        stack,
        "It",
        TenantSubdomainProps(tenant_id="acme", subdomain=DOMAIN, rule_set_name="email-cell-eu", catch_all=True),
    ),
}


def findings(make: Callable[[cdk.Stack], Any]) -> list[str]:
    """Findings of cdk-nag on a stack with one construct."""
    stack = new_stack()
    make(stack)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    return nag_findings(app)


COMPOSERS: dict[str, str] = {
    "SignatureMirror": "AwsSolutions-S1 at Stack/It/Definitions/Resource",
    "TenantInbox": "AwsSolutions-S1 at Stack/It/Bucket",
    "TenantSubdomain": "AwsSolutions-S1 at Stack/It/Inbox/Bucket",
}
"""What is left to whoever composes: where access logs go."""


@pytest.mark.parametrize("construct", DEFAULTS)
def test_defaults_leave_no_unexplained_finding(construct: str) -> None:
    """What a platform engineer gets without passing anything passes AwsSolutions, but for what they have to decide themselves."""
    assert findings(DEFAULTS[construct]) == ([COMPOSERS[construct]] if construct in COMPOSERS else [])


@pytest.mark.parametrize(
    "make",
    [
        lambda stack: SignatureMirror(stack, "It", access_logs_bucket_name="logs"),
        lambda stack: TenantSubdomain(
            stack,
            "It",
            TenantSubdomainProps(
                tenant_id="acme", subdomain=DOMAIN, rule_set_name="mail", catch_all=True, access_logs_bucket_name="logs"
            ),
        ),
    ],
    ids=["SignatureMirror", "TenantSubdomain"],
)
def test_what_the_composer_decides_is_no_finding(make: Callable[[cdk.Stack], Construct]) -> None:
    """With a bucket for access logs nothing is left."""
    assert findings(make) == []


def test_every_construct_is_made_by_itself() -> None:
    """None that can be imported is left out; each stands above, alone in its stack."""
    exported = {name: getattr(constructs_lib, name) for name in dir(constructs_lib)}
    assert set(DEFAULTS) == {name for name, one in exported.items() if issubclass(one, Construct)}


def test_the_check_can_fail() -> None:
    """A bucket without TLS and logs is found: the pack is really on."""
    assert "AwsSolutions-S10 at Stack/Bad" in findings(lambda stack: s3.CfnBucket(stack, "Bad"))
