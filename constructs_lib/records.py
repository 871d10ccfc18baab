"""The DNS records of a tenant's subdomain: described here once, and nowhere else.

The hosted zone, the stack's outputs and every file handed to a customer are made from these values. Pure: no CDK, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from urllib.parse import quote

__all__ = [
    "CLOUDFRONT_HOSTED_ZONE_ID",
    "DEFAULT_TTL_SECONDS",
    "DkimToken",
    "DmarcPolicy",
    "DnsRecord",
    "Purpose",
    "delegation_record",
    "dmarc_value",
    "email_records",
    "txt_rdata",
    "zone_file_line",
]

RecordType = Literal["CNAME", "MX", "NS", "TXT"]
DmarcPolicy = Literal["none", "quarantine", "reject"]

DEFAULT_TTL_SECONDS: Final = 3600
"""One hour: a mistake is undone within the hour, and resolvers still cache what seldom changes."""

DELEGATION_TTL_SECONDS: Final = 3600

SES_SPF: Final = "v=spf1 include:amazonses.com ~all"
"""Spends 1 of the 10 look-ups of RFC 7208 4.6.4. SES developer guide, "Authenticating email with SPF"."""

CLOUDFRONT_HOSTED_ZONE_ID: Final = "Z2FDTNDATAQYW2"
"""The zone id that an alias to any CloudFront distribution names. AWS general reference, "Amazon CloudFront endpoints"."""

MX_PREFERENCE: Final = 10
TXT_STRING_OCTETS: Final = 255
TXT_VALUE_CHARACTERS: Final = 4000


class Purpose(StrEnum):
    """What a record is for; the word a customer reads beside it."""

    DELEGATION = "delegation"
    DKIM = "dkim"
    DMARC = "dmarc"
    INBOUND = "inbound"
    MAIL_FROM = "mail-from"
    SPF = "spf"
    TRACKING = "tracking"


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsRecord:
    """One resource record set.

    Args:
        name: absolute name, without the trailing dot.
        type: record type.
        values: one logical value a record; TXT unquoted and unsplit, MX as "preference host".
        purpose: what it is for.
        ttl_seconds: time to live. Default: one hour.
        required: False for what the e-mail service works without. Default: True.
    """

    name: str
    type: RecordType
    values: tuple[str, ...]
    purpose: Purpose
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    required: bool = True

    def rdata(self) -> tuple[str, ...]:
        """The values as a zone file and Route 53 write them: TXT quoted and split, the rest as they are."""
        return tuple(txt_rdata(value) for value in self.values) if self.type == "TXT" else self.values


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimToken:
    """One Easy DKIM CNAME exactly as SES returns it: the suffix of `target` varies by region, so it is never built here."""

    name: str
    target: str


def email_records(
    *,
    subdomain: str,
    region: str,
    mail_from_label: str,
    dkim: Sequence[DkimToken],
    dmarc_policy: DmarcPolicy,
    dmarc_rua: Sequence[str],
    redirect_domain: str | None = None,
) -> tuple[DnsRecord, ...]:
    """The eight records that make e-mail work on `subdomain`: 3 CNAME, 2 MX, 3 TXT (2 SPF, 1 DMARC), in that order.

    With `redirect_domain`, a ninth that is not required: the CNAME of the domain that tracked links show.

    Args:
        subdomain: the tenant's subdomain, A-labels, no trailing dot.
        region: AWS region of the identity and of the receipt rules.
        mail_from_label: the label in front of `subdomain` that makes the MAIL FROM domain.
        dkim: the identity's three DKIM tokens.
        dmarc_policy: what receivers are asked to do with mail that fails.
        dmarc_rua: addresses for aggregate reports; may be empty.
        redirect_domain: absolute name of the tracking domain. Default: SES's own.

    Raises:
        ValueError: `dkim` does not hold three tokens.

    Source: SES developer guide, "Easy DKIM", "Publishing an MX record for email receiving", "Custom MAIL FROM domain";
    RFC 7208 (SPF), RFC 7489 (DMARC).
    """
    if len(dkim) != 3:
        raise ValueError(f"dkim: {subdomain}: must be the three tokens that SES returns, got {len(dkim)}")
    mail_from = f"{mail_from_label}.{subdomain}"
    records = [DnsRecord(name=t.name, type="CNAME", values=(t.target,), purpose=Purpose.DKIM) for t in dkim]
    records += [
        _mx(subdomain, f"inbound-smtp.{region}.amazonaws.com", Purpose.INBOUND),
        _mx(mail_from, f"feedback-smtp.{region}.amazonses.com", Purpose.MAIL_FROM),
        _txt(subdomain, SES_SPF, Purpose.SPF),
        _txt(mail_from, SES_SPF, Purpose.SPF),
        _txt(f"_dmarc.{subdomain}", dmarc_value(dmarc_policy, dmarc_rua), Purpose.DMARC),
    ]
    if redirect_domain is not None:
        target = f"r.{region}.awstrack.me"
        records.append(
            DnsRecord(name=redirect_domain, type="CNAME", values=(target,), purpose=Purpose.TRACKING, required=False)
        )
    return tuple(records)


def delegation_record(*, subdomain: str, name_servers: Iterable[str]) -> DnsRecord:
    """The NS record set that the parent zone needs to hand `subdomain` over."""
    return DnsRecord(
        name=subdomain,
        type="NS",
        values=tuple(name_servers),
        purpose=Purpose.DELEGATION,
        ttl_seconds=DELEGATION_TTL_SECONDS,
    )


def dmarc_value(policy: DmarcPolicy, rua: Sequence[str]) -> str:
    """The DMARC policy as one TXT value; alignment stays relaxed, which `mail.<subdomain>` needs for SPF.

    Source: RFC 7489 6.3 for the tags, 6.2 for `,` and `!`, which must be percent-encoded in a reporting URI.
    """
    tags = ["v=DMARC1", f"p={policy}"]
    if rua:
        tags.append("rua=" + ",".join("mailto:" + quote(address, safe="@+=/$&'*~_.-") for address in rua))
    return "; ".join(tags)


def txt_rdata(value: str) -> str:
    """One TXT value as quoted character-strings of at most 255 octets each.

    Raises:
        ValueError: a character that is not printable ASCII, or over 4,000 characters.

    Source: RFC 1035 3.3.14 and 5.1; Route 53 developer guide, "TXT record type".
    """
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"txt: value must be printable ASCII, got {value!r}")
    if len(value) > TXT_VALUE_CHARACTERS:
        raise ValueError(f"txt: value must be at most {TXT_VALUE_CHARACTERS} characters, got {len(value)}")
    chunks = [value[start : start + TXT_STRING_OCTETS] for start in range(0, len(value), TXT_STRING_OCTETS)] or [""]
    return " ".join('"' + chunk.replace("\\", "\\\\").replace('"', '\\"') + '"' for chunk in chunks)


def zone_file_line(record: DnsRecord) -> str:
    """The record set in zone-file form, one line a value: `name. ttl IN type rdata`. Source: RFC 1035 5.1."""
    return "\n".join(
        f"{record.name}. {record.ttl_seconds} IN {record.type} {_absolute(record.type, data)}"
        for data in record.rdata()
    )


def _absolute(record_type: RecordType, data: str) -> str:
    return data if record_type == "TXT" or data.endswith(".") else f"{data}."


def _mx(name: str, host: str, purpose: Purpose) -> DnsRecord:
    return DnsRecord(name=name, type="MX", values=(f"{MX_PREFERENCE} {host}",), purpose=purpose)


def _txt(name: str, value: str, purpose: Purpose) -> DnsRecord:
    return DnsRecord(name=name, type="TXT", values=(value,), purpose=purpose)
