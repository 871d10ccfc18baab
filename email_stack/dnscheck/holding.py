"""Which zone a subdomain's records go into, as DNS has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from email_stack.dnscheck.check import system_resolvers
from email_stack.dnscheck.directory import Directory, ResolverError
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["holding_zone"]


def holding_zone(name: str, resolver: Endpoint | None, port: int) -> str | None:
    """The closest zone at or above `name` that a server answers for; None if unknown.

    Args:
        name: A-labels, no trailing dot.
        resolver: recursive server to start from. Default: the machine's.
        port: where authoritative servers listen.
    """
    try:
        resolvers = (resolver,) if resolver is not None else system_resolvers()
    except ValueError:
        return None
    return asyncio.run(_find(name, resolvers, port))


async def _find(name: str, resolvers: Sequence[Endpoint], port: int) -> str | None:
    async with Network() as network:
        try:
            line = await Directory(network, resolvers, port).line(name)
        except (NoAnswerError, ResolverError):
            return None
    return next((zone.name for zone in reversed(line) if zone.serving), None)
