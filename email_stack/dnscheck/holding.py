"""Zones of a subdomain's records, by DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from constructs_lib.records import DnsRecord, in_zone
from email_stack.dnscheck.check import system_resolvers
from email_stack.dnscheck.directory import Directory, ResolverError, Zone
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.model import Endpoint, Holding
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["holding_zones"]


def holding_zones(name: str, records: Sequence[DnsRecord], resolver: Endpoint | None, port: int) -> Holding:
    """The zone of `name`, and the zones below it for some of `records`.

    Args:
        name: A-labels, no trailing dot.
        records: records to enter.
        resolver: recursive server to start from. Default: the machine's.
        port: of authoritative servers.
    """
    try:
        resolvers = (resolver,) if resolver is not None else system_resolvers()
    except ValueError:
        return Holding()
    return asyncio.run(_find(name, records, resolvers, port))


async def _find(name: str, records: Sequence[DnsRecord], resolvers: Sequence[Endpoint], port: int) -> Holding:
    async with Network() as network:
        directory = Directory(network, resolvers, port)
        try:
            line = await directory.line(name)
            home = next((zone for zone in reversed(line) if zone.serving), None)
            if home is None:
                return Holding()
            below = [one for one in records if in_zone(one.name, home.name)]
            found = await asyncio.gather(*(_cut(one, home, directory) for one in below))
        except (NoAnswerError, ResolverError):
            return Holding()
    return Holding(home.name, tuple(sorted({cut for cut in found if cut})))


async def _cut(record: DnsRecord, home: Zone, directory: Directory) -> str:
    """The zone below `home` for the record; "" without one, and for a leftover delegation."""
    said = await directory.said(home, record.name, record.type)
    answers = [one for one in said.answers if one.server in said.zone.servers]
    return said.zone.name if said.above and survey(answers).answered else ""
