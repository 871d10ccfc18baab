"""Findings on records at or below a name that the customer's zone delegates: one finding for the delegation. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Answer, Zone
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.model import Cut, Finding, Status

__all__ = ["below_a_cut"]


def below_a_cut(finding: Finding, zone: Zone, above: str, answers: Sequence[Answer]) -> Finding:
    """The finding on a record in `zone`, with the advice that fits a zone below the customer's.

    If no server answers there, the delegation is a leftover that hides the records above it. If one does, missing records belong
    there: above the cut they are invisible.

    Args:
        finding: finding on one record.
        zone: at or below the subdomain.
        above: the zone that delegates it.
        answers: answers of the servers of `zone`.

    Source: RFC 1034 4.2.1; RFC 2136 7.18.
    """
    servers = sorted({server.name for server in zone.servers})
    left = remedies.delegated_away(zone.name, servers, above)
    cut = Cut(name=zone.name, parent=above, servers=tuple(servers), served=False, fix=left)
    below = [answer for answer in answers if answer.server in zone.servers]
    if finding.status is not Status.OK and not survey(below).answered:
        return replace(finding, status=Status.DELEGATED_AWAY, fix=left, cut=cut)
    if finding.status is Status.MISSING and finding.found_at is None:
        cut = replace(cut, served=True, fix=remedies.at_the_cut(zone.name, servers, above))
        return replace(finding, fix=f"{finding.fix.removesuffix('.')}; {cut.fix}", cut=cut)
    return finding
