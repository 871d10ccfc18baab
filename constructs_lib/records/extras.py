"""Optional records, with which e-mail works better."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from constructs_lib.records.model import DnsRecord, Purpose, in_zone
from constructs_lib.records.values import inbound_host, mailto_uris
from mailroom.settings.claims import ownership_name

__all__ = [
    "CLOUDFRONT_HOSTED_ZONE_ID",
    "MtaSts",
    "PortalAlias",
    "mta_sts_policy",
    "mta_sts_records",
    "ownership_record",
    "portal_records",
    "report_authorization_records",
    "tls_reports_record",
    "tracking_record",
]

CLOUDFRONT_HOSTED_ZONE_ID: Final = "Z2FDTNDATAQYW2"
"""The zone id that an alias to any CloudFront distribution names. AWS general reference, "Amazon CloudFront endpoints"."""

_MTA_STS_ID_DIGITS: Final = 20
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class MtaSts:
    """MTA-STS policy: the TLS requirement for senders that support it.

    Args:
        policy_host: DNS name of the web server that answers as `mta-sts.<subdomain>`, with a certificate for that name.
        mode: "testing" reports failures; "enforce" makes senders refuse to deliver without TLS. Default: "testing".
        max_age_days: days for which senders cache the policy; 1 to 365. Default: 7.
    """

    policy_host: str
    mode: Literal["testing", "enforce"] = "testing"
    max_age_days: int = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalAlias:
    """Alias of the subdomain itself, for a web portal.

    Args:
        target: DNS name of a CloudFront distribution or a load balancer.
        hosted_zone_id: the target's own zone id. Default: CloudFront's.
        ipv6: also write the AAAA alias. Default: True.
    """

    target: str
    hosted_zone_id: str = CLOUDFRONT_HOSTED_ZONE_ID
    ipv6: bool = True


def mta_sts_policy(mta_sts: MtaSts, *, region: str) -> str:
    """The file that `https://mta-sts.<subdomain>/.well-known/mta-sts.txt` must serve. Source: RFC 8461 3.2."""
    lines = [
        "version: STSv1",
        f"mode: {mta_sts.mode}",
        f"mx: {inbound_host(region)}",
        f"max_age: {mta_sts.max_age_days * _DAY_SECONDS}",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def mta_sts_records(*, subdomain: str, region: str, mta_sts: MtaSts) -> list[DnsRecord]:
    """The TXT with the policy's id, which is a digest of the policy, and the CNAME of the policy's host. RFC 8461 3.1."""
    digest = hashlib.sha256(mta_sts_policy(mta_sts, region=region).encode()).hexdigest()[:_MTA_STS_ID_DIGITS]
    return [
        DnsRecord(
            name=f"_mta-sts.{subdomain}",
            type="TXT",
            values=(f"v=STSv1; id={digest};",),
            purpose=Purpose.MTA_STS,
            required=False,
        ),
        DnsRecord(
            name=f"mta-sts.{subdomain}",
            type="CNAME",
            values=(mta_sts.policy_host,),
            purpose=Purpose.MTA_STS,
            required=False,
        ),
    ]


def tls_reports_record(*, subdomain: str, addresses: Sequence[str]) -> DnsRecord:
    """The TXT that asks senders for reports on failed TLS. Source: RFC 8460 3."""
    value = f"v=TLSRPTv1; rua={mailto_uris(addresses)}"
    return DnsRecord(
        name=f"_smtp._tls.{subdomain}", type="TXT", values=(value,), purpose=Purpose.TLS_REPORTS, required=False
    )


def tracking_record(*, redirect_domain: str, region: str) -> DnsRecord:
    """The CNAME of the image for opens. For https links it would need a CDN.

    Source: SES developer guide, "Configuring custom domains to handle open and click".
    """
    target = f"r.{region}.awstrack.me"
    return DnsRecord(name=redirect_domain, type="CNAME", values=(target,), purpose=Purpose.TRACKING, required=False)


def report_authorization_records(*, subdomain: str, dmarc_rua: Sequence[str]) -> tuple[DnsRecord, ...]:
    """One TXT for each domain outside `subdomain` that receives its reports, in that domain's own zone.

    Without it, receivers send no report to another organisation's address. DNS decides whether two domains belong to one
    organisation (RFC 9989 4.10), or the public suffix list for receivers of RFC 7489. So every domain outside the subdomain is
    listed.

    Source: RFC 9990 4.
    """
    domains = dict.fromkeys(address.rpartition("@")[2].lower() for address in dmarc_rua)
    return tuple(
        DnsRecord(
            name=f"{subdomain}._report._dmarc.{domain}",
            type="TXT",
            values=("v=DMARC1",),
            purpose=Purpose.DMARC_REPORTS,
            required=False,
        )
        for domain in domains
        if not in_zone(domain, subdomain)
    )


def ownership_record(*, subdomain: str, token: str) -> DnsRecord:
    """The TXT that proves the subdomain's owner to the settings API."""
    return DnsRecord(
        name=ownership_name(subdomain), type="TXT", values=(token,), purpose=Purpose.OWNERSHIP, required=False
    )


def portal_records(*, subdomain: str, portal: PortalAlias) -> tuple[DnsRecord, ...]:
    """The alias records at the subdomain itself, beside its MX and TXT: A and, with `portal.ipv6`, AAAA."""
    kinds: tuple[Literal["A", "AAAA"], ...] = ("A", "AAAA") if portal.ipv6 else ("A",)
    return tuple(
        DnsRecord(
            name=subdomain,
            type=kind,
            values=(portal.target,),
            purpose=Purpose.PORTAL,
            required=False,
            alias_zone_id=portal.hosted_zone_id,
        )
        for kind in kinds
    )
