"""The records that e-mail needs: the eight of a subdomain, or the one that delegates it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from constructs_lib.records.extras import MtaSts, mta_sts_records, tls_reports_record, tracking_record
from constructs_lib.records.model import DnsRecord, Purpose
from constructs_lib.records.values import inbound_host, mailto_uris

__all__ = ["SES_SPF", "DkimToken", "Dmarc", "DmarcPolicy", "delegation_record", "dmarc_value", "email_records"]

DmarcPolicy = Literal["none", "quarantine", "reject"]

DELEGATION_TTL_SECONDS: Final = 3600

SES_SPF: Final = "v=spf1 include:amazonses.com ~all"
"""It takes 1 of the 10 look-ups of RFC 7208 4.6.4. SES developer guide, "Authenticating email with SPF"."""

MX_PREFERENCE: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimToken:
    """One Easy DKIM CNAME as SES returns it. The suffix of `target` varies by region, so no code here builds it."""

    name: str
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dmarc:
    """DMARC policy: the request to receivers for mail that fails authentication.

    Args:
        policy: Default: "quarantine".
        rua: addresses for aggregate reports and TLS reports. Default: none.
    """

    policy: DmarcPolicy = "quarantine"
    rua: Sequence[str] = ()


def email_records(
    *,
    subdomain: str,
    region: str,
    mail_from: str,
    dkim: Sequence[DkimToken],
    dmarc: Dmarc,
    redirect_domain: str | None = None,
    mta_sts: MtaSts | None = None,
) -> tuple[DnsRecord, ...]:
    """The eight records that make e-mail work on `subdomain`: 3 CNAME, 2 MX, 3 TXT (2 SPF, 1 DMARC), in that order.

    Optional records follow: with `redirect_domain`, the CNAME of the tracking domain; with
    `dmarc.rua`, the TXT that asks for reports on TLS too, to the same addresses; with `mta_sts`, its TXT and CNAME.

    Args:
        subdomain: the tenant's subdomain, A-labels, no trailing dot.
        region: AWS region of the identity and of the receipt rules.
        mail_from: the label in front of `subdomain` that makes the MAIL FROM domain.
        dkim: the identity's three DKIM tokens.
        dmarc: policy for mail that fails authentication, and addresses for reports.
        redirect_domain: absolute name of the tracking domain. Default: SES's own.
        mta_sts: TLS policy for sending servers. Default: None.

    Raises:
        ValueError: `dkim` does not hold three tokens.

    Source: SES developer guide, "Easy DKIM", "Publishing an MX record for email receiving", "Custom MAIL FROM domain";
    RFC 7208 (SPF), RFC 9989 (DMARC).
    """
    if len(dkim) != 3:
        raise ValueError(f"dkim: {subdomain}: must be the three tokens that SES returns, got {len(dkim)}")
    mail_from_domain = f"{mail_from}.{subdomain}"
    records = [DnsRecord(name=t.name, type="CNAME", values=(t.target,), purpose=Purpose.DKIM) for t in dkim]
    records += [
        _mx(subdomain, inbound_host(region), Purpose.INBOUND),
        _mx(mail_from_domain, f"feedback-smtp.{region}.amazonses.com", Purpose.MAIL_FROM),
        _txt(subdomain, SES_SPF, Purpose.SPF),
        _txt(mail_from_domain, SES_SPF, Purpose.SPF),
        _txt(f"_dmarc.{subdomain}", dmarc_value(dmarc.policy, dmarc.rua), Purpose.DMARC),
    ]
    if redirect_domain is not None:
        records.append(tracking_record(redirect_domain=redirect_domain, region=region))
    if dmarc.rua:
        records.append(tls_reports_record(subdomain=subdomain, addresses=dmarc.rua))
    if mta_sts is not None:
        records += mta_sts_records(subdomain=subdomain, region=region, mta_sts=mta_sts)
    return tuple(records)


def delegation_record(*, subdomain: str, name_servers: Iterable[str]) -> DnsRecord:
    """The NS record set with which the parent zone delegates `subdomain`."""
    return DnsRecord(
        name=subdomain,
        type="NS",
        values=tuple(name_servers),
        purpose=Purpose.DELEGATION,
        ttl_seconds=DELEGATION_TTL_SECONDS,
    )


def dmarc_value(policy: DmarcPolicy, rua: Sequence[str]) -> str:
    """The DMARC policy as one TXT value. Alignment stays relaxed, because `mail.<subdomain>` needs that for SPF.

    Source: RFC 9989 4.7.
    """
    tags = ["v=DMARC1", f"p={policy}"]
    if rua:
        tags.append(f"rua={mailto_uris(rua)}")
    return "; ".join(tags)


def _mx(name: str, host: str, purpose: Purpose) -> DnsRecord:
    return DnsRecord(name=name, type="MX", values=(f"{MX_PREFERENCE} {host}",), purpose=purpose)


def _txt(name: str, value: str, purpose: Purpose) -> DnsRecord:
    return DnsRecord(name=name, type="TXT", values=(value,), purpose=purpose)
