"""Checks whether a name's MX already leads to SES: one quick query to a resolver."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from email_stack.dnscheck.check import system_resolvers
from email_stack.dnscheck.directory import Directory, ResolverError
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["receiving_already"]

_SECONDS: Final = 3.0
_SES: Final = re.compile(r"\d+ inbound-smtp\.([a-z0-9-]+)\.amazonaws\.com")


def receiving_already(domains: Sequence[str], resolver: Endpoint | None) -> dict[str, str]:
    """The region of SES in the MX of each domain. Domains without one, and those without an answer within 3 s, are left out.

    Args:
        domains: A-labels, no trailing dots.
        resolver: recursive server. Default: the machine's.
    """
    try:
        resolvers = (resolver,) if resolver is not None else system_resolvers()
    except ValueError:
        return {}
    regions = asyncio.run(_regions(domains, resolvers))
    return {domain: region for domain, region in zip(domains, regions, strict=True) if region}


async def _regions(domains: Sequence[str], resolvers: Sequence[Endpoint]) -> list[str]:
    async with Network() as network:
        directory = Directory(network, resolvers)
        return await asyncio.gather(*(_region(domain, directory) for domain in domains))


async def _region(domain: str, directory: Directory) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            reply = await directory.recursive(domain, "MX")
    except (NoAnswerError, ResolverError, TimeoutError):
        return ""
    named = (_SES.fullmatch(value) for value in reply.values)
    return next((found[1] for found in named if found is not None), "")
