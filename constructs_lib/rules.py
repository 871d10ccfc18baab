"""Rules of props of several constructs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from constructs_lib import names, values
from constructs_lib.bucket_policy import Scanner
from constructs_lib.checks import (
    FLAG,
    Broken,
    Rule,
    arn,
    choice,
    each,
    got,
    instance,
    interface,
    literal,
    matching,
    normal,
    optional,
    parts,
    text,
    whole,
)
from constructs_lib.faults import RuleError
from constructs_lib.limits import MOST_RECIPIENTS_PER_RULE
from constructs_lib.records import Dmarc, DmarcPolicy, MtaSts
from constructs_lib.sections import Retention, Tracking
from constructs_lib.sharing import SharedFunctions
from mailroom.addresses import DesignatedAddress
from mailroom.messages.joining import JoinBy
from mailroom.scanning.active.risks import ActiveContent, Reaction
from mailroom.scanning.verdicts import Action, Policy

__all__ = [
    "BUCKET",
    "BUCKET_NAME",
    "CONCURRENCY",
    "CONFIGURATION_SET",
    "DMARC",
    "DOMAIN",
    "HOSTED_ZONE_ID",
    "IDENTIFIER",
    "JOIN_THREADS_BY",
    "KEY",
    "KEY_ARN",
    "LABEL",
    "MAILBOXES",
    "MTA_STS",
    "QUEUE_ARN",
    "RECEIVING_TLS",
    "RECIPIENTS_PER_RULE",
    "RETENTION",
    "ROLE_ARN",
    "RULE_SET_NAME",
    "SCANNER",
    "SCANNING",
    "STATEMENT",
    "SUBDOMAIN",
    "TABLE_ARN",
    "TABLE_NAME",
    "TARGET",
    "TOPIC",
    "TOPIC_ARN",
    "TRACKING",
    "address_of",
    "addresses_of",
    "anything_said",
]

_DMARC_POLICIES: Final[tuple[DmarcPolicy, ...]] = ("none", "quarantine", "reject")

IDENTIFIER: Final = literal(values.identifier, "acme")
DOMAIN: Final = normal(names.domain_name, "post.acme.example")
SUBDOMAIN: Final = normal(names.tenant_subdomain, "post.acme.example")
LABEL: Final = literal(names.label, "mail")
MAILBOXES: Final = each(text(names.mailbox, "ops@acme.example"), key=str.lower)
HOSTED_ZONE_ID: Final = text(values.hosted_zone_id, "Z0123456789ABCDEFGHIJ")
RULE_SET_NAME: Final = text(values.rule_set_name, "mail")
ROLE_ARN: Final = text(values.role_arn, "arn:aws:iam::123456789012:role/name")
KEY_ARN: Final = arn("kms", r"key/[A-Za-z0-9-]{1,128}", "a KMS key", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
QUEUE_ARN: Final = arn("sqs", r"[A-Za-z0-9_-]{1,80}", "an SQS queue", "arrivals")
TOPIC_ARN: Final = arn("sns", r"[A-Za-z0-9_-]{1,256}", "an SNS topic", "envelopes")
TABLE_ARN: Final = arn("dynamodb", r"table/[A-Za-z0-9_.-]{1,255}", "a DynamoDB table", "table/messages")
TABLE_NAME: Final = matching(
    r"[A-Za-z0-9_.-]{3,255}", "a table's name: 3 to 255 of letters, digits and _.-", "messages"
)
BUCKET_NAME: Final = matching(
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name: 3 to 63 of a-z, 0-9, dots and hyphens", "acme-access-logs"
)
CONFIGURATION_SET: Final = matching(
    r"[A-Za-z0-9_-]{1,64}", "a configuration set's name: at most 64 of letters, digits, _ and -", "acme"
)
TOPIC: Final = interface("topic_arn", "ITopic", "pass a topic, such as sns.Topic(...)")
BUCKET: Final = interface("bucket_arn", "IBucket", "pass a bucket, such as the `bucket` of a SignatureMirror")
KEY: Final = interface("key_arn", "IKey", "pass a key, such as kms.Key(...)")
REGISTRY_PATH: Final = matching(
    r"/(?:[A-Za-z0-9_.-]{1,100}/){1,5}",
    "the beginning of parameters' names, between slashes",
    "/mail/configuration-sets/",
)
STACK_PREFIX: Final = matching(r"[A-Za-z][A-Za-z0-9-]{0,99}", "what stacks' names begin with", "Tenant-")
RECEIVING_TLS: Final = choice("require", "optional")
RETENTION: Final = parts(
    Retention,
    {"raw_days": whole(1, values.MOST_RAW_DAYS), "messages_days": optional(whole(1, values.MOST_MESSAGES_DAYS))},
    "use Retention(raw_days=..., messages_days=...), or leave it out",
)
TRACKING: Final = parts(
    Tracking,
    {
        "opens": FLAG,
        "clicks": FLAG,
        "redirect_domain": optional(DOMAIN),
        "suppressed_addresses": choice("hashed", "plain"),
    },
    "use Tracking(opens=..., clicks=...), or leave it out",
)
SCANNER: Final = parts(
    Scanner,
    {"role_arn": ROLE_ARN, "queue_arn": QUEUE_ARN, "topic_arn": optional(TOPIC_ARN), "key_arns": each(KEY_ARN)},
    "pass the `scanner` of an AttachmentScanner",
)

SHARED: Final = parts(
    SharedFunctions,
    {
        "registry_path": REGISTRY_PATH,
        "tracking_role_arn": ROLE_ARN,
        "books_role_arn": ROLE_ARN,
        "key_arns": each(KEY_ARN),
    },
    "use SharedFunctions(registry_path=..., tracking_role_arn=..., books_role_arn=...)",
)


def _join_by(value: Any) -> Iterator[Broken]:
    if not isinstance(value, str) or value not in {way.value for way in JoinBy}:
        yield Broken(
            f"must be {' or '.join(f'JoinBy.{way.name}' for way in JoinBy)}", got(value), "use one of them, or none"
        )


def _policy(value: Any) -> Iterator[Broken]:
    if not isinstance(value, Policy):
        yield Broken("must be a Policy", got(value), "use Policy(...), or leave it out")
        return
    for name in ("clean", "infected", "encrypted", "over_limit"):
        action = getattr(value, name)
        # Text equals its action, but the policy compares actions by identity.
        if not isinstance(action, Action):
            yield Broken("must be an Action", got(action), "use one such as Action.HOLD", f".{name}")
    active: Any = value.active_content
    if not isinstance(active, ActiveContent):
        yield Broken("must be ActiveContent", got(active), "use ActiveContent(...), or leave it out", ".active_content")
        return
    if value.unauthenticated not in {Reaction.DELIVER, Reaction.FLAG, Reaction.HOLD} or not isinstance(
        value.unauthenticated, Reaction
    ):
        yield Broken(
            "must be a Reaction", got(value.unauthenticated), "use one such as Reaction.HOLD", ".unauthenticated"
        )
    for one in fields(active):
        reaction = getattr(active, one.name)
        if not isinstance(reaction, Reaction):
            where = f".active_content.{one.name}"
            yield Broken("must be a Reaction", got(reaction), "use one such as Reaction.STRIP", where)


def _reports(value: Any) -> Iterator[Broken]:
    broken = list(MAILBOXES(value))
    yield from broken
    if broken:
        return
    try:
        values.report_addresses(value)
    except RuleError as error:
        fault = error.faults[0]
        yield Broken(fault.message, f"{len(value)} addresses", fault.remedy)


DMARC: Final = parts(
    Dmarc, {"policy": choice(*_DMARC_POLICIES), "rua": _reports}, "use Dmarc(policy=..., rua=[...]), or leave it out"
)


def _name(value: Any) -> Iterator[Broken]:
    if value != "":
        yield from text(values.display_name, "Acme Support")(value)


def anything_said(value: Any) -> Iterator[Broken]:
    """Any text, but not an empty one."""
    if not isinstance(value, str) or not value:
        yield Broken("must be text", got(value), "write it, or leave it out")


def _statement(value: Any) -> Iterator[Broken]:
    if not isinstance(value, Mapping) or value.get("Effect") not in {"Allow", "Deny"}:
        yield Broken("must be a statement of a policy", got(value), "use what SendingIdentity.send_statements returns")


STATEMENT: Final[Rule] = _statement
JOIN_THREADS_BY: Final = each(_join_by)
SCANNING: Final[Rule] = _policy
TARGET: Final = text(names.domain_name, "d111111abcdef8.cloudfront.net")
MTA_STS: Final = parts(
    MtaSts,
    {
        "policy_host": DOMAIN,
        "mode": choice("testing", "enforce"),
        # RFC 8461 3.2 allows at most 31,557,600 seconds. Resolvers may cache the record for a day, so shorter ages have no effect.
        "max_age_days": whole(1, 365),
    },
    "use MtaSts(policy_host=...)",
)
RECIPIENTS_PER_RULE: Final = whole(1, MOST_RECIPIENTS_PER_RULE)
CONCURRENCY: Final = whole(2, 1000)


def address_of(domain: str, *, receives: bool) -> Rule:
    """A full address of one domain, in lower case. SES must match a receiving one exactly."""

    def check(value: Any) -> Iterator[Broken]:
        if not isinstance(value, str):
            yield Broken("must be an e-mail address", got(value), f'use one such as "support@{domain}"')
            return
        local, at, of = value.rpartition("@")
        if not at or of != domain:
            yield Broken(
                f'must be an address of "{domain}", in lower case', got(value), f'use one such as "support@{domain}"'
            )
            return
        try:
            right = (names.receiving_local_part if receives else names.local_part)(local)
        except RuleError as error:
            fault = error.faults[0]
            yield Broken(fault.message, got(value), fault.remedy)
            return
        if right != local:
            yield Broken("must be in lower case", got(value), f'use "{right}@{of}"')
        elif len(value) > names.MAX_MAILBOX_OCTETS:
            yield Broken(f"must be at most {names.MAX_MAILBOX_OCTETS} octets", got(value), "shorten it")

    return check


def addresses_of(domain: str) -> Rule:
    """Designated addresses of one domain. Each stands once, and sends or receives."""
    is_designated = instance(DesignatedAddress, f'write DesignatedAddress("support@{domain}")')
    of_fields = {
        receives: parts(
            DesignatedAddress,
            {"address": address_of(domain, receives=receives), "name": _name, "sends": FLAG, "receives": FLAG},
            "",
        )
        for receives in (False, True)
    }

    def one(value: Any) -> Iterator[Broken]:
        broken = list(is_designated(value)) or list(of_fields[value.receives is True](value))
        yield from broken
        if not broken and not value.sends and not value.receives:
            yield Broken("must send or receive", got(value.address), "set sends or receives, or leave it out")

    return each(one, key=lambda value: str(value.address).lower())
