"""The verdict on a delegation: what the parent's servers name, against what the zone's servers are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from constructs_lib.records import DnsRecord
from email_stack.dnscheck import advice
from email_stack.dnscheck.directory import Answer
from email_stack.dnscheck.findings import Resolved, find, observe, survey
from email_stack.dnscheck.model import Finding, Status
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.verdicts import Judgement

__all__ = ["Delegation", "delegated_servers", "find_delegation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """What was asked about one delegation.

    Args:
        record: the NS record set that was handed over.
        parent: name of the zone above.
        above: what the parent's servers say of the subdomain's NS.
        below: what every server that was handed over, or is named by the parent, says of it.
        resolved: what the resolver says of it.
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


def delegated_servers(reply: Reply) -> tuple[str, ...]:
    """The name servers in a parent's answer: of its referral, or of the zone itself when it serves both."""
    return reply.referral_servers or reply.values


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


def _of_the_servers(delegation: Delegation, finding: Finding) -> Finding:
    """The parent is right: what do the zone's own servers say?"""
    record = delegation.record
    expected = set(record.values)
    servers = survey([answer for answer in delegation.below if answer.server.name in expected])
    seen = (*finding.seen[:-1], *observe(delegation.below, delegation.resolved, lambda reply: reply.values))
    if servers.lame:
        return replace(finding, status=Status.LAME, fix=advice.lame(record.name, servers.lame), seen=seen)
    if not servers.answered:
        fix = advice.unreachable(record.name, servers.silent)
        return replace(finding, status=Status.UNREACHABLE, fix=fix, seen=seen)
    others = next((reply.values for _, reply in servers.answered if set(reply.values) != expected), None)
    if others is not None:
        return replace(finding, status=Status.WRONG, fix=advice.zone_names_others(record, others), seen=seen)
    if delegation.announced and not delegation.signed:
        fix = advice.ds_without_key(record.name, delegation.parent)
        return replace(finding, status=Status.DNSSEC_BOGUS, fix=fix, seen=seen)
    if servers.silent:
        note = "; ".join(filter(None, [finding.note, advice.silent(servers.silent)]))
        return replace(finding, note=note, seen=seen)
    return finding


def _judge(delegation: Delegation, reply: Reply) -> Judgement:
    record, parent = delegation.record, delegation.parent
    seen = set(delegated_servers(reply))
    expected = set(record.values)
    if reply.alias:
        return Judgement(Status.CNAME_CONFLICT, advice.cname_conflict(record, reply.alias, parent))
    if not seen:
        return Judgement(Status.DELEGATION_MISSING, advice.delegation_missing(record, parent))
    if not seen & expected:
        return Judgement(Status.WRONG, advice.delegated_elsewhere(record, sorted(seen), parent))
    if expected - seen:
        return Judgement(Status.DELEGATION_PARTIAL, advice.delegation_partial(record, sorted(expected - seen), parent))
    if seen - expected:
        others = sorted(seen - expected)
        good = {name for name, _ in survey(delegation.below).answered}
        # Named and serving the zone is one too many; named and not serving it makes mail fail now and then.
        status = Status.EXTRA if good >= set(others) else Status.LAME
        return Judgement(status, advice.delegation_extra(record, others, parent))
    return Judgement(Status.OK)
