"""Searches delegations to a zone's name servers: at all servers of the zones above it, on both sides of a cut, and a resolver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from email_stack.dnscheck.check import system_resolvers
from email_stack.dnscheck.directory import (
    ANSWERS,
    Answer,
    Directory,
    NameServer,
    ResolverError,
    Zone,
    delegated_servers,
)
from email_stack.dnscheck.findings import RESOLVER
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["Trail", "find_trail", "trail_in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """Servers that lead to a zone.

    Args:
        leading: servers that name one of ours for the zone or for a zone above it; "resolver" for the resolver.
        above: zones above that name our servers, which do not serve them.
        untold: servers without an answer, or the zone without any answering server.
        seconds: longest time for which resolvers may cache the answers.
    """

    leading: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    seconds: int = 0


def find_trail(domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int) -> Trail:
    """Find servers that lead to `domain` at `name_servers`.

    Args:
        domain: the zone's name, A-labels, no trailing dot.
        name_servers: its servers.
        resolver: recursive server to start from. Default: the machine's.
        port: where authoritative servers listen.

    Raises:
        ValueError: no resolver is given or configured.

    Source: RFC 1034 4.2.2 and 5.3.3: a resolver follows the servers of either side of a cut.
    """
    resolvers = (resolver,) if resolver is not None else system_resolvers()
    return asyncio.run(_find(domain, frozenset(name_servers), resolvers, port))


async def _find(domain: str, ours: frozenset[str], resolvers: Sequence[Endpoint], port: int) -> Trail:
    async with Network() as network:
        return await trail_in(network, domain, ours, resolvers, port)


async def trail_in(
    network: Network, domain: str, ours: frozenset[str], resolvers: Sequence[Endpoint], port: int = 53
) -> Trail:
    """As `find_trail`, by a network of the caller's, which is open."""
    directory = Directory(network, resolvers, port)
    try:
        line = await directory.line(domain)
        remembered = await asyncio.gather(*(_remembered(zone.name, directory) for zone in line[1:]))
        last = line[-1]
        if last.name == domain:
            delegation: Sequence[Answer] = last.delegation
        else:
            delegation = await directory.servers_say(last, domain, "NS")
            remembered.append(await _remembered(domain, directory))
        own = await directory.with_servers(domain, sorted(ours))
        apex = await directory.servers_say(own, domain, "NS")
    except (NoAnswerError, ResolverError) as error:
        return Trail(untold=(str(error),))
    return _judged(domain, ours, line, delegation, remembered, apex)


async def _remembered(name: str, directory: Directory) -> tuple[str, Answer]:
    server = NameServer(RESOLVER, (await directory.resolver()).address)
    try:
        return name, Answer(server, await directory.recursive(name, "NS"))
    except NoAnswerError as error:
        return name, Answer(server, None, str(error))


def _judged(  # noqa: PLR0917 - what was asked, in its order
    domain: str,
    ours: frozenset[str],
    line: Sequence[Zone],
    delegation: Sequence[Answer],
    remembered: Sequence[tuple[str, Answer]],
    apex: Sequence[Answer],
) -> Trail:
    leading: list[str] = []
    above: list[str] = []
    serving = {zone.name: {one.name for one in zone.serving} for zone in line}
    asked = [(zone.name, answer) for zone in line for answer in (*zone.delegation, *zone.apex)]
    told = [*asked, *((domain, answer) for answer in delegation), *remembered]
    seconds = 0
    for name, answer in told:
        named = set(delegated_servers(answer.reply, name)) & ours if answer.reply is not None else set()
        if name == domain and answer.server.name in ours:
            # Answers of our servers on their own zone lead no further resolver to it.
            continue
        if name != domain:
            named -= serving.get(name, set())
            above += [name] if named else []
        if named and answer.reply is not None:
            leading.append(answer.server.name)
            seconds = max(seconds, answer.reply.ttl_seconds)
    seconds = max([seconds, *(one.reply.ttl_seconds for one in apex if one.reply is not None and one.reply.values)])
    untold = _untold([*asked, *((domain, answer) for answer in delegation)], line)
    return Trail(
        leading=tuple(dict.fromkeys(leading)), above=tuple(dict.fromkeys(above)), untold=untold, seconds=seconds
    )


def _untold(told: Iterable[tuple[str, Answer]], line: Sequence[Zone]) -> tuple[str, ...]:
    """Servers without an answer: any server of a domain, and zones above without any answering server."""
    answers: dict[NameServer, bool] = {}
    for _, answer in told:
        answers[answer.server] = answers.get(answer.server, False) or _told(answer)
    silent: list[str] = []
    for zone in line:
        # A name without an address leads nowhere.
        quiet = [server.name for server in zone.servers if server.address and not answers.get(server, True)]
        domain = "." in zone.name.strip(".")
        silent += quiet if domain or len(quiet) == len(zone.servers) else ()
    return tuple(dict.fromkeys(silent))


def _told(answer: Answer) -> bool:
    return answer.reply is not None and answer.reply.rcode in {*ANSWERS, "REFUSED", "NOTAUTH"}
