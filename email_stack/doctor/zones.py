"""Name servers of parent domains, asked of DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from email_stack.dnscheck.check import system_resolvers
from email_stack.dnscheck.directory import Directory, ResolverError
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["read_servers"]


def read_servers(domains: Sequence[str], resolver: Endpoint | None) -> dict[str, tuple[str, ...] | str | None]:
    """Name servers of each domain from a resolver: None when it does not exist, a reason when no resolver answered.

    Args:
        domains: each once.
        resolver: resolver to ask. Default: this machine's.
    """
    try:
        resolvers = (resolver,) if resolver is not None else system_resolvers()
    except ValueError as error:
        return dict.fromkeys(domains, str(error))
    return asyncio.run(_read_all(domains, resolvers))


async def _read_all(domains: Sequence[str], resolvers: Sequence[Endpoint]) -> dict[str, tuple[str, ...] | str | None]:
    async with Network() as network:
        directory = Directory(network, resolvers)
        found = await asyncio.gather(*(_read(domain, directory) for domain in domains))
    return dict(zip(domains, found, strict=True))


async def _read(domain: str, directory: Directory) -> tuple[str, ...] | str | None:
    try:
        reply = await directory.recursive(domain, "NS")
    except (NoAnswerError, ResolverError) as error:
        return f"resolver: {error}"
    if reply.bogus:
        return "the resolver's data is not valid under DNSSEC"
    if reply.rcode == "NXDOMAIN":
        return None
    if reply.rcode != "NOERROR":
        return f"the resolver says {reply.rcode}"
    return tuple(value.rstrip(".").lower() for value in reply.values)
