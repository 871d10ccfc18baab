"""Checks subdomains: asks every server of every record, and the resolver, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from constructs_lib.records import DnsRecord, Purpose, in_zone
from email_stack.dnscheck import remedies
from email_stack.dnscheck.cuts import below_a_cut
from email_stack.dnscheck.delegation import Delegation, at_wrong_level, find_delegation
from email_stack.dnscheck.directory import Answer, Directory, ResolverError, Zone, delegated_servers
from email_stack.dnscheck.disagreement import compared, differing_zones
from email_stack.dnscheck.findings import Resolved, find, observe, survey
from email_stack.dnscheck.following import follow, follow_resolver, type_beside
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.hosts import served_otherwise
from email_stack.dnscheck.misplaced import Found, find_misplaced, reached_together, say_where
from email_stack.dnscheck.model import Endpoint, Finding, Report, Status, Subject, ZoneFinding
from email_stack.dnscheck.policy_walk import governing_policy
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.spf_verdict import JudgedSpf, evaluate_spf
from email_stack.dnscheck.transport import Network, NoAnswerError
from email_stack.dnscheck.verdicts import judge, spf_texts
from email_stack.dnscheck.wildcards import without_wildcard

__all__ = ["check_subdomain", "check_subdomains", "system_resolvers"]

_WITHOUT_POLICY: Final = {Status.MISSING, Status.DOUBLED_NAME, Status.CNAME_CONFLICT}
"""Verdicts on a DMARC record that mean that receivers find none."""

AT_ONCE: Final = 60
"""Subdomains under check at once: enough for a cell's tenants, without flooding a server."""


def system_resolvers() -> tuple[Endpoint, ...]:
    """The resolvers that this machine uses.

    Raises:
        ValueError: the machine has none.
    """
    import dns.resolver  # noqa: PLC0415 - it loads an HTTP client, too, which takes longer than a check

    try:
        configured = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration as error:
        raise ValueError("resolver: this machine's configuration names none; give one, such as 192.0.2.53") from error
    return tuple(Endpoint(str(address), configured.port) for address in configured.nameservers)


def check_subdomains(
    subjects: Sequence[Subject],
    *,
    resolver: Endpoint | None = None,
    port: int = 53,
    serials: Serials | None = None,
) -> tuple[Report, ...]:
    """One report a subject, in their order.

    Args:
        subjects: 60 are under check at once.
        resolver: recursive server to start from and to compare with. Default: the machine's, the first that answers.
        port: of authoritative servers; another one is for tests. Default: 53.
        serials: results of earlier checks of the same subjects, for repeated checks. Default: none.

    Raises:
        ValueError: no resolver is given or configured.
    """
    resolvers = (resolver,) if resolver is not None else system_resolvers()
    return asyncio.run(_check_all(subjects, resolvers, port, serials))


async def check_subdomain(subject: Subject, network: Network, resolvers: Sequence[Endpoint], port: int = 53) -> Report:
    """The report of one subdomain, by a network of the caller's.

    Args:
        subject: to check.
        network: an open network, which asks.
        resolvers: recursive servers, of which the first that answers is used.
        port: as above.
    """
    return await _check(subject, Directory(network, resolvers, port))


async def _check_all(
    subjects: Sequence[Subject], resolvers: Sequence[Endpoint], port: int, serials: Serials | None
) -> tuple[Report, ...]:
    turn = asyncio.Semaphore(AT_ONCE)
    async with Network() as network:
        directory = Directory(network, resolvers, port, serials)

        async def one(subject: Subject) -> Report:
            async with turn:
                return await _check(subject, directory)

        return tuple(await asyncio.gather(*map(one, subjects)))


async def _check(subject: Subject, directory: Directory) -> Report:
    try:
        home = await _home(subject, directory)
        found = await asyncio.gather(*(_finding(record, subject, home, directory) for record in subject.records))
        findings = await _together(found, subject, home, directory)
        zones = await _zones(subject, findings, directory)
    except ResolverError as error:
        fix = remedies.no_resolver(str(error))
        findings = [Finding(record=record, status=Status.UNREACHABLE, fix=fix) for record in subject.records]
        zones = ()
    return Report(subdomain=subject.subdomain, findings=tuple(findings), ses=subject.ses, zones=zones)


async def _zones(subject: Subject, findings: Sequence[Finding], directory: Directory) -> tuple[ZoneFinding, ...]:
    """Zones above whose own servers differ from those in their parent; not if ours are among them, which has a finding."""
    if any(finding.status is Status.WRONG_LEVEL for finding in findings):
        return ()
    try:
        line = await directory.line(subject.subdomain)
    except NoAnswerError:
        return ()
    own = [zone for zone in line if zone.name != subject.subdomain or not _is_delegated(subject)]
    return differing_zones(own, findings)


def _is_delegated(subject: Subject) -> bool:
    return any(record.purpose is Purpose.DELEGATION for record in subject.records)


async def _home(subject: Subject, directory: Directory) -> Zone | NoAnswerError:
    """The zone with the subdomain's records: ours if it is delegated, its owner's otherwise."""
    delegation = next((record for record in subject.records if record.purpose is Purpose.DELEGATION), None)
    if delegation is not None:
        return await directory.with_servers(subject.subdomain, delegation.values)
    return await _zone_of(subject.subdomain, directory)


async def _zone_of(name: str, directory: Directory) -> Zone | NoAnswerError:
    try:
        return await directory.zone_of(name)
    except NoAnswerError as error:
        return error


async def _together(
    found: Sequence[Found], subject: Subject, home: Zone | NoAnswerError, directory: Directory
) -> list[Finding]:
    """The findings, each adjusted by the others."""
    zone = subject.subdomain if isinstance(home, NoAnswerError) else home.name
    findings = reached_together(say_where(found, subject.subdomain, zone))
    findings = _behind_the_delegation(findings, subject.subdomain)
    for number, finding in enumerate(findings):
        place = finding.found_at
        if finding.record.purpose is not Purpose.DMARC or finding.status not in _WITHOUT_POLICY:
            continue
        if place is not None and not in_zone(place.name, subject.subdomain):
            # The policy of a domain above is the record that must be moved.
            continue
        governing = await governing_policy(subject.subdomain, directory)
        if governing is not None:
            note = remedies.policy_meanwhile(governing.domain, governing.policy)
            findings[number] = replace(finding, note=note)
    return findings


def _behind_the_delegation(findings: Sequence[Finding], subdomain: str) -> list[Finding]:
    """The findings, without advice to wait for records of our own zone while the delegation is wrong."""
    mended = {Status.OK, Status.PENDING, Status.EXTRA}
    broken = any(one.record.purpose is Purpose.DELEGATION and one.status not in mended for one in findings)
    fix = remedies.behind_delegation(subdomain)
    return [
        replace(one, fix=fix) if broken and one.status is Status.PENDING and not one.behind else one for one in findings
    ]


async def _finding(record: DnsRecord, subject: Subject, home: Zone | NoAnswerError, directory: Directory) -> Found:
    if record.purpose is Purpose.DELEGATION:
        return await _delegation_found(record, subject, directory)
    if in_zone(record.name, subject.subdomain):
        zone = home
    else:
        zone = await _zone_of(record.name, directory)
    if isinstance(zone, NoAnswerError):
        return Found(Finding(record=record, status=Status.UNREACHABLE, fix=remedies.no_zone(str(zone))))
    finding, answers = await _record(record, zone, directory)
    if zone.parent and in_zone(zone.name, subject.subdomain) and not _is_delegated(subject):
        # The subdomain is a zone of its own, or has a leftover delegation.
        finding = below_a_cut(finding, zone, zone.parent, answers)
    if _is_delegated(subject):
        # Our own zone has our records.
        return Found(finding)
    return await find_misplaced(finding, answers, subject.records, subject.subdomain, zone, directory)


async def _delegation_found(record: DnsRecord, subject: Subject, directory: Directory) -> Found:
    try:
        line = await directory.line(record.name)
    except NoAnswerError as error:
        return Found(Finding(record=record, status=Status.UNREACHABLE, fix=remedies.no_zone(str(error))))
    finding, answers = await _delegation(record, line, directory)
    parent = line[-2] if line[-1].name == record.name and len(line) > 1 else line[-1]
    return await find_misplaced(finding, answers, subject.records, subject.subdomain, parent, directory)


async def _record(record: DnsRecord, home: Zone, directory: Directory) -> tuple[Finding, list[Answer]]:
    asked = directory.said(home, record.name, record.type, beside=type_beside(record))
    said, resolved = await asyncio.gather(asked, _resolved(record, directory))
    zone, answers = said.zone, said.answers
    followed = await follow(record, zone, answers, directory)
    budgets = await _budgets(record, [*(answer.reply for answer in followed.answers), resolved.reply], directory)
    finding = find(
        record,
        zone=followed.zone,
        answers=followed.answers,
        resolved=resolved,
        judge=lambda reply: judge(record, reply, zone=zone.name, budgets=budgets),
        seen=observe([*answers, *followed.beyond], resolved, _shown),
    )
    finding = _below_dname(finding, zone, answers)
    finding = await served_otherwise(finding, zone, directory)
    finding = await without_wildcard(finding, zone, answers, directory)
    if finding.status is Status.MISSING and not said.above:
        finding = await _at_doubled_name(record, finding, zone, directory)
    if finding.behind:
        deciding = zone if followed.zone == zone.name else await _zone_of(followed.zone, directory)
        finding = finding if isinstance(deciding, NoAnswerError) else await compared(finding, deciding, directory)
        links = [term.removeprefix("CNAME ") for term in finding.via if term.startswith("CNAME ")]
        if links and finding.status is Status.NOT_EVERYWHERE:
            finding = replace(finding, fix=remedies.also_behind(finding.fix, links))
    finding = replace(finding, zone=zone.name)
    return (below_a_cut(finding, zone, said.above, answers), []) if said.above else (finding, answers)


def _below_dname(finding: Finding, zone: Zone, answers: Sequence[Answer]) -> Finding:
    """The finding, or a DNAME above the name that leads to no record of the type."""
    dname = next((one.reply.dname for one in answers if one.reply is not None and one.reply.dname), "")
    if not dname or finding.status in {Status.OK, Status.PENDING}:
        return finding
    fix = remedies.below_dname(finding.record, dname, zone.name)
    return replace(finding, status=Status.CNAME_CONFLICT, fix=fix)


def _shown(reply: Reply) -> tuple[str, ...]:
    return (f"CNAME {reply.alias}", *reply.values) if reply.alias else reply.values


async def _delegation(record: DnsRecord, line: Sequence[Zone], directory: Directory) -> tuple[Finding, list[Answer]]:
    last = line[-1]
    above = line[:-1] if last.name == record.name else line
    parent = above[-1]
    told = last.delegation if last.name == record.name else await directory.servers_say(parent, record.name, "NS")
    delegation = _of_the_parent(parent, told)
    resolved, announced = await asyncio.gather(
        _resolved(record, directory), directory.servers_say(parent, record.name, "DS")
    )
    named = [server for answer in delegation if answer.reply for server in delegated_servers(answer.reply, record.name)]
    child = await directory.with_servers(record.name, [*record.values, *named])
    below = await _of_the_child(child, last.apex if last.name == record.name else (), directory)
    signed = announced_here = False
    if _any_values(announced):
        # Resolvers ignore an unsigned DS record.
        announced_here = _any_values(await directory.servers_say(parent, parent.name, "DNSKEY"))
        signed = _any_values(await directory.servers_say(child, record.name, "DNSKEY"))
    finding = find_delegation(
        Delegation(
            record=record,
            parent=parent.name,
            above=delegation,
            below=_serving(below),
            resolved=resolved,
            announced=announced_here,
            signed=signed,
        )
    )
    if finding.status is Status.DELEGATION_MISSING:
        finding = await _at_doubled_name(record, finding, parent, directory)
    finding = replace(await compared(finding, parent, directory), zone=parent.name)
    return at_wrong_level(finding, above), delegation


async def _of_the_child(child: Zone, known: Sequence[Answer], directory: Directory) -> list[Answer]:
    """Each server's answer on the zone's own name servers, which may be known from the way down."""
    shown = {one.server: one for one in known}
    others = Zone(child.name, tuple(server for server in child.servers if server not in shown))
    told = shown | {one.server: one for one in await directory.servers_say(others, child.name, "NS")}
    return [told[server] for server in child.servers]


def _of_the_parent(parent: Zone, told: Sequence[Answer]) -> list[Answer]:
    """The answers, without those of servers that do not serve the parent: these are from the subdomain's own zone."""
    apex = {one.server: one for one in parent.apex}
    answers = []
    for answer in told:
        own = apex.get(answer.server)
        lame = own is not None and own.reply is not None and bool(survey([own]).lame)
        answers.append(own if own is not None and lame else answer)
    return answers


async def _at_doubled_name(record: DnsRecord, finding: Finding, zone: Zone, directory: Directory) -> Finding:
    """The finding, or the record at the doubled name that zone files and web forms make of a name without its dot."""
    doubled = f"{record.name}.{zone.name}"
    if not in_zone(record.name, zone.name) or len(doubled) > 253:
        return finding
    ask = directory.servers_say if record.type == "NS" else directory.authoritative
    answers = await ask(zone, doubled, record.type)
    expected = set(record.values)
    for _, reply in survey(answers).answered:
        if expected & set(delegated_servers(reply) if record.type == "NS" else reply.values):
            fix = remedies.doubled_name(record, doubled, zone.name)
            return replace(finding, status=Status.DOUBLED_NAME, fix=fix)
    return finding


async def _resolved(record: DnsRecord, directory: Directory) -> Resolved:
    endpoint = await directory.resolver()
    try:
        reply = await directory.recursive(record.name, record.type)
        return Resolved(endpoint.address, await follow_resolver(record, reply, directory))
    except NoAnswerError as error:
        return Resolved(endpoint.address, None, str(error))


async def _budgets(record: DnsRecord, replies: Sequence[Reply | None], directory: Directory) -> dict[str, JudgedSpf]:
    texts = {text for reply in replies if reply is not None for text in spf_texts(record, reply)}
    return {text: await evaluate_spf(text, record, directory) for text in sorted(texts)}


def _serving(answers: Sequence[Answer]) -> list[Answer]:
    """The answers; a server without NS records of the zone counts as one that does not serve it."""
    return [
        replace(answer, reply=replace(answer.reply, authoritative=False, referral=""))
        if answer.reply is not None and not (answer.reply.authoritative and answer.reply.values)
        else answer
        for answer in answers
    ]


def _any_values(answers: Sequence[Answer]) -> bool:
    return any(reply.values for _, reply in survey(answers).answered)
