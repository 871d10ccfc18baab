"""Servers of one zone that disagree: checks whether waiting helps, and whether both sides of the cut name the same servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from email_stack.dnscheck import server_remedies
from email_stack.dnscheck.directory import Answer, Directory, Zone
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Finding, Status, ZoneFinding

__all__ = ["compared", "differing_zones", "sides"]

_HALF: Final = 2**31


@dataclass(frozen=True, slots=True)
class _Version:
    """The version of a zone by its SOA record."""

    primary: str
    serial: int
    refresh: int
    retry: int

    def newer_than(self, other: _Version) -> bool:
        """Source: RFC 1982 3.2."""
        return 0 < (self.serial - other.serial) % (2 * _HALF) < _HALF


def sides(zone: Zone) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Servers that only the parent zone names, and servers that only the zone itself names; empty if unknown."""
    if not zone.named or not zone.own:
        return (), ()
    return (
        tuple(name for name in zone.named if name not in zone.own),
        tuple(name for name in zone.own if name not in zone.named),
    )


async def compared(finding: Finding, zone: Zone, directory: Directory) -> Finding:
    """A finding for which some servers are right and others not. It is pending only if a transfer is under way.

    No transfer is expected for these servers: those that only one side of the cut names; those with another primary server; and
    those with the same version as the others, or a newer one. A server has asked twice in vain if its older version stays for
    longer than its refresh and retry intervals together.

    Args:
        finding: of one record, with the servers behind.
        zone: that the servers serve.
        directory: asks for SOA records. Raises `ResolverError`.

    Source: RFC 1034 4.3.5; RFC 1035 3.3.13; RFC 1982 3.2; RFC 5936 2 for transfers between servers of one primary.
    """
    if finding.status is not Status.PENDING or not finding.behind:
        return finding
    named, own = sides(zone)
    for strays, by_parent in ((named, True), (own, False)):
        behind = [server for server in finding.behind if server in strays]
        if behind:
            fix = server_remedies.other_side(finding.record, zone.name, zone.parent, behind, named=by_parent)
            return replace(finding, status=Status.NOT_EVERYWHERE, fix=fix)
    answers = await directory.servers_say(zone, zone.name, "SOA")
    versions = {one.server.name: version for one in answers if (version := _version(one)) is not None}
    return _judged(finding, zone, versions, directory.serials)


def _judged(finding: Finding, zone: Zone, versions: Mapping[str, _Version], serials: Serials) -> Finding:
    """The finding, by the version of the zone that each server holds."""
    ahead = [version for server, version in versions.items() if server not in finding.behind]
    late = {server: versions[server] for server in finding.behind if server in versions}
    if not ahead or not late:
        return finding
    first = ahead[0]
    foreign = [server for server, version in late.items() if version.primary != first.primary]
    if foreign:
        primaries = (late[foreign[0]].primary, first.primary)
        fix = server_remedies.other_provider(finding.record, foreign, primaries)
        return replace(finding, status=Status.NOT_EVERYWHERE, fix=fix)
    stuck = [server for server, version in late.items() if not all(one.newer_than(version) for one in ahead)]
    if stuck:
        fix = server_remedies.other_version(finding.record, zone.name, stuck, (late[stuck[0]].serial, first.serial))
        return replace(finding, status=Status.NOT_EVERYWHERE, fix=fix)
    still = {server: serials.seconds_behind(zone.name, server, one.serial) for server, one in late.items()}
    idle = [server for server, seconds in still.items() if seconds > late[server].refresh + late[server].retry]
    if idle:
        fix = server_remedies.transfer_idle(finding.record, idle, late[idle[0]].serial, still[idle[0]])
        return replace(finding, status=Status.NOT_EVERYWHERE, fix=fix)
    version = next(iter(late.values()))
    fix = server_remedies.transfer_under_way(list(late), (version.serial, first.serial), version.refresh)
    return replace(finding, fix=fix)


def differing_zones(line: Sequence[Zone], findings: Sequence[Finding]) -> tuple[ZoneFinding, ...]:
    """The domains of the line whose two sides name different servers, each with a verdict.

    Args:
        line: zones from the root down. The root and top-level domains do not count, because registries manage them.
        findings: of the records in them; they have the servers with different answers.
    """
    behind = {server for finding in findings for server in finding.behind}
    found = []
    for zone in line:
        named, own = sides(zone)
        if not (named or own) or "." not in zone.name.strip("."):
            continue
        lame = set(survey(zone.apex).lame)
        fix = server_remedies.sides_differ(zone.name, zone.parent, named, own)
        harmful = {*named, *own} & (behind | lame)
        found.append(
            ZoneFinding(
                zone=zone.name,
                parent=zone.parent,
                named=named,
                own=own,
                status=Status.SERVERS_DIFFER if harmful else Status.OK,
                fix=fix if harmful else "",
                note="" if harmful else f"{fix.rstrip('.')}; they answer alike",
            )
        )
    return tuple(found)


def _version(answer: Answer) -> _Version | None:
    reply = answer.reply
    if reply is None or not reply.authoritative or len(reply.values) != 1:
        return None
    fields = reply.values[0].split()
    if len(fields) != 7:
        return None
    return _Version(fields[0].rstrip(".").lower(), int(fields[2]), int(fields[3]), int(fields[4]))
