"""What to do about each verdict, in one sentence. Values from DNS are shortened and shown with escapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from constructs_lib.records import DnsRecord, in_zone
from email_stack.printable import escaped

__all__ = [
    "bogus",
    "cname_conflict",
    "delegated_elsewhere",
    "delegation_extra",
    "delegation_missing",
    "delegation_partial",
    "dmarc_differs",
    "doubled_name",
    "ds_without_key",
    "duplicate_dmarc",
    "duplicate_spf",
    "lame",
    "missing",
    "no_resolver",
    "no_zone",
    "not_everywhere",
    "not_yet_at_resolver",
    "serves_as_well",
    "silent",
    "spf_end",
    "spf_error",
    "spf_serves_as_well",
    "spf_without",
    "split_wrong",
    "surplus",
    "target_doubled",
    "too_many_lookups",
    "uncounted",
    "unreachable",
    "wrong",
    "zone_names_others",
]

_SHOWN_CHARACTERS: Final = 200
_SHOWN_VALUES: Final = 6


def missing(record: DnsRecord, zone: str) -> str:
    """The record is not there."""
    return f"Add to the zone {zone}: {record.name} {record.type} {_expected(record)}."


def wrong(record: DnsRecord, seen: Sequence[str]) -> str:
    """Another value stands in its place."""
    return f"Change the {record.type} record of {record.name} from {_shown(seen)} to {_expected(record)}."


def target_doubled(record: DnsRecord, zone: str) -> str:
    """The value has the zone's name appended, as zone files do with names that do not end in a dot."""
    return f'End the value of {record.name} {record.type} with a dot, as {zone} was appended to it: {_expected(record)[:-1]}.".'


def surplus(record: DnsRecord, others: Sequence[str]) -> str:
    """Beside it stands what must not."""
    return f"Remove from {record.name} {record.type}: {_shown(others)}; only {_expected(record)} may stand there."


def doubled_name(record: DnsRecord, seen_at: str, zone: str) -> str:
    """The record stands at its name with the zone appended once more."""
    host = record.name[: -len(zone) - 1] if in_zone(record.name, zone) and record.name != zone else record.name
    return f'Rename the {record.type} record {seen_at} to {record.name}: enter the name as "{host}", or with a dot at its end.'


def split_wrong(record: DnsRecord) -> str:
    """The value was torn apart."""
    return (
        f"Enter the TXT value of {record.name} as one record without quotation marks or added spaces, exactly "
        f"{_expected(record)}; parts of at most 255 characters belong to one record and are joined as they are."
    )


def cname_conflict(record: DnsRecord, alias: str, zone: str) -> str:
    """A CNAME stands where another type belongs."""
    return (
        f"Remove the CNAME of {record.name}, or the wildcard that makes it ({_shown([alias])}), and add to the zone {zone}: "
        f"{record.name} {record.type} {_expected(record)}."
    )


def duplicate_spf(record: DnsRecord, found: Sequence[str]) -> str:
    """A name may hold one SPF record. Source: RFC 7208 4.5."""
    return f"Merge the {len(found)} SPF records of {record.name} into one: {_shown(found)}."


def duplicate_dmarc(record: DnsRecord, found: Sequence[str]) -> str:
    """A name may hold one DMARC record. Source: RFC 9989 4.10."""
    return f"Keep one of the {len(found)} DMARC records of {record.name}, {_expected(record)}: {_shown(found)}."


def too_many_lookups(record: DnsRecord, problem: str) -> str:
    """The SPF record costs more than receivers spend."""
    return f"Shorten the SPF record of {record.name}: it {_clause(problem)}."


def spf_error(record: DnsRecord, problem: str) -> str:
    """Receivers cannot read the SPF record."""
    return f"Change the SPF record of {record.name} to {_expected(record)}: {_clause(problem)}."


def spf_without(record: DnsRecord, needed: Iterable[str], seen: str) -> str:
    """The SPF record does not allow SES."""
    terms = " ".join(f"include:{domain}" for domain in needed)
    return f'Add "{terms}" to the SPF record of {record.name}, in front of its end: {_shown([seen])}.'


def spf_end(record: DnsRecord, seen: str) -> str:
    """The SPF record says nothing of other senders, or allows them all."""
    return f'End the SPF record of {record.name} in "~all" or "-all": {_shown([seen])}.'


def dmarc_differs(record: DnsRecord, difference: str) -> str:
    """The DMARC record asks for something else."""
    return f"Change the DMARC record of {record.name} to {_expected(record)}: {_clause(difference)}."


def lame(zone: str, servers: Iterable[str]) -> str:
    """Servers are named for the zone and do not answer for it."""
    return f"Make {_list(servers)} answer for the zone {zone}, or take it out of the zone's name servers."


def unreachable(zone: str, servers: Iterable[str]) -> str:
    """No server of the zone answered."""
    return f"Make a name server of {zone} answer on port 53, or check again later: {_list(servers)} did not."


def no_resolver(problem: str) -> str:
    """There is nobody to ask."""
    return f"Name a resolver that answers, as the one in use does not: {_clause(problem)}."


def no_zone(problem: str) -> str:
    """The resolver could not tell whose name it is."""
    return f"Check again later, or with another resolver: {_clause(problem)}."


def bogus(zone: str) -> str:
    """Validating resolvers refuse the zone's data."""
    return f"Repair DNSSEC of {zone}: validating resolvers refuse its data, as signatures and the DS record above do not fit."


def ds_without_key(zone: str, parent: str) -> str:
    """The parent announces a signed zone, and it is not signed."""
    return f"Remove the DS record of {zone} from the zone {parent}: {zone} is not signed, so resolvers refuse it."


def not_everywhere(servers: Iterable[str]) -> str:
    """Some servers of the zone have it, others do not."""
    return f"Wait until {_list(servers)} has the same; if that lasts, raise the zone's serial number or repair the transfer."


def not_yet_at_resolver(resolver: str, problem: str) -> str:
    """The zone is right, and the resolver has something older."""
    told = f" ({problem})" if problem else ""
    return f"Wait: the resolver {resolver} has an older answer{told}, for as long as that may be cached."


def silent(servers: Iterable[str]) -> str:
    """A note: the record is right, though not every server answered."""
    return f"{_list(servers)} did not answer; the others did"


def serves_as_well(seen: Sequence[str]) -> str:
    """A note: not what was handed over, and right all the same."""
    return f"is {_shown(seen)}, which serves as well"


def spf_serves_as_well(seen: str, lookups: int) -> str:
    """A note: another SPF record that allows SES."""
    return f"{serves_as_well([seen])}; receivers spend {lookups} of 10 look-ups on it"


def uncounted(problem: str) -> str:
    """A note: the budget could not be told."""
    return f"its look-ups could not be counted: {_clause(problem)}"


def delegation_missing(record: DnsRecord, parent: str) -> str:
    """The parent does not delegate the subdomain."""
    return f"Add to the zone {parent}: {record.name} NS {_expected(record)}."


def delegation_partial(record: DnsRecord, absent: Sequence[str], parent: str) -> str:
    """The parent names some of the servers."""
    return f"Add to the NS records of {record.name} in the zone {parent}: {_shown(absent)}."


def delegation_extra(record: DnsRecord, others: Sequence[str], parent: str) -> str:
    """The parent names servers that are not the zone's."""
    return f"Remove from the NS records of {record.name} in the zone {parent}: {_shown(others)}."


def delegated_elsewhere(record: DnsRecord, seen: Sequence[str], parent: str) -> str:
    """The parent names others only."""
    return f"Change the NS records of {record.name} in the zone {parent} from {_shown(seen)} to {_expected(record)}."


def zone_names_others(record: DnsRecord, seen: Sequence[str]) -> str:
    """The zone's own NS records are not those that were handed over."""
    return f"Write the zone's own NS records of {record.name} back to {_expected(record)}: they are {_shown(seen)}."


def _expected(record: DnsRecord) -> str:
    return ", ".join(f'"{value}"' for value in record.values)


def _shown(values: Sequence[str]) -> str:
    more = len(values) - _SHOWN_VALUES
    return ", ".join(f'"{escaped(value)}"' for value in values[:_SHOWN_VALUES]) + (
        f" and {more} more" if more > 0 else ""
    )


def _list(servers: Iterable[str]) -> str:
    *first, last = dict.fromkeys(map(escaped, servers)) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def _clause(problem: str) -> str:
    return escaped(problem, 2 * _SHOWN_CHARACTERS).rstrip(".")
