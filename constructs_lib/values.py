"""Rules of single values that config and constructs share, besides those of names. Pure: as in `names`, each returns the value or
raises `RuleError`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from constructs_lib.faults import Fault, RuleError
from constructs_lib.naming import check_identifier
from constructs_lib.records import CLOUDFRONT_HOSTED_ZONE_ID, TXT_VALUE_CHARACTERS, dmarc_value

__all__ = [
    "MAX_DISPLAY_NAME_CHARACTERS",
    "MIRROR_URL",
    "MOST_MESSAGES_DAYS",
    "MOST_RAW_DAYS",
    "certificate_arn",
    "display_name",
    "hosted_zone_id",
    "identifier",
    "key_arn",
    "ownership_token",
    "portal_zone",
    "report_addresses",
    "role_arn",
    "rule_set_name",
]

MAX_DISPLAY_NAME_CHARACTERS: Final = 128
MIRROR_URL: Final = r"https://[a-z0-9][a-z0-9.-]{0,200}(?::[0-9]{1,5})?"
"""A private mirror of ClamAV's files: host, and port."""
MOST_RAW_DAYS: Final = 3650
MOST_MESSAGES_DAYS: Final = 36_500

_CERTIFICATE_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:acm:[a-z0-9-]{4,30}:[0-9]{12}:certificate/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_HOSTED_ZONE_ID: Final = re.compile(r"Z[A-Z0-9]{1,31}")
_KEY_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]{4,30}:[0-9]{12}:key/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_OWNERSHIP_TOKEN: Final = re.compile(r"email-claim=[0-9a-f]{32}")
_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_RULE_SET_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")


def identifier(value: str) -> str:
    """The permanent id of a tenant or a cell: 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter."""
    try:
        return check_identifier("id", value)
    except ValueError:
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32].rstrip("-")
        try:
            remedy = f'use "{check_identifier("id", slug)}"'
        except ValueError:
            remedy = 'use one such as "acme"'
        raise RuleError.one(
            "must be 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter", remedy
        ) from None


def hosted_zone_id(value: str) -> str:
    """The id of a hosted zone, without its path."""
    if not _HOSTED_ZONE_ID.fullmatch(value):
        raise RuleError.one(
            "must be the id of a hosted zone: Z and 1 to 31 of A-Z and 0-9",
            "copy it from Route 53, without /hostedzone/",
        )
    return value


def key_arn(value: str) -> str:
    """The ARN of a KMS key."""
    if not _KEY_ARN.fullmatch(value):
        raise RuleError.one(
            "must be the ARN of a KMS key, not of an alias",
            'write it as "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"',
        )
    return value


def certificate_arn(value: str) -> str:
    """The ARN of a certificate in ACM."""
    if not _CERTIFICATE_ARN.fullmatch(value):
        raise RuleError.one(
            "must be the ARN of a certificate in ACM",
            'write it as "arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"',
        )
    return value


def ownership_token(value: str) -> str:
    """The token that the settings API gives for a claim to a domain."""
    if not _OWNERSHIP_TOKEN.fullmatch(value):
        raise RuleError.one("must be email-claim= and 32 of 0-9 and a-f", "copy it from the claim")
    return value


def role_arn(value: str) -> str:
    """The ARN of an IAM role."""
    if not _ROLE_ARN.fullmatch(value):
        raise RuleError.one("must be the ARN of an IAM role", 'write it as "arn:aws:iam::123456789012:role/name"')
    return value


def display_name(value: str) -> str:
    """The display name of an address."""
    # A line break in a header field would start another header: RFC 5322 2.2.
    if not value.isprintable():
        raise RuleError.one("must have no line breaks or control characters", "remove them")
    if not 1 <= len(value) <= MAX_DISPLAY_NAME_CHARACTERS:
        raise RuleError.one(
            f"must be 1 to {MAX_DISPLAY_NAME_CHARACTERS} characters, is {len(value)}", "shorten it or leave it out"
        )
    return value


def portal_zone(target: str, zone_id: str) -> str:
    """The zone id of an alias's target: CloudFront's for names in cloudfront.net, and for no other."""
    if target.lower().rstrip(".").endswith(".cloudfront.net"):
        if zone_id != CLOUDFRONT_HOSTED_ZONE_ID:
            raise RuleError.one(
                "must be CloudFront's for a target in cloudfront.net", f'use "{CLOUDFRONT_HOSTED_ZONE_ID}" or drop it'
            )
    elif zone_id == CLOUDFRONT_HOSTED_ZONE_ID:
        raise RuleError.one(
            "must be the target's own for a target outside cloudfront.net",
            "write the load balancer's CanonicalHostedZoneId",
        )
    return zone_id


def report_addresses(addresses: Sequence[str]) -> Sequence[str]:
    """Addresses for DMARC's reports that fit one record of any policy, and the record for reports on TLS."""
    characters = len(dmarc_value("quarantine", addresses))
    if characters > TXT_VALUE_CHARACTERS:
        raise RuleError(
            Fault(
                f"must make a TXT record of at most {TXT_VALUE_CHARACTERS:,} characters, makes {characters:,}",
                "name fewer addresses, such as one list of your own",
                silent=True,
            )
        )
    return addresses


def rule_set_name(value: str) -> str:
    """The name of a receipt rule set. Source: SES API reference, "CreateReceiptRuleSet"."""
    if not _RULE_SET_NAME.fullmatch(value):
        raise RuleError.one(
            "must be at most 64 of letters, digits, hyphen and underscore, starting and ending with a letter or digit",
            'use one such as "mail"',
        )
    return value
