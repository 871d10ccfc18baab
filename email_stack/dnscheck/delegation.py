"""The verdict on a delegation: the parent's name servers against the zone's own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from constructs_lib.records import DnsRecord
from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Answer, Zone, delegated_servers
from email_stack.dnscheck.findings import Resolved, find, observe, survey
from email_stack.dnscheck.model import Finding, Observation, Place, Status
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.verdicts import Judgement

__all__ = ["Delegation", "at_wrong_level", "find_delegation"]


_NOT_DELEGATED: Final = {
    Status.DELEGATION_MISSING,
    Status.DELEGATION_PARTIAL,
    Status.DOUBLED_NAME,
    Status.WRONG,
    Status.CNAME_CONFLICT,
}
"""Verdicts whose remedy is to enter or mend the delegation itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """The answers about one delegation.

    Args:
        record: the NS record set of the setup instructions.
        parent: name of the zone above.
        above: the parent's servers' answers on the subdomain's NS.
        below: answers of every server in the setup instructions or in the parent.
        resolved: the resolver's answer.
        announced: whether the parent, itself signed, holds a DS record of the subdomain.
        signed: whether the zone holds a DNSKEY.
    """

    record: DnsRecord
    parent: str
    above: Sequence[Answer]
    below: Sequence[Answer]
    resolved: Resolved
    announced: bool
    signed: bool


def find_delegation(delegation: Delegation) -> Finding:
    """The verdict on the NS record set of the parent, then on the servers that it names.

    Source: RFC 1034 4.2.2 (both sides of a cut must agree); RFC 1912 2.8 (lame delegation); RFC 4035 2.4 (DS).
    """
    record, parent = delegation.record, delegation.parent
    finding = find(
        record,
        zone=parent,
        answers=delegation.above,
        resolved=delegation.resolved,
        judge=lambda reply: _judge(delegation, reply),
        seen=observe(delegation.above, delegation.resolved, delegated_servers),
    )
    if finding.status not in {Status.OK, Status.PENDING, Status.DNSSEC_BOGUS}:
        return finding
    return _of_the_servers(delegation, finding)


def at_wrong_level(finding: Finding, above: Sequence[Zone]) -> Finding:
    """The finding on a delegation, or the fault that its servers are named for a zone above, which they do not serve.

    Resolvers that use them cannot reach that zone: website and mail of the whole domain, not only of the subdomain.

    Args:
        finding: of the NS record set in the setup instructions.
        above: the zones above it, from the root down.
    """
    record = finding.record
    expected = set(record.values)
    for zone in reversed(above):
        serving = {server.name for server in zone.serving}
        stray = [name for name in record.values if name in {*zone.named, *zone.own} and name not in serving]
        if not stray:
            continue
        named, own = (sorted(set(names) & expected - serving) for names in (zone.named, zone.own))
        others = sorted({*zone.named, *zone.own} - expected)
        fix = remedies.wrong_level(record, zone.name, zone.parent, named=named, own=own, others=others)
        if finding.status in _NOT_DELEGATED:
            fix = f"{fix} {finding.fix}"
        seen = (
            *(
                Observation(server=one.server.name, address=one.server.address, values=delegated_servers(one.reply))
                for one in (*zone.delegation, *zone.apex)
                if one.reply is not None and set(delegated_servers(one.reply)) & expected
            ),
            *finding.seen,
        )
        return replace(finding, status=Status.WRONG_LEVEL, fix=fix, seen=seen, found_at=Place(zone.name, "NS"))
    return finding


def _of_the_servers(delegation: Delegation, finding: Finding) -> Finding:
    """The finding by the zone's own servers, if the parent is right."""
    record = delegation.record
    expected = set(record.values)
    servers = survey([answer for answer in delegation.below if answer.server.name in expected])
    seen = (*finding.seen[:-1], *observe(delegation.below, delegation.resolved, lambda reply: reply.values))
    if servers.lame:
        return replace(finding, status=Status.LAME, fix=remedies.lame(record.name, servers.lame), seen=seen)
    if not servers.answered:
        fix = remedies.unreachable(record.name, servers.silent)
        return replace(finding, status=Status.UNREACHABLE, fix=fix, seen=seen)
    others = next((reply.values for _, reply in servers.answered if set(reply.values) != expected), None)
    if others is not None:
        return replace(finding, status=Status.WRONG, fix=remedies.zone_names_others(record, others), seen=seen)
    if delegation.announced and not delegation.signed:
        fix = remedies.ds_without_key(record.name, delegation.parent)
        return replace(finding, status=Status.DNSSEC_BOGUS, fix=fix, seen=seen)
    if servers.silent:
        note = "; ".join(filter(None, [finding.note, remedies.silent(servers.silent)]))
        return replace(finding, note=note, seen=seen)
    return finding


def _judge(delegation: Delegation, reply: Reply) -> Judgement:
    record, parent = delegation.record, delegation.parent
    seen = set(delegated_servers(reply))
    expected = set(record.values)
    if reply.alias:
        return Judgement(Status.CNAME_CONFLICT, remedies.cname_conflict(record, reply.alias, parent))
    if not seen:
        return Judgement(Status.DELEGATION_MISSING, remedies.delegation_missing(record, parent))
    if not seen & expected:
        return Judgement(Status.WRONG, remedies.delegated_elsewhere(record, sorted(seen), parent))
    if expected - seen:
        return Judgement(
            Status.DELEGATION_PARTIAL, remedies.delegation_partial(record, sorted(expected - seen), parent)
        )
    if seen - expected:
        others = sorted(seen - expected)
        good = {name for name, _ in survey(delegation.below).answered}
        # An extra server that serves the zone is superfluous; one that does not serve it makes mail fail now and then.
        status = Status.EXTRA if good >= set(others) else Status.LAME
        return Judgement(status, remedies.delegation_extra(record, others, parent))
    return Judgement(Status.OK)
