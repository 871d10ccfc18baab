"""Right props of every public construct, and the construct made with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

import constructs_lib as lib
from constructs_lib import DesignatedAddress
from constructs_lib.bucket_policy import Scanner
from constructs_lib.records import DnsRecord, Purpose
from mailroom.addresses import AddressBook

__all__ = ["CLOUDFRONT", "DOMAIN", "KEY", "PATH", "QUEUE", "RIGHT", "ROLE", "SCANNER", "TABLE", "TOPIC", "make"]

DOMAIN: Final = "post.acme.example"
ROLE: Final = "arn:aws:iam::111111111111:role/r"
QUEUE: Final = "arn:aws:sqs:eu-central-1:111111111111:q"
TOPIC: Final = "arn:aws:sns:eu-central-1:111111111111:t"
TABLE: Final = "arn:aws:dynamodb:eu-central-1:111111111111:table/messages"
PATH: Final = "/mail/configuration-sets/"
KEY: Final = "arn:aws:kms:eu-central-1:111111111111:key/k"
SCANNER: Final = Scanner(role_arn=ROLE, queue_arn=QUEUE)
CLOUDFRONT: Final = "d1.cloudfront.net"


class Definitions:
    """Stands for a bucket of the stack that is made."""


class Topic:
    """Stands for a topic that is imported into the stack that is made."""


class Alerts:
    """Stands for the operators' alerts of the stack that is made."""


RIGHT: Final[dict[str, dict[str, Any]]] = {
    "TenantSubdomain": {"tenant_id": "acme", "subdomain": DOMAIN, "rule_set_name": "mail", "scanner": SCANNER},
    "TenantInbox": {
        "tenant_id": "acme",
        "rule_set_name": "mail",
        "recipients": [f"a@{DOMAIN}"],
        "scanner": SCANNER,
        "alerts_topic": Topic(),
    },
    "ActiveReceiptRuleSet": {"rule_set_name": "mail"},
    "AddressBookWriter": {"registry_path": PATH, "stack_prefix": "Tenant-"},
    "AttachmentScanner": {"definitions": Definitions()},
    "EngagementEvents": {"configuration_set_name": "set"},
    "EngagementTracking": {"registry_path": PATH},
    "MessageStore": {"tenant_id": "acme"},
    "RecordBatch": {
        "hosted_zone_id": "Z1",
        "zone_name": DOMAIN,
        "records": [DnsRecord(name=DOMAIN, type="TXT", values=("v",), purpose=Purpose.SPF)],
    },
    "SecurityAlerts": {"display_name": "Alerts"},
    "SendingIdentity": {"domain": DOMAIN, "tenant_name": "acme"},
    "SendingPauses": {"alerts": Alerts()},
    "SignatureMirror": {},
    "SubdomainZone": {"zone_name": DOMAIN},
    "TenantEntry": {
        "tenant_id": "acme",
        "registry_path": PATH,
        "configuration_set_name": "set",
        "table_name": "messages",
        "book": AddressBook(subdomain=DOMAIN, addresses=(DesignatedAddress(f"a@{DOMAIN}"),)),
    },
}


def make(stack: cdk.Stack, name: str, **given: Any) -> Construct:
    """The public construct of that name, with right props but for what is given."""
    values = {**RIGHT[name], **given}
    for prop, value in values.items():
        if isinstance(value, Definitions):
            values[prop] = s3.Bucket.from_bucket_name(stack, "Definitions", "definitions")
        if isinstance(value, Topic):
            values[prop] = sns.Topic.from_topic_arn(stack, "Topic", TOPIC)
        if isinstance(value, Alerts):
            values[prop] = lib.SecurityAlerts(stack, "Alerts", display_name="Alerts")
    construct: Callable[..., Construct] = getattr(lib, name)
    props: Callable[..., object] | None = getattr(lib, f"{name}Props", None)
    if props is not None:
        return construct(stack, "Made", props(**values))
    return construct(stack, "Made", **values)
