"""Checks the token of a claim at every authoritative server of its domain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from email_stack.dnscheck.directory import Answer, Directory, ResolverError, delegated_servers
from email_stack.dnscheck.guard import MOST_QUERIES, GuardedNetwork, IPNetwork
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import NoAnswerError
from mailroom.settings.claims import ownership_name
from mailroom.settings.domains import Seen

__all__ = ["OwnershipCheck", "Proof"]

SECONDS: Final = 10.0
_MOST_SERVERS: Final = 13
"""Servers of one zone that `Directory` asks: a zone with more would be checked in part only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Result of a check.

    Args:
        seen: result for the claim.
        name_servers: of the domain in the zone above; () when it is not delegated, or the check had no answer.
    """

    seen: Seen
    name_servers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnershipCheck:
    """Checks tokens in DNS.

    Args:
        resolvers: recursive servers of ours.
        port: of authoritative servers; another one is for tests. Default: 53.
        allowed: networks that may be asked though they are not public. Default: none.
        seconds: time limit of a check, which then has no result. Default: 10.
        queries: limit of a check. Default: 100.
    """

    resolvers: Sequence[Endpoint]
    port: int = 53
    allowed: Sequence[IPNetwork] = field(default=())
    seconds: float = SECONDS
    queries: int = MOST_QUERIES

    def __call__(self, domain: str, token: str) -> Proof:
        """Look for `token` at the domain's servers now.

        The domain is proven when the servers of the zone above agree on its name servers, and each of these answers with the token
        and without a CNAME, whose target other people may write.
        """
        return asyncio.run(self._bounded(domain, token))

    async def _bounded(self, domain: str, token: str) -> Proof:
        network = GuardedNetwork(resolvers=self.resolvers, queries=self.queries, allowed=self.allowed)
        try:
            async with network, asyncio.timeout(self.seconds):
                return await _look(domain, token, Directory(network, self.resolvers, self.port))
        except TimeoutError:
            return _unknown(f"the domain's name servers gave no answer within {self.seconds:g} s")
        except (NoAnswerError, ResolverError):
            return _unknown("no zone was found above the domain")


async def _look(domain: str, token: str, directory: Directory) -> Proof:
    name = ownership_name(domain)
    # A validating resolver withholds bogus answers. A missing answer proves nothing: it may be an old one from its cache.
    try:
        bogus = (await directory.recursive(name, "TXT")).bogus
    except NoAnswerError:
        bogus = False
    zone = await directory.zone_of(domain.rpartition(".")[2])
    named: frozenset[str] = frozenset()
    for cut in _cuts(domain):
        # Each delegation is read from the zone above, never from a resolver: that may have asked one server of a hosting company
        # that serves a zone of this name for another customer, too.
        answers = await directory.servers_say(zone, cut, "NS")
        silent = _silent(answers)
        if silent or not answers:
            return _unknown(f'not every server of the zone above "{cut}" answers: {silent or "it has none"}')
        said = {_delegated(answer, cut) for answer in answers}
        if len(said) != 1:
            return _unknown(f'the servers of the zone above "{cut}" do not agree on its name servers')
        [named] = said
        if len(named) > _MOST_SERVERS:
            return _unknown(f'"{cut}" has more than {_MOST_SERVERS} name servers')
        if named:
            zone = await directory.with_servers(cut, sorted(named))
    proof = _judged(await directory.servers_say(zone, name, "TXT"), token, tuple(sorted(named)))
    return _unknown("the answer is not valid under DNSSEC", proof.name_servers) if bogus else proof


def _cuts(domain: str) -> list[str]:
    """Names where zones may begin below the top-level domain. The resolver is asked for the top-level domain only."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 2, -1, -1)]


def _delegated(answer: Answer, name: str) -> frozenset[str]:
    """Name servers that this server of the zone above has for the domain."""
    reply = answer.reply
    if reply is None or (reply.referral and reply.referral != name):
        return frozenset()
    return frozenset(delegated_servers(reply))


def _judged(found: Sequence[Answer], token: str, name_servers: tuple[str, ...]) -> Proof:
    having = [answer for answer in found if _has(answer, token)]
    answered = [answer for answer in found if answer.reply is not None and answer.reply.authoritative]
    text = f"the token stands at {len(having)} of {len(found)} addresses of name servers"
    if any(answer.reply is not None and answer.reply.alias for answer in found):
        text += "; a CNAME stands in its place at some, and is no proof"
    lacking = sorted({answer.server.name for answer in found if answer not in having})
    if lacking and having:
        text += f"; it is missing at {', '.join(lacking[:4])}"
    silent = _silent(found)
    if silent:
        text += f"; no answer from {silent}"
    everywhere = bool(found) and len(having) == len(found)
    return Proof(
        seen=Seen(everywhere=everywhere, nowhere=bool(answered) and not having and not silent, text=text),
        name_servers=name_servers,
    )


def _has(answer: Answer, token: str) -> bool:
    reply = answer.reply
    return reply is not None and reply.authoritative and not reply.alias and token in reply.values


def _silent(answers: Sequence[Answer]) -> str:
    """Servers without a usable answer, each with its reason; "" when all answered."""
    said = {
        f"{answer.server.name} ({answer.problem or 'does not serve the zone'})"
        for answer in answers
        if answer.reply is None or answer.reply.rcode not in {"NOERROR", "NXDOMAIN"}
    }
    return ", ".join(sorted(said)[:4])


def _unknown(text: str, name_servers: tuple[str, ...] = ()) -> Proof:
    return Proof(seen=Seen(everywhere=False, nowhere=False, text=text), name_servers=name_servers)
