"""Searches a missing record at neighbouring names, and reports many records at one wrong place together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from constructs_lib.records import DnsRecord, Purpose, in_zone
from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Answer, Directory, Zone, delegated_servers
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.model import Finding, Place, Status
from email_stack.dnscheck.neighbours import Neighbour, neighbours, probe, stands_for
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.transport import NoAnswerError

__all__ = ["Found", "find_misplaced", "reached_together", "say_where"]

SAID_ONCE_FROM: Final = 4
"""Least number of records at one wrong place that are reported as one mistake."""

SERVERS_ASKED: Final = 3

_CNAME: Final = "CNAME "
_MISSING: Final = {Status.MISSING, Status.DELEGATION_MISSING}


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the neighbour with its record; None if it is not missing, or was not found."""

    finding: Finding
    neighbour: Neighbour | None = None


async def find_misplaced(  # noqa: PLR0917 - what was found, and where to look
    finding: Finding,
    answers: Sequence[Answer],
    expected: Sequence[DnsRecord],
    subdomain: str,
    zone: Zone,
    directory: Directory,
) -> Found:
    """The finding with the neighbour that has its record, by questions to a few servers. Raises `ResolverError`.

    Args:
        finding: of one record; it is returned unchanged if the record is not missing.
        answers: of the servers of `zone`; the first three that answered are asked, as each may have other data.
        expected: the subdomain's records, which are at their right places.
        subdomain: the record's subdomain.
        zone: the record's zone.
        directory: asks. Names outside the zone are asked of the resolver.
    """
    record = finding.record
    alive = [one.server for one in answers if one.reply is not None and not survey([one]).lame]
    if finding.status not in _MISSING or not alive:
        return Found(finding)
    asked = Zone(zone.name, tuple(alive[:SERVERS_ASKED]))
    own = {Place(one.name, one.type) for one in expected if one.values == record.values}
    likely = [one for one in neighbours(record, subdomain=subdomain, zone=zone.name) if one.place not in own]
    said = await asyncio.gather(*(_values(one.place, asked, directory) for one in likely))
    for neighbour, values in zip(likely, said, strict=True):
        if not stands_for(record, neighbour, values):
            continue
        beside = probe(neighbour)
        if beside is None or set(await _values(beside, asked, directory)) != set(values):
            return Found(finding, neighbour)
    return Found(finding)


def say_where(found: Sequence[Found], subdomain: str, zone: str) -> list[Finding]:
    """The findings, with the advice to move records that were found elsewhere.

    A domain above may have the same DMARC policy of its own: the record is the subdomain's only if keys of the subdomain are at
    that domain, too.
    """
    groups: dict[str, int] = defaultdict(int)
    keys = {one.neighbour.base for one in found if one.neighbour and one.finding.record.purpose is Purpose.DKIM}
    for one in found:
        if one.neighbour is not None and _meant(one.neighbour, one.finding, keys):
            groups[one.neighbour.base] += 1
    findings = []
    for one in found:
        neighbour, finding = one.neighbour, one.finding
        if neighbour is None or not _meant(neighbour, finding, keys):
            findings.append(finding)
            continue
        base, unless = neighbour.base, neighbour.shared and neighbour.base not in keys
        if base != subdomain and groups[base] >= SAID_ONCE_FROM and not unless:
            fix = remedies.all_elsewhere(groups[base], base, subdomain, zone)
        else:
            fix = remedies.found_elsewhere(finding.record, neighbour.place, zone, unless_needed=unless)
        findings.append(replace(finding, fix=fix, found_at=neighbour.place))
    return findings


def reached_together(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, without the advice to remove a CNAME that another record of the name needs."""
    serving = {one.record.name: one.via for one in findings if one.status is Status.OK and one.via}
    reached = []
    for finding in findings:
        links = [term for term in serving.get(finding.record.name, ()) if term.startswith(_CNAME)]
        if finding.status is Status.CNAME_CONFLICT and links:
            fix = remedies.cname_lacks(finding.record, links[-1].removeprefix(_CNAME))
            reached.append(replace(finding, status=Status.MISSING, fix=fix, via=tuple(links)))
        else:
            reached.append(finding)
    return reached


def _meant(neighbour: Neighbour, finding: Finding, keys: set[str]) -> bool:
    return not neighbour.shared or finding.record.purpose is not Purpose.DMARC or neighbour.base in keys


async def _values(place: Place, zone: Zone, directory: Directory) -> tuple[str, ...]:
    """Values at the place itself, at any server; none for a CNAME, and without an answer."""
    if in_zone(place.name, zone.name) or zone.name == ".":
        said = await asyncio.gather(
            *(directory.one_says(zone, server, place.name, place.type) for server in zone.servers)
        )
        replies = [answer.reply for answer in said]
    else:
        try:
            replies = [await directory.recursive(place.name, place.type)]
        except NoAnswerError:
            return ()
    return tuple(dict.fromkeys(value for reply in replies for value in _own_values(reply, place)))


def _own_values(reply: Reply | None, place: Place) -> tuple[str, ...]:
    if reply is None or reply.chain:
        return ()
    if place.type == "NS":
        return delegated_servers(reply) if reply.referral in {"", place.name} else ()
    return reply.values
