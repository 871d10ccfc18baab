"""The remedy for each verdict, in one sentence. Values from DNS are shortened and shown with escapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from constructs_lib.records import DnsRecord, in_zone
from email_stack.dnscheck.model import Place
from email_stack.output.printable import escaped

__all__ = [
    "all_elsewhere",
    "also_behind",
    "at_the_cut",
    "behind",
    "behind_delegation",
    "below_dname",
    "bogus",
    "clause",
    "cname_beside",
    "cname_conflict",
    "cname_lacks",
    "data_beside",
    "delegated_away",
    "delegated_elsewhere",
    "delegation_extra",
    "delegation_missing",
    "delegation_partial",
    "dmarc_differs",
    "doubled_name",
    "ds_without_key",
    "duplicate_dmarc",
    "duplicate_spf",
    "expected",
    "found_elsewhere",
    "lame",
    "listed",
    "missing",
    "no_resolver",
    "no_zone",
    "not_everywhere",
    "not_yet_at_resolver",
    "policy_meanwhile",
    "resolver_fails",
    "serves_as_well",
    "shown",
    "silent",
    "split_wrong",
    "surplus",
    "target_doubled",
    "through_names",
    "unreachable",
    "wildcard",
    "wrong",
    "wrong_level",
    "zone_names_others",
]

_SHOWN_CHARACTERS: Final = 200
_SHOWN_VALUES: Final = 6


def missing(record: DnsRecord, zone: str) -> str:
    """The record is not there."""
    return f"Add to the zone {zone}: {record.name} {record.type} {expected(record)}."


def wrong(record: DnsRecord, seen: Sequence[str]) -> str:
    """The record has another value."""
    return f"Change the {record.type} record of {record.name} from {shown(seen)} to {expected(record)}."


def target_doubled(record: DnsRecord, zone: str) -> str:
    """The value has the zone's name appended, as zone files do with names that do not end in a dot."""
    return f'End the value of {record.name} {record.type} with a dot, as {zone} was appended to it: {expected(record)[:-1]}.".'


def surplus(record: DnsRecord, others: Sequence[str]) -> str:
    """The record has a forbidden value beside it."""
    return f"Remove from {record.name} {record.type}: {shown(others)}; only {expected(record)} may stand there."


def doubled_name(record: DnsRecord, seen_at: str, zone: str) -> str:
    """The record stands at its name with the zone appended once more."""
    host = record.name[: -len(zone) - 1] if in_zone(record.name, zone) and record.name != zone else record.name
    return f'Rename the {record.type} record {seen_at} to {record.name}: enter the name as "{host}", or with a dot at its end.'


def found_elsewhere(record: DnsRecord, place: Place, zone: str, *, unless_needed: bool) -> str:
    """The record stands at another name, or as another type."""
    if place.name == record.name:
        return (
            f"Make it a {record.type}: found at {place.name} as {place.type}, which must go; add to the zone {zone}: "
            f"{record.name} {record.type} {expected(record)}."
        )
    kind = "" if place.type == record.type else f", and make it a {record.type}"
    unless = f", or copy it where {place.name} needs it too" if unless_needed else ""
    return (
        f"Found at {place.name} as {place.type}: move it to {record.name}{kind}{unless}; the zone {zone} must hold: "
        f"{record.name} {record.type} {expected(record)}."
    )


def all_elsewhere(count: int, base: str, subdomain: str, zone: str) -> str:
    """All missing records are at one other name."""
    host = subdomain[: -len(zone) - 1] if in_zone(subdomain, zone) and subdomain != zone else subdomain
    return (
        f"Move all {count} records found at {base} and below it to {subdomain}: the same names, with {subdomain} in place of "
        f'{base}; where the form adds "{zone}" by itself, each name ends in "{host}".'
    )


def policy_meanwhile(domain: str, policy: str) -> str:
    """A note: the DMARC record is missing, and that of a domain above is in force."""
    return f"until then the DMARC policy of {escaped(domain)} for its subdomains holds: {policy}"


def split_wrong(record: DnsRecord) -> str:
    """The value was divided wrongly."""
    return (
        f"Enter the TXT value of {record.name} as one record without quotation marks or added spaces, exactly "
        f"{expected(record)}; parts of at most 255 characters belong to one record and are joined as they are."
    )


def cname_conflict(record: DnsRecord, alias: str, zone: str) -> str:
    """A CNAME stands where another type belongs, and leads to nothing of that type."""
    return (
        f"Remove the CNAME of {record.name} ({shown([alias])}), and add to the zone {zone}: "
        f"{record.name} {record.type} {expected(record)}."
    )


def cname_beside(record: DnsRecord, alias: str, zone: str) -> str:
    """A CNAME stands beside other data: resolvers follow it or not, as it comes. Source: RFC 1034 3.6.2."""
    return (
        f"Remove the CNAME of {record.name} ({shown([alias])}) from the zone {zone}: beside it nothing else may stand, and "
        f"resolvers find one or the other; keep {record.name} {record.type} {expected(record)}."
    )


def data_beside(record: DnsRecord, zone: str) -> str:
    """Other data stands beside the CNAME that is expected. Source: RFC 1034 3.6.2."""
    return (
        f"Remove from the zone {zone} every record of {record.name} but its CNAME {expected(record)}: beside a CNAME nothing "
        "else may stand, and resolvers find one or the other."
    )


def cname_lacks(record: DnsRecord, end: str) -> str:
    """A CNAME leads to other records that are right, and to none of this type."""
    return (
        f"Add where the CNAME of {record.name} leads: {escaped(end)} {record.type} {expected(record)}; or replace that CNAME by "
        "records of the name itself, all of them."
    )


def behind(record: DnsRecord, end: str, fix: str) -> str:
    """The value to change is at the target of CNAMEs."""
    return f"{fix.rstrip('.')}; do so at {escaped(end)}, where the CNAME of {record.name} leads, or replace that CNAME."


def through_names(record: DnsRecord, chain: Sequence[str]) -> str:
    """A note: the record is reached through CNAMEs."""
    return f"is reached through CNAME {shown(chain)}, which must go on leading to {expected(record)}"


def duplicate_spf(record: DnsRecord, found: Sequence[str]) -> str:
    """A name may hold one SPF record. Source: RFC 7208 4.5."""
    return f"Merge the {len(found)} SPF records of {record.name} into one: {shown(found)}."


def duplicate_dmarc(record: DnsRecord, found: Sequence[str]) -> str:
    """A name may hold one DMARC record. Source: RFC 9989 4.10."""
    return f"Keep one of the {len(found)} DMARC records of {record.name}, {expected(record)}: {shown(found)}."


def dmarc_differs(record: DnsRecord, difference: str) -> str:
    """The DMARC record has another policy."""
    return f"Change the DMARC record of {record.name} to {expected(record)}: {clause(difference)}."


def lame(zone: str, servers: Iterable[str]) -> str:
    """Servers are named for the zone and do not answer for it."""
    return f"Make {listed(servers)} answer for the zone {zone}, or take it out of the zone's name servers."


def unreachable(zone: str, servers: Iterable[str]) -> str:
    """No server of the zone answered."""
    return f"Make a name server of {zone} answer on port 53, or check again later: {listed(servers)} did not."


def no_resolver(problem: str) -> str:
    """No resolver answers."""
    return f"Name a resolver that answers, as the one in use does not: {clause(problem)}."


def no_zone(problem: str) -> str:
    """The resolver could not find the zone of the name."""
    return f"Check again later, or with another resolver: {clause(problem)}."


def bogus(zone: str) -> str:
    """Validating resolvers refuse the zone's data."""
    return f"Repair DNSSEC of {zone}: validating resolvers refuse its data, as signatures and the DS record above do not fit."


def ds_without_key(zone: str, parent: str) -> str:
    """The parent announces a signed zone, and it is not signed."""
    return f"Remove the DS record of {zone} from the zone {parent}: {zone} is not signed, so resolvers refuse it."


def not_everywhere(servers: Iterable[str]) -> str:
    """Some servers of the zone have it, others do not."""
    return f"Wait until {listed(servers)} has the same; if that lasts, raise the zone's serial number or repair the transfer."


def delegated_away(child: str, servers: Sequence[str], parent: str) -> str:
    """A name is delegated to servers that do not answer for it. Source: RFC 1034 4.2.1; RFC 2136 7.18."""
    return (
        f"Remove the NS records of {child} from the zone {parent}: they delegate it to {listed(servers)}, where queries "
        f"for it get no answer, and hide every record at and below it; or make these servers answer, and enter the records there."
    )


def at_the_cut(child: str, servers: Sequence[str], parent: str) -> str:
    """The record to change is below a cut, and would be invisible above it."""
    return (
        f"{parent} delegates {child} to {listed(servers)}, so in {parent} it would not be seen: do it there, or remove the NS "
        f"records of {child} and enter its records in {parent}."
    )


def not_yet_at_resolver(resolver: str, seconds: int, *, none: bool) -> str:
    """The zone is right, and the resolver has an older value."""
    what = "remembers that there was none" if none else "has an older answer"
    return f"Wait: the resolver {resolver} {what}, for at most {seconds} s more."


def resolver_fails(resolver: str, problem: str) -> str:
    """The zone is right, and the resolver gives no answer."""
    return f"Check again, or with another resolver: {resolver} gives no answer ({clause(problem)}), though the zone is right."


def behind_delegation(subdomain: str) -> str:
    """Our zone is right, but DNS does not lead to it."""
    return f"Nothing to do here: it is seen once the delegation of {subdomain} is in place."


def silent(servers: Iterable[str]) -> str:
    """A note: the record is right, though not every server answered."""
    return f"{listed(servers)} did not answer; the others did"


def serves_as_well(seen: Sequence[str]) -> str:
    """A note: another value than in the instructions, with the same effect."""
    return f"is {shown(seen)}, which serves as well"


def delegation_missing(record: DnsRecord, parent: str) -> str:
    """The parent does not delegate the subdomain."""
    return f"Add to the zone {parent}: {record.name} NS {expected(record)}."


def delegation_partial(record: DnsRecord, absent: Sequence[str], parent: str) -> str:
    """The parent names some of the servers."""
    return f"Add to the NS records of {record.name} in the zone {parent}: {shown(absent)}."


def delegation_extra(record: DnsRecord, others: Sequence[str], parent: str) -> str:
    """The parent names servers that are not the zone's."""
    return f"Remove from the NS records of {record.name} in the zone {parent}: {shown(others)}."


def delegated_elsewhere(record: DnsRecord, seen: Sequence[str], parent: str) -> str:
    """The parent names other servers only."""
    return f"Change the NS records of {record.name} in the zone {parent} from {shown(seen)} to {expected(record)}."


def below_dname(record: DnsRecord, dname: str, zone: str) -> str:
    """A DNAME stands above the name, and leads to nothing of the type. Source: RFC 6672 2.4."""
    return (
        f"Remove the DNAME record of {escaped(dname)}, below which no name may have records, and add to the zone {zone}: "
        f"{record.name} {record.type} {expected(record)}."
    )


def also_behind(fix: str, names: Sequence[str]) -> str:
    """The remedy for other servers also needs the targets of CNAMEs at the right ones."""
    return f"{fix.rstrip('.')}; enter there too the others' records of {listed(names)}, to which the CNAME leads."


def wildcard(name: str) -> str:
    """A note: the record comes from a wildcard. Source: RFC 4592 2.2.1 and 3.3."""
    return f"the answer at {name} comes from a wildcard, which may stay: it does not apply to names with records of their own"


def wrong_level(
    record: DnsRecord, zone: str, parent: str, *, named: Sequence[str], own: Sequence[str], others: Sequence[str]
) -> str:
    """Our servers are named for a domain above the subdomain, and do not serve it.

    Args:
        record: the delegation in the setup instructions.
        zone: the domain above.
        parent: the zone above that, which names its servers.
        named: those of ours that `parent` names.
        own: those of ours that the domain's own NS records name.
        others: the domain's own servers, as far as they are still named.
    """
    only = f"only {record.name} goes to ours"
    if named and not others:
        return (
            f"Put the own name servers of {zone} back in the zone {parent}, at the domain's registrar: "
            f"{shown(named)} do not serve {zone}, so all of it is down; {only}."
        )
    places = [f"in the zone {parent} (at the domain's registrar)"] if named else []
    places += [f"in the zone {zone} itself"] if own else []
    stray = list(dict.fromkeys([*named, *own]))
    return (
        f"Remove from the NS records of {zone} {' and '.join(places)}: {shown(stray)}; they do not serve {zone}, so resolvers "
        f"that ask them get no answer; its own are {shown(others)}, and {only}."
    )


def zone_names_others(record: DnsRecord, seen: Sequence[str]) -> str:
    """The zone's own NS records differ from the setup instructions."""
    return f"Write the zone's own NS records of {record.name} back to {expected(record)}: they are {shown(seen)}."


def expected(record: DnsRecord) -> str:
    """The expected values, in quotation marks."""
    return ", ".join(f'"{value}"' for value in record.values)


def shown(values: Sequence[str]) -> str:
    """The first few values, with escapes."""
    more = len(values) - _SHOWN_VALUES
    return ", ".join(f'"{escaped(value)}"' for value in values[:_SHOWN_VALUES]) + (
        f" and {more} more" if more > 0 else ""
    )


def listed(servers: Iterable[str]) -> str:
    """Servers in a sentence, each once."""
    *first, last = dict.fromkeys(map(escaped, servers)) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def clause(problem: str) -> str:
    """A problem as part of a sentence."""
    return escaped(problem, 2 * _SHOWN_CHARACTERS).rstrip(".")
