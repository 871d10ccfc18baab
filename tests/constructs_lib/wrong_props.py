"""Wrong values of every prop of every public construct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aws_cdk as cdk

from constructs_lib import DesignatedAddress, Dmarc, ParentZone, PortalAlias, Retention, SharedFunctions, Tracking
from constructs_lib.bucket_policy import IngestWriter, Scanner
from constructs_lib.records import DnsRecord, MtaSts, Purpose
from mailroom.addresses import AddressBook
from mailroom.scanning.active.risks import ActiveContent
from mailroom.scanning.verdicts import Action, Policy
from tests.constructs_lib.right_props import CLOUDFRONT, DOMAIN, KEY, PATH, QUEUE, ROLE, TABLE, TOPIC

__all__ = ["WRONG"]

_NOT_TEXT: Final[list[Any]] = [None, 1, b"x", ["x"]]
_PATH: Final[list[Any]] = [*_NOT_TEXT, "", "mail/", "/mail", "/a b/", "//"]
_FLAG: Final[list[Any]] = [None, 1, "yes", "False"]
_ID: Final[list[Any]] = [
    *_NOT_TEXT,
    "",
    "a",
    "Acme",
    "acme_inc",
    "a--b",
    "1a",
    "a" * 33,
    "acme\n",
    "{{x}}",
    cdk.Aws.REGION,
]
_NAME: Final[list[Any]] = [
    *_NOT_TEXT,
    "",
    "acme",
    f"{DOMAIN}.",
    "Post.acme.example",
    "a..example",
    "-a.example",
    "*.acme.example",
    ".acme.example",
    "1.2.3.4",
    "post.müller.example",
    "xn--a.example",
    f"{'a' * 64}.example",
    ".".join(["a" * 60] * 5),
    "a b.example",
    "a_b.acme.example",
    "https://acme.example",
    "post.acme.example\n",
]
_MAILBOXES: Final[list[Any]] = [
    None,
    "ops@acme.example",
    ["not-an-address"],
    ["a@"],
    ["@acme.example"],
    ["a@acme"],
    ["a b@acme.example"],
    ["a@acme.example", "A@ACME.example"],
    [None],
    ["Ops <ops@acme.example>"],
    ["a@acme.example\n"],
]
_NO_DAYS: Final[list[Any]] = [0, -1, "90", 90.0, True, cdk.Duration.days(90), cdk.Token.as_number({"Ref": "Days"})]
_RETENTION: Final[list[Any]] = [
    None,
    90,
    cdk.Duration.days(90),
    *(Retention(raw_days=wrong) for wrong in [None, 3651, *_NO_DAYS]),
    *(Retention(messages_days=wrong) for wrong in [36_501, *_NO_DAYS]),
]
_TLS: Final[list[Any]] = [None, True, "", "Require", "required"]
_POLICIES: Final[list[Any]] = [None, "", "foo", "Reject", "none; rua=mailto:x@evil.example"]
_FORMS: Final[list[Any]] = [None, "", "Plain", True]
_TRACKING: Final[list[Any]] = [
    None,
    True,
    "plain",
    *(Tracking(opens=wrong) for wrong in _FLAG),
    *(Tracking(clicks=wrong) for wrong in _FLAG),
    *(Tracking(clicks=False, redirect_domain=wrong) for wrong in _NAME if wrong is not None),
    *(Tracking(suppressed_addresses=wrong) for wrong in _FORMS),
]
_REMOVAL: Final[list[Any]] = [None, "retain", "DESTROYED", cdk.RemovalPolicy.SNAPSHOT, True]
_ROLE: Final[list[Any]] = [*_NOT_TEXT, "", "role", "arn:aws:iam::1:role/r", "arn:aws:iam::111111111111:user/u", TOPIC]
_TOPIC: Final[list[Any]] = ["", 1, TOPIC, True]
_KEY: Final[list[Any]] = ["", 1, "nonsense", TOPIC, "arn:aws:kms:eu-central-1:111111111111:alias/a", f"{KEY}/x"]
_NO_KEY: Final[list[Any]] = [True, "alias/mail", KEY]
_TABLE_NAME: Final[list[Any]] = [*_NOT_TEXT, "", "t", "a b", "a" * 256, "tä"]
_TABLE: Final[list[Any]] = [*_NOT_TEXT, "", "messages", TOPIC, f"{TABLE}/index/i"]
_SET: Final[list[Any]] = ["", "a b", "a" * 65, "ä", 1, f"{TOPIC}"]
_BUCKET: Final[list[Any]] = ["", 1, "ab", "Logs", "a_b", "arn:aws:s3:::logs", "a" * 64]
_RULE_SET: Final[list[Any]] = [*_NOT_TEXT, "", "a b", "-a", "a_", "a" * 65, "ä", "mail\n"]
_COUNT: Final[list[Any]] = [None, 0, 1, 1001, -1, 5.0, True, "5"]
_HOSTS: Final[list[Any]] = [None, "", "web", "web.example."]
_JOIN: Final[list[Any]] = [None, "subject", ["foo"], [None], [1], [["subject"]]]
_SCANNER: Final[list[Any]] = [
    "x",
    True,
    Scanner(role_arn="", queue_arn=""),
    Scanner(role_arn=ROLE, queue_arn=TOPIC),
    Scanner(role_arn=ROLE, queue_arn=QUEUE, topic_arn=QUEUE),
    Scanner(role_arn=ROLE, queue_arn=QUEUE, key_arns=["alias/mail"]),
]
_POLICY: Final[list[Any]] = [
    None,
    "strip",
    {"infected": "strip"},
    Policy(infected="deliver"),  # type: ignore[arg-type]
    Policy(encrypted="x"),  # type: ignore[arg-type]
    Policy(over_limit=None),  # type: ignore[arg-type]
    Policy(active_content="standard"),  # type: ignore[arg-type]
    Policy(unauthenticated="hold"),  # type: ignore[arg-type]
    Policy(unauthenticated=None),  # type: ignore[arg-type]
    Policy(active_content=None),  # type: ignore[arg-type]
    Policy(active_content=ActiveContent(programs="strip")),  # type: ignore[arg-type]
    Policy(active_content=ActiveContent(macros=Action.HOLD)),  # type: ignore[arg-type]
    Policy(active_content=ActiveContent(pdf_actions=True)),  # type: ignore[arg-type]
]
_ZONE_ID: Final[list[Any]] = [*_NOT_TEXT, "", "Z", "z1", "/hostedzone/Z1", "Z" * 33]
_ZONE_NAMES: Final[list[Any]] = ["", None, "acme.example.", "Acme.example", "*"]
_TARGETS: Final[list[Any]] = ["", None, "d1", "https://d1.cloudfront.net", "*.cloudfront.net"]
_PARENT: Final[list[Any]] = [
    "Z1",
    True,
    *(ParentZone(hosted_zone_id=wrong, zone_name="acme.example") for wrong in _ZONE_ID),
    *(ParentZone(hosted_zone_id="Z1", zone_name=wrong) for wrong in _ZONE_NAMES),
    ParentZone(hosted_zone_id="Z1", zone_name="globex.example"),
]
_PORTAL: Final[list[Any]] = [
    "x",
    True,
    *(PortalAlias(target=wrong) for wrong in _TARGETS),
    *(PortalAlias(target=CLOUDFRONT, hosted_zone_id=wrong) for wrong in [*_ZONE_ID, "Z1"]),
    PortalAlias(target="lb-1.eu-central-1.elb.amazonaws.com"),
    PortalAlias(target=CLOUDFRONT, ipv6="no"),  # type: ignore[arg-type]
]
_ADDRESSES: Final[list[Any]] = [
    None,
    f"support@{DOMAIN}",
    [f"support@{DOMAIN}"],
    [None],
    *(
        [DesignatedAddress(wrong)]  # type: ignore[arg-type]
        for wrong in [
            "support@post.globex.example",
            "acme.example",
            ".acme.example",
            f"@{DOMAIN}",
            f"a b@{DOMAIN}",
            "support@",
            "Support@Post.acme.example",
            f"Support@{DOMAIN}",
            f"*@{DOMAIN}",
            f"ä@{DOMAIN}",
            f"a+b@{DOMAIN}",
            f"a..b@{DOMAIN}",
            f"{'a' * 65}@{DOMAIN}",
            f"a@b@{DOMAIN}",
            f'"a"@{DOMAIN}',
            f"a@{DOMAIN}.",
            f"a@x.{DOMAIN}",
            f"a@{DOMAIN}\n",
            DOMAIN,
            "",
            None,
            1,
        ]
    ),
    [DesignatedAddress(f"a@{DOMAIN}", "a\nb")],
    [DesignatedAddress(f"a@{DOMAIN}", "a" * 129)],
    [DesignatedAddress(f"a@{DOMAIN}", None)],  # type: ignore[arg-type]
    [DesignatedAddress(f"a@{DOMAIN}", sends="no")],  # type: ignore[arg-type]
    [DesignatedAddress(f"a@{DOMAIN}", receives=1)],  # type: ignore[arg-type]
    [DesignatedAddress(f"a@{DOMAIN}", sends=False, receives=False)],
    [DesignatedAddress(f"a@{DOMAIN}"), DesignatedAddress(f"a@{DOMAIN}", sends=False)],
]


def _book(**given: Any) -> AddressBook:
    return AddressBook(**{"subdomain": DOMAIN, "addresses": (), **given})


def _record(**given: Any) -> list[DnsRecord]:
    return [DnsRecord(**{"name": DOMAIN, "type": "TXT", "values": ("v",), "purpose": Purpose.SPF, **given})]


WRONG: Final[dict[str, Mapping[str, list[Any]]]] = {
    "TenantSubdomain": {
        "tenant_id": _ID,
        "subdomain": [
            *_NAME,
            "acme.example",
            "co.uk",
            "post.acme.amazonaws.com",
            f"{'a' * 60}." * 3 + "b" * 40 + ".example",
        ],
        "rule_set_name": _RULE_SET,
        "addresses": _ADDRESSES,
        "catch_all": _FLAG,
        "dns": [None, True, "", "Delegated", "self_managed"],
        "parent_zone": _PARENT,
        "portal": _PORTAL,
        "mail_from": [*_NOT_TEXT, "", "a.b", "-a", "A", "a_b", "a" * 64, "mäil", cdk.Aws.REGION],
        "dmarc": [
            None,
            "reject",
            {"policy": "reject"},
            *(Dmarc(policy=wrong) for wrong in _POLICIES),
            *(Dmarc(rua=wrong) for wrong in _MAILBOXES),
            Dmarc(rua=[f"{'a' * 60}{number}@acme.example" for number in range(100)]),
        ],
        "mta_sts": [
            "enforce",
            True,
            *(MtaSts(policy_host=wrong) for wrong in _HOSTS),
            MtaSts(policy_host="web.example", mode="none"),  # type: ignore[arg-type]
            *(MtaSts(policy_host="web.example", max_age_days=wrong) for wrong in [0, -1, 366, True]),
        ],
        "live": _FLAG,
        "receiving_tls": _TLS,
        "recipients_per_rule": [None, 0, -1, 501, True, "100", 1.0],
        "retention": _RETENTION,
        "scanner": _SCANNER,
        "shared": [
            "shared",
            SharedFunctions(registry_path="mail", tracking_role_arn=ROLE, books_role_arn=ROLE),
            SharedFunctions(registry_path=PATH, tracking_role_arn=ROLE, books_role_arn=ROLE, key_arns=["alias/mail"]),
        ],
        "scanning": _POLICY,
        "tracking": _TRACKING,
        "join_threads_by": _JOIN,
        "alarm_topic": _TOPIC,
        "alerts": _MAILBOXES,
        "alerts_key_arn": _KEY,
        "encryption_key": _NO_KEY,
        "access_logs_bucket_name": _BUCKET,
        "removal_policy": _REMOVAL,
    },
    "TenantInbox": {
        "tenant_id": _ID,
        "rule_set_name": _RULE_SET,
        "recipients": [
            None,
            f"a@{DOMAIN}",
            [""],
            [None],
            ["acme.example"],
            [".post.acme.example"],
            [f"A@{DOMAIN}"],
            [f"*@{DOMAIN}"],
            [f"a@{DOMAIN}", f"a@{DOMAIN}"],
            [f"a@{DOMAIN}", "a@post.globex.example"],
            [DOMAIN, "post.globex.example"],
            [f"a+b@{DOMAIN}"],
        ],
        "retention": _RETENTION,
        "scanner": _SCANNER,
        "scanning": _POLICY,
        "structurer": ["x", IngestWriter(role_arn="", queue_arn=QUEUE), IngestWriter(role_arn=ROLE, queue_arn="q")],
        "alerts_topic": _TOPIC,
        "live": _FLAG,
        "receiving_tls": _TLS,
        "recipients_per_rule": [None, 0, 501, True],
        "encryption_key": _NO_KEY,
        "access_logs_bucket_name": _BUCKET,
        "removal_policy": _REMOVAL,
    },
    "ActiveReceiptRuleSet": {"rule_set_name": _RULE_SET, "encryption_key": _NO_KEY},
    "AddressBookWriter": {
        "registry_path": _PATH,
        "stack_prefix": [*_NOT_TEXT, "", "1a", "a_b", "a/b", "a" * 101],
        "alarm_topic": _TOPIC,
        "encryption_key": _NO_KEY,
    },
    "AttachmentScanner": {
        "definitions": [None, "bucket", True],
        "alarm_topic": _TOPIC,
        "topics_key_arn": _KEY,
        "memory_mib": [None, 2047, 10_241, True, "3008", 3008.0],
        "max_concurrency": _COUNT,
        "max_definitions_age": [7, cdk.Duration.minutes(30), cdk.Duration.days(0), cdk.Duration.minutes(90)],
        "encryption_key": _NO_KEY,
        "definitions_key": _NO_KEY,
        "sorts_arrivals": _FLAG,
        "recall_days": [None, -1, 31, True, "7", 7.0],
    },
    "EngagementEvents": {"configuration_set_name": [None, *_SET], "tracking": _TRACKING},
    "EngagementTracking": {"registry_path": _PATH, "alarm_topic": _TOPIC, "encryption_key": _NO_KEY},
    "MessageStore": {
        "tenant_id": _ID,
        "subdomain": _NAME[1:],
        "retention": _RETENTION,
        "join_threads_by": _JOIN,
        "configuration_set_name": _SET,
        "send_statements": [None, "x", ["x"], [{}], [{"Effect": "allow"}]],
        "table_statements": [None, "x", ["x"], [{}], [{"Effect": "allow"}]],
        "alarm_topic": _TOPIC,
        "max_concurrency": _COUNT,
        "encryption_key": _NO_KEY,
        "removal_policy": _REMOVAL,
    },
    "RecordBatch": {
        "hosted_zone_id": _ZONE_ID,
        "zone_name": _NAME,
        "records": [
            None,
            [],
            ["v"],
            _record(name=""),
            _record(name="a b.acme.example"),
            _record(name=None),
            _record(type="SPF"),
            _record(type=None),
            _record(values=()),
            _record(values="v"),
            _record(values=("",)),
            _record(values=("ü",)),
            _record(values=("a" * 4001,)),
            _record(ttl_seconds=-1),
            _record(ttl_seconds="60"),
            _record(type="A", alias_zone_id=""),
        ],
    },
    "SecurityAlerts": {
        "display_name": [*_NOT_TEXT, "", "a" * 101, "a\nb"],
        "addresses": _MAILBOXES,
        "publisher_role_arns": [None, ROLE, *([wrong] for wrong in _ROLE)],
        "publishers_have_key": _FLAG,
        "alarms": _FLAG,
        "encryption_key": _NO_KEY,
        "encryption_key_arn": _KEY,
        "removal_policy": _REMOVAL,
    },
    "SendingPauses": {"alerts": [None, TOPIC]},
    "SendingIdentity": {
        "domain": _NAME,
        "tenant_name": _ID,
        "mail_from": [*_NOT_TEXT, "", "a.b", "-a", "A", "a" * 64],
        "live": _FLAG,
        "tracking": [
            *_TRACKING,
            *(
                Tracking(clicks=False, redirect_domain=wrong)
                for wrong in ["links.acme.example", DOMAIN, f"Links.{DOMAIN}"]
            ),
            Tracking(redirect_domain=f"links.{DOMAIN}"),
        ],
    },
    "SignatureMirror": {
        "every": [4, cdk.Duration.minutes(30), cdk.Duration.minutes(90), cdk.Duration.hours(25), cdk.Duration.days(0)],
        "alarm_topic": _TOPIC,
        "required": [None, "main", [], [""], ["a b"], ["main", "main"], [None]],
        "minimum_signatures": [None, 0, -1, True, "5"],
        "access_logs_bucket_name": _BUCKET,
        "encryption_key": _NO_KEY,
        "removal_policy": _REMOVAL,
        "definitions_source": [1, "", "http://clamav.acme.example", "https://a/b", "https://A", "https://a:x"],
    },
    "SubdomainZone": {"zone_name": _NAME, "parent_zone": _PARENT, "portal": _PORTAL, "removal_policy": _REMOVAL},
    "TenantEntry": {
        "tenant_id": _ID,
        "registry_path": _PATH,
        "configuration_set_name": [None, *_SET],
        "table_name": _TABLE_NAME,
        "book": [
            None,
            "book",
            *(_book(subdomain=wrong) for wrong in _NAME),
            *(_book(addresses=wrong) for wrong in _ADDRESSES),
            _book(catch_all=None),
            _book(live="no"),
        ],
        "tracking": _TRACKING,
        "retention": _RETENTION,
    },
}
