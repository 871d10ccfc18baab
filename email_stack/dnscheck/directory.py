"""Who answers for a name: zones, their servers, and what the resolver knows. Each question is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from constructs_lib.records import in_zone
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.spf import SpfDnsError
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["Answer", "Directory", "NameServer", "ResolverError", "Zone"]

ROOT: Final = "."

SERVERS_OF_A_ZONE: Final = 13
"""As many as the root has; whoever names more is asked at the first ones."""

ADDRESSES_OF_A_SERVER: Final = 4
DEPTH_OF_REFERRALS: Final = 4

_T = TypeVar("_T")


class ResolverError(Exception):
    """No resolver answers at all, so nothing can be found out."""


@dataclass(frozen=True, slots=True, order=True)
class NameServer:
    """A name server at one of its addresses; "" when its name has none."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, its name without the trailing dot (the root's is "."), and who serves it."""

    name: str
    servers: tuple[NameServer, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server said: a reply, or why there is none."""

    server: NameServer
    reply: Reply | None
    problem: str = ""


class Directory:
    """Finds zones and asks their servers, and remembers all of it; implements `SpfDns`.

    Args:
        network: asks the questions.
        resolvers: recursive servers; the next one is asked when one does not answer at all.
        port: where authoritative servers listen. Default: 53.
    """

    def __init__(self, network: Network, resolvers: Sequence[Endpoint], port: int = 53) -> None:
        self._network = network
        self._resolvers = tuple(resolvers)
        self._port = port
        self._known: dict[tuple[str, ...], asyncio.Task[Any]] = {}

    async def recursive(self, name: str, kind: str) -> Reply:
        """What the resolver says. Data that it holds back as bogus is returned with `bogus` set.

        Raises:
            NoAnswerError: it gave no answer to this question.
            ResolverError: it answers nothing.
        """
        return await self._once(("recursive", name, kind), lambda: self._recursive(name, kind))

    async def resolver(self) -> Endpoint:
        """The first resolver that answers. Raises `ResolverError`."""
        return await self._once(("resolver",), self._living_resolver)

    async def zone_of(self, name: str) -> Zone:
        """The closest zone at or above `name` that the resolver can name, with its servers.

        Below a zone whose servers are all dead that is the zone above it; `authoritative` then follows its referral.

        Raises:
            NoAnswerError: not even the root is known.
            ResolverError: the resolver answers nothing.

        Source: RFC 2308 3: the SOA in the authority section of a negative answer is that of the zone.
        """
        candidate = name
        while candidate:
            try:
                reply = await self.recursive(candidate, "SOA")
            except NoAnswerError:
                pass
            else:
                # The answer for a name with a CNAME speaks of the zone that it leads to.
                plain = reply.rcode in {"NOERROR", "NXDOMAIN"} and not reply.alias
                if plain and reply.soa and (reply.soa == ROOT or in_zone(candidate, reply.soa)):
                    return await self.zone(reply.soa)
            candidate = candidate.partition(".")[2]
        raise NoAnswerError(f'no zone was found above "{name}"')

    async def zone(self, name: str) -> Zone:
        """The zone of that name, with the servers that the resolver knows. Raises what `recursive` raises."""
        reply = await self.recursive(name, "NS")
        return await self.with_servers(name, reply.values)

    async def with_servers(self, name: str, servers: Iterable[str]) -> Zone:
        """The zone with servers of these names, each at every address of its. Raises `ResolverError`."""
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
        """What every server says of `name`: those of `zone`, or of the zone below it that they delegate the name to.

        A question for the NS of a name is one for its delegation: it ends at the zone above. Raises `ResolverError`.
        """
        for _ in range(DEPTH_OF_REFERRALS):
            answers = await self.servers_say(zone, name, kind)
            below = next((answer.reply for answer in answers if answer.reply and answer.reply.referral), None)
            if below is None or below.referral == zone.name or (kind == "NS" and below.referral == name):
                break
            if zone.name != ROOT and not in_zone(below.referral, zone.name):
                break
            cut, servers = below.referral, below.referral_servers
            zone = await self._once(("cut", cut, *servers), lambda: self.with_servers(cut, servers))  # noqa: B023 - awaited here
        return answers

    async def servers_say(self, zone: Zone, name: str, kind: str) -> list[Answer]:
        """What every server of `zone` itself says of `name`; referrals are not followed."""
        return list(await asyncio.gather(*(self._answer(server, name, kind) for server in zone.servers)))

    async def one_says(self, zone: Zone, server: NameServer, name: str, kind: str) -> Answer:
        """What one server of `zone` says of `name`, which several records may ask for."""
        key = ("one", zone.name, server.name, server.address, name, kind)
        return await self._once(key, lambda: self._answer(server, name, kind))

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
                # Not recursive: any answer, even a refusal, shows that it is there.
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
        """Its IPv4 addresses, else its IPv6 ones: whoever checks may have no IPv6 at all."""
        for kind in ("A", "AAAA"):
            try:
                reply = await self.recursive(server, kind)
            except NoAnswerError:
                continue
            if reply.values:
                return reply.values[:ADDRESSES_OF_A_SERVER]
        return ()
