"""Names of web servers that need no CNAME: the MTA-STS policy's host, and the tracking domain behind a CDN."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from constructs_lib.records import DnsRecord, Purpose, in_zone
from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Directory, Zone
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.model import Finding, Status
from email_stack.dnscheck.spf import SpfDnsError

__all__ = ["served_otherwise"]

_CDN: Final = "cloudfront.net"
_LABEL: Final = "no-such-name"
_OTHERWISE: Final = {Status.MISSING, Status.WRONG, Status.CNAME_CONFLICT}


async def served_otherwise(finding: Finding, zone: Zone, directory: Directory) -> Finding:
    """The finding on the CNAME of a web server's name, or OK if the name leads to a server in another way.

    Clients of the MTA-STS policy need only addresses of the name. A tracking domain may be behind a CDN, which then has the
    certificate for https links: by an alias to its addresses, or by a CNAME to CloudFront.

    Args:
        finding: of one record.
        zone: that holds it.
        directory: asks. Raises `ResolverError`.

    Source: RFC 8461 3.3; SES developer guide, "Configuring custom domains to handle open and click".
    """
    record = finding.record
    host = record.type == "CNAME" and record.purpose in {Purpose.MTA_STS, Purpose.TRACKING}
    if not host or finding.status not in _OTHERWISE:
        return finding
    beside = f"{_LABEL}.{record.name.partition('.')[2]}"
    found = survey(await directory.authoritative(zone, record.name, "A")).answered
    others = survey(await directory.authoritative(zone, beside, "A")).answered
    ways = {reply.chain or reply.values for _, reply in found}
    if not found or () in ways or ways & {reply.chain or reply.values for _, reply in others}:
        # No record, or one of a wildcard.
        return finding
    behind_cdn = any(in_zone(name, _CDN) for _, reply in found for name in reply.chain)
    alias = any(reply.chain for _, reply in found)
    if behind_cdn or (await _has_addresses(record, directory) and (record.purpose is Purpose.MTA_STS or not alias)):
        way = ", ".join(sorted({name for way in ways for name in way})[:3])
        return replace(finding, status=Status.OK, fix="", note=remedies.serves_as_well([way]))
    return finding


async def _has_addresses(record: DnsRecord, directory: Directory) -> bool:
    try:
        return bool(await directory.addresses(record.name))
    except SpfDnsError:
        return False
