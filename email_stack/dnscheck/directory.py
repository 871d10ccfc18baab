"""Zones, their servers, and the resolver's answers. Each question is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from constructs_lib.records import in_zone
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.spf import SpfDnsError
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["ANSWERS", "Answer", "Directory", "NameServer", "ResolverError", "Said", "Zone", "delegated_servers"]

ROOT: Final = "."

SERVERS_OF_A_ZONE: Final = 13
"""Most servers of a zone, as many as the root has; of a longer list, the first ones are used."""

ADDRESSES_OF_A_SERVER: Final = 4
DEPTH_OF_REFERRALS: Final = 4

ROUNDS_OF_SERVERS: Final = 3
"""Rounds: servers in the zone above, those that they name, and those that these name; resolvers ask no further ones first."""

ANSWERS: Final = {"NOERROR", "NXDOMAIN"}

_T = TypeVar("_T")


class ResolverError(Exception):
    """No resolver answers, so that no check is possible."""


@dataclass(frozen=True, slots=True, order=True)
class NameServer:
    """A name server at one of its addresses; "" when its name has none."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One server's reply, or the reason of a missing one."""

    server: NameServer
    reply: Reply | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and its servers. The name has no trailing dot; the root's is ".".

    Args:
        name: its name.
        servers: all servers that a resolver may ask: those that the parent zone names, and those that the zone itself names.
        parent: the parent zone; "" if it was not looked up.
        named: servers that the parent zone delegates to; empty if they were not looked up.
        own: servers in the zone's own NS records; empty if unknown.
        apex: each server's answer on the zone's own NS records.
        delegation: each parent server's answer on them.
    """

    name: str
    servers: tuple[NameServer, ...]
    parent: str = ""
    named: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    apex: tuple[Answer, ...] = ()
    delegation: tuple[Answer, ...] = ()

    @property
    def serving(self) -> frozenset[NameServer]:
        """The servers that answered from the zone, if they were asked."""
        return frozenset(one.server for one in self.apex if one.reply and one.reply.authoritative and one.reply.values)


@dataclass(frozen=True, slots=True)
class Said:
    """All servers' answers on one name.

    Args:
        zone: the zone whose servers decide: the queried one, or a delegated one below it.
        answers: one per server.
        above: the zone that delegates to `zone`, if that is not the queried one; "" otherwise.
    """

    zone: Zone
    answers: list[Answer]
    above: str = ""


def delegated_servers(reply: Reply, zone: str = "") -> tuple[str, ...]:
    """The name servers in a parent's answer: of its referral, or of the zone itself when it serves both.

    With `zone`, a referral to any other zone counts for nothing.
    """
    if reply.referral:
        return reply.referral_servers if zone in {"", reply.referral} else ()
    return () if zone and reply.chain else reply.values


def _is_below(cut: str, zone: str) -> bool:
    return bool(cut) and cut != zone and (zone == ROOT or in_zone(cut, zone))


class Directory:
    """Finds zones, asks their servers, and caches all answers; implements `SpfDns`.

    Args:
        network: asks the questions.
        resolvers: recursive servers; the next one is asked when one does not answer at all.
        port: where authoritative servers listen. Default: 53.
        serials: results of earlier checks. Default: none.

    Attributes:
        serials: the same.
    """

    def __init__(
        self, network: Network, resolvers: Sequence[Endpoint], port: int = 53, serials: Serials | None = None
    ) -> None:
        self.serials = serials if serials is not None else Serials()
        self._network = network
        self._resolvers = tuple(resolvers)
        self._port = port
        self._known: dict[tuple[str, ...], asyncio.Task[Any]] = {}

    async def recursive(self, name: str, kind: str) -> Reply:
        """The resolver's reply. Data that it withholds as bogus is returned with `bogus` set.

        Raises:
            NoAnswerError: the resolver gave no answer to this question.
            ResolverError: no resolver answers.
        """
        return await self._once(("recursive", name, kind), lambda: self._recursive(name, kind))

    async def resolver(self) -> Endpoint:
        """The first resolver that answers. Raises `ResolverError`."""
        return await self._once(("resolver",), self._living_resolver)

    async def zone_of(self, name: str) -> Zone:
        """The closest zone at or above `name`, with every server that a resolver may use.

        It is found from the root down: at each name every server of the zone above is asked for its delegation, and every server
        of the delegation for the zone's own NS records, which may name others. The search ends in front of labels with an
        underscore, where cuts are rare: `said` follows their referrals.

        Raises:
            NoAnswerError: not even the root is known.
            ResolverError: no resolver answers.

        Source: RFC 1034 4.2.2 and 5.3.3; RFC 2181 5.4.1 and 6.1.
        """
        return (await self.line(name))[-1]

    async def line(self, name: str) -> tuple[Zone, ...]:
        """The zones at or above `name`, from the root down. Raises the errors of `zone_of`."""
        labels = name.split(".")
        hidden = max((at for at, label in enumerate(labels) if "_" in label), default=-1)
        start = ".".join(labels[hidden + 1 :])
        try:
            return await self._once(("line", start), lambda: self._line(start))
        except NoAnswerError:
            # A resolver without an answer on the root may know the zone all the same.
            return (await self._known_zone(name),)

    async def _line(self, name: str) -> tuple[Zone, ...]:
        if not name:
            reply = await self.recursive(ROOT, "NS")
            if not reply.values:
                raise NoAnswerError("the root's servers are not known")
            return (await self.with_servers(ROOT, reply.values),)
        above = name.partition(".")[2]
        zones = await self._once(("line", above), lambda: self._line(above))
        zone = await self._below(zones[-1], name)
        return zones if zone is None else (*zones, zone)

    async def _below(self, above: Zone, name: str) -> Zone | None:
        """The zone `name`, if a server of the zone above delegates or serves it; None otherwise."""
        delegation = await asyncio.gather(*(self.one_says(above, one, name, "NS") for one in above.servers))
        replies = [answer.reply for answer in delegation if answer.reply is not None]
        named = [server for reply in replies for server in delegated_servers(reply, name)]
        if not any(reply.rcode in ANSWERS and (reply.authoritative or reply.referral) for reply in replies):
            # No server above can be asked from here: the resolver's answers are used.
            with suppress(NoAnswerError):
                reply = await self.recursive(name, "NS")
                named += reply.values if not reply.alias else ()
        if not named:
            return None
        # A server of both zones gives one answer.
        above_too = {one.server.address: one for one in delegation}
        servers: dict[NameServer, None] = {}
        apex: dict[NameServer, Answer] = {}
        wanted, own = list(dict.fromkeys(named)), list[str]()
        for _ in range(ROUNDS_OF_SERVERS):
            servers |= dict.fromkeys((await self.with_servers(name, wanted)).servers)
            new = [server for server in servers if server not in apex]
            answers = await asyncio.gather(*(self._apex(server, name, above_too) for server in new))
            apex |= dict(zip(new, answers, strict=True))
            told = [one.reply.values for one in answers if one.reply is not None and one.reply.authoritative]
            own += [server for values in told for server in values]
            wanted = [server for server in dict.fromkeys(own) if server not in {one.name for one in servers}]
            if not wanted:
                break
        return Zone(
            name,
            tuple(servers),
            parent=above.name,
            named=tuple(dict.fromkeys(named)),
            own=tuple(dict.fromkeys(own)),
            apex=tuple(apex.values()),
            delegation=tuple(delegation),
        )

    async def _apex(self, server: NameServer, name: str, above_too: Mapping[str, Answer]) -> Answer:
        known = above_too.get(server.address) if server.address else None
        return replace(known, server=server) if known is not None else await self._answer(server, name, "NS")

    async def _known_zone(self, name: str) -> Zone:
        """The resolver's closest zone, with the servers that it knows.

        Source: RFC 2308 3: the SOA in the authority section of a negative answer is that of the zone.
        """
        candidate = name
        while candidate:
            with suppress(NoAnswerError):
                reply = await self.recursive(candidate, "SOA")
                # The answer for a name with a CNAME is about the target's zone.
                plain = reply.rcode in ANSWERS and not reply.alias
                if plain and reply.soa and (reply.soa == ROOT or in_zone(candidate, reply.soa)):
                    return await self.with_servers(reply.soa, (await self.recursive(reply.soa, "NS")).values)
            candidate = candidate.partition(".")[2]
        raise NoAnswerError(f'no zone was found above "{name}"')

    async def with_servers(self, name: str, servers: Iterable[str]) -> Zone:
        """The zone with servers of these names, each at all its addresses. Raises `ResolverError`."""
        names = list(dict.fromkeys(servers))[:SERVERS_OF_A_ZONE]
        found = await asyncio.gather(*(self._server_addresses(server) for server in names))
        return Zone(
            name,
            tuple(
                NameServer(server, address)
                for server, addresses in zip(names, found, strict=True)
                for address in addresses or ("",)
            ),
        )

    async def authoritative(self, zone: Zone, name: str, kind: str) -> list[Answer]:
        """The answers of `said`."""
        return (await self.said(zone, name, kind)).answers

    async def said(self, zone: Zone, name: str, kind: str, *, beside: str = "") -> Said:
        """Every server's answer on `name`: from `zone`, or from zones below it that they delegate the name to.

        Servers that refer to a zone below are replaced by the servers there; servers that answer themselves stay. Raises
        `ResolverError`.

        Args:
            zone: first zone.
            name: queried name.
            kind: queried type.
            beside: for a CNAME, another type: the first server is asked for that one. If its answer is a CNAME, the name has no
                data of that type beside it. Default: "", each server is asked for `kind`.
        """
        kept: list[Answer] = []
        above = ""
        for _ in range(DEPTH_OF_REFERRALS):
            answers = await self._servers_say(zone, name, kind, beside)
            referring = [one for one in answers if one.reply is not None and _is_below(one.reply.referral, zone.name)]
            if not referring:
                break
            kept += [
                one for one in answers if one not in referring and one.reply is not None and one.reply.authoritative
            ]
            cut = next(one.reply.referral for one in referring if one.reply is not None)
            named = [server for one in referring if one.reply for server in delegated_servers(one.reply, cut)]
            above = zone.name
            zone = await self._zone_at(cut, above, named)
        below = {one.server for one in answers}
        return Said(zone, [*(one for one in kept if one.server not in below), *answers], above)

    async def _zone_at(self, cut: str, above: str, named: Sequence[str]) -> Zone:
        chosen = tuple(dict.fromkeys(named))
        zone = await self._once(("cut", cut, *chosen), lambda: self.with_servers(cut, chosen))
        return replace(zone, parent=above, named=chosen)

    async def servers_say(self, zone: Zone, name: str, kind: str) -> list[Answer]:
        """The answers of every server of `zone` itself on `name`; referrals are not followed."""
        return await self._servers_say(zone, name, kind, "")

    async def _servers_say(self, zone: Zone, name: str, kind: str, beside: str) -> list[Answer]:
        first, others = zone.servers[:1], zone.servers[1:]
        if beside and first:
            asked = [self._alias(zone, first[0], name, beside), *(self._answer(one, name, kind) for one in others)]
        else:
            asked = [self._answer(one, name, kind) for one in zone.servers]
        return list(await asyncio.gather(*asked))

    async def _alias(self, zone: Zone, server: NameServer, name: str, beside: str) -> Answer:
        """One server's answer on the CNAME of `name`, if possible by its answer on type `beside`."""
        answer = await self.one_says(zone, server, name, beside)
        reply = answer.reply
        if reply is None or reply.referral:
            return answer
        if not reply.authoritative or not reply.chain or reply.beside or reply.dname:
            return await self._answer(server, name, "CNAME")
        # The rest of the answer is about the CNAME's target.
        alone = Reply(rcode="NOERROR", authoritative=True, values=reply.links, ttl_seconds=reply.ttl_seconds)
        return Answer(server, alone)

    async def one_says(self, zone: Zone, server: NameServer, name: str, kind: str) -> Answer:
        """The answer of one server of `zone` on `name`, which several records may need."""
        key = ("one", zone.name, server.name, server.address, name, kind)
        return await self._once(key, lambda: self._answer(server, name, kind))

    async def one_said(self, zone: Zone, server: NameServer, name: str, kind: str) -> Answer | None:
        """The cached answer of `one_says`; None without one."""
        task = self._known.get(("one", zone.name, server.name, server.address, name, kind))
        answer: Answer | None = None if task is None else await asyncio.shield(task)
        return answer

    async def txt(self, name: str) -> Sequence[str]:
        """The TXT values of `name`. Raises `SpfDnsError`."""
        return await self._found(name, "TXT")

    async def addresses(self, name: str) -> Sequence[str]:
        """The IPv4 and IPv6 addresses of `name`. Raises `SpfDnsError`."""
        return [*await self._found(name, "A"), *await self._found(name, "AAAA")]

    async def mx(self, name: str) -> Sequence[str]:
        """The mail hosts of `name`. Raises `SpfDnsError`."""
        return [value.partition(" ")[2] for value in await self._found(name, "MX")]

    async def _found(self, name: str, kind: str) -> tuple[str, ...]:
        try:
            reply = await self.recursive(name, kind)
        except (NoAnswerError, ResolverError) as error:
            raise SpfDnsError(str(error)) from error
        if reply.bogus or reply.rcode not in {"NOERROR", "NXDOMAIN"}:
            raise SpfDnsError("not valid under DNSSEC" if reply.bogus else reply.rcode)
        return reply.values

    async def _once(self, key: tuple[str, ...], ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """The result of `ask`, or of the call with the same key before it, which may still be under way."""
        task = self._known.get(key)
        if task is None:
            task = self._known[key] = asyncio.create_task(ask())
        result: _T = await asyncio.shield(task)
        return result

    async def _living_resolver(self) -> Endpoint:
        problems = []
        for endpoint in self._resolvers:
            try:
                # Not recursive: any answer, even a refusal, shows that the server is up.
                await self._network.ask(endpoint, ROOT, "NS")
            except NoAnswerError as error:
                problems.append(f"{endpoint.address}: {error}")
            else:
                return endpoint
        raise ResolverError("; ".join(problems))

    async def _recursive(self, name: str, kind: str) -> Reply:
        resolver = await self.resolver()
        reply = await self._network.ask(resolver, name, kind, recursive=True)
        if reply.rcode != "SERVFAIL":
            return reply
        unchecked = await self._network.ask(resolver, name, kind, recursive=True, unchecked=True)
        return replace(unchecked, bogus=unchecked.rcode != "SERVFAIL")

    async def _answer(self, server: NameServer, name: str, kind: str) -> Answer:
        if not server.address:
            return Answer(server, None, "has no address")
        try:
            return Answer(server, await self._network.ask(Endpoint(server.address, self._port), name, kind))
        except NoAnswerError as error:
            return Answer(server, None, str(error))

    async def _server_addresses(self, server: str) -> tuple[str, ...]:
        """A server's IPv4 addresses, else its IPv6 ones: the checking machine may have no IPv6."""
        for kind in ("A", "AAAA"):
            try:
                reply = await self.recursive(server, kind)
            except NoAnswerError:
                continue
            if reply.values:
                return reply.values[:ADDRESSES_OF_A_SERVER]
        return ()
