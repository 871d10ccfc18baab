"""Remedies for servers of one zone that disagree, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from constructs_lib.records import DnsRecord
from email_stack.dnscheck.remedies import expected, listed
from email_stack.output.printable import escaped

__all__ = [
    "other_provider",
    "other_side",
    "other_version",
    "sides_differ",
    "transfer_idle",
    "transfer_under_way",
]


def transfer_under_way(servers: Iterable[str], serials: tuple[int, int], refresh: int) -> str:
    """Servers hold an older version of the zone than others, of the same primary server."""
    return (
        f"Wait until {listed(servers)} has the same: its version of the zone is older ({serials[0]}, not {serials[1]}), and it "
        f"asks for a newer one within {refresh} s; if it does not, repair the transfer."
    )


def transfer_idle(record: DnsRecord, servers: Iterable[str], serial: int, seconds: float) -> str:
    """Servers have held an older version of the zone for longer than a transfer takes to begin. Source: RFC 1034 4.3.5."""
    return (
        f"Enter {record.name} {record.type} {expected(record)} at the provider of {listed(servers)} as well, or repair the "
        f"transfer to it: its version of the zone has stayed at {serial} for {seconds / 60:.0f} minutes, in which it should have "
        f"asked for a newer one twice."
    )


def other_provider(record: DnsRecord, servers: Iterable[str], primaries: tuple[str, str]) -> str:
    """Servers have a zone of their own, without transfers to and from the others."""
    return (
        f"Enter {record.name} {record.type} {expected(record)} at the provider of {listed(servers)} as well: its zone comes from "
        f"{escaped(primaries[0])} and that of the others from {escaped(primaries[1])}, so no transfer brings it there."
    )


def other_version(record: DnsRecord, zone: str, servers: Iterable[str], serials: tuple[int, int]) -> str:
    """Servers hold a version of the zone that is no older, and lacks the record."""
    than = "the same serial number" if serials[0] == serials[1] else "a newer version"
    return (
        f"Enter {record.name} {record.type} {expected(record)} in the zone {zone} of {listed(servers)} as well, and raise the "
        f"zone's serial number: it has {than} ({serials[0]}, others {serials[1]}), so no transfer is under way."
    )


def other_side(record: DnsRecord, zone: str, parent: str, servers: Iterable[str], *, named: bool) -> str:
    """Servers that one side of the zone's cut names, and the other does not, answer otherwise. Source: RFC 1034 4.2.2."""
    where = (
        f"the name servers of {zone} in the zone {parent}, at the domain's registrar"
        if named
        else f"the NS records of {zone}"
    )
    other = f"the zone {zone} itself does not name it" if named else f"the zone {parent} does not name it"
    strays = list(servers)
    return (
        f"Take {listed(strays)} out of {where}: {other}, and it answers otherwise, so resolvers find one or the other; or enter "
        f"{record.name} {record.type} {expected(record)} there too."
    )


def sides_differ(zone: str, parent: str, named: Sequence[str], own: Sequence[str]) -> str:
    """The zone above and the zone itself name different servers."""
    sides = [f"only the zone {parent} names {listed(named)}"] if named else []
    sides += [f"only its own NS records name {listed(own)}"] if own else []
    return f"Name the same servers for {zone} on both sides, at the registrar and in the zone: {'; '.join(sides)}."
