"""Remedies for an SPF record, and remarks on one, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from constructs_lib.records import DnsRecord
from email_stack.dnscheck.remedies import clause, expected, serves_as_well, shown
from email_stack.output.printable import escaped

__all__ = [
    "spf_by_address",
    "spf_decides",
    "spf_end",
    "spf_error",
    "spf_leaves_open",
    "spf_lets_all_pass",
    "spf_not_passing",
    "spf_serves_as_well",
    "spf_temperror",
    "spf_unanswered",
    "spf_without",
    "through_terms",
    "too_many_lookups",
    "uncounted",
]


def too_many_lookups(record: DnsRecord, problem: str) -> str:
    """The SPF record costs more than receivers spend."""
    return f"Shorten the SPF record of {record.name}: it {clause(problem)}."


def spf_error(record: DnsRecord, problem: str) -> str:
    """Receivers cannot read the SPF record."""
    return f"Change the SPF record of {record.name} to {expected(record)}: {clause(problem)}."


def spf_without(record: DnsRecord, needed: Iterable[str], seen: str, *, before: str = "") -> str:
    """The SPF record does not allow SES; `before` is the term that decides for its servers, unless that is the end."""
    terms = " ".join(f"include:{domain}" for domain in needed)
    place = f'"{escaped(before)}", which decides otherwise' if before else "its end"
    return f'Add "{terms}" to the SPF record of {record.name}, in front of {place}: {shown([seen])}.'


def spf_not_passing(record: DnsRecord, domain: str, at: str, decides: str) -> str:
    """The record names SES, but a receiver's result for it is no pass."""
    whose = f"the SPF record of {escaped(at)}" + (
        "" if at == record.name else f", which that of {record.name} leads to"
    )
    return (
        f'Let "include:{domain}" decide in {whose}: write it without "-", "~" or "?", in front of every term that decides '
        f"otherwise, and let the terms that include it pass as well; {decides}."
    )


def spf_decides(term: str, result: str, address: str) -> str:
    """A clause: a receiver's result for an address of SES, and the deciding term."""
    by = f'"{escaped(term)}"' if term else "the end of the record"
    return f"now {by} decides, and receivers compute {result} for SES's {address}"


def spf_temperror(record: DnsRecord, needed: Iterable[str], term: str, problem: str) -> str:
    """A term in front of the one for SES gets no answer from DNS: receivers defer its mail. Source: RFC 7208 5.2."""
    terms = " ".join(f"include:{domain}" for domain in needed)
    return (
        f'Take "{escaped(term)}" out of the SPF record of {record.name}, or put "{terms}" in front of it, or repair the records it '
        f"leads to: receivers get no answer there and compute temperror for mail of SES, {clause(problem)}."
    )


def spf_leaves_open(record: DnsRecord, term: str, result: str) -> str:
    """A term decides for most of the internet, with neither pass nor fail."""
    why = f"by it receivers compute {result} for most of the internet"
    return f'Take "{escaped(term)}" out of the SPF record of {record.name}: {why}.'


def spf_by_address(seen: str, needed: Iterable[str], lookups: int) -> str:
    """A note: the record allows SES by its present addresses."""
    terms = " ".join(f"include:{domain}" for domain in needed)
    return f'{spf_serves_as_well(seen, lookups)}; SES\'s addresses change, and "{terms}" goes on holding then'


def spf_unanswered(record: DnsRecord, problem: str) -> str:
    """DNS gives no answer for a name that the SPF record includes, so it is unknown whether the record allows SES."""
    return f"Check again later, or repair what the SPF record of {record.name} leads to: {clause(problem)}."


def spf_end(record: DnsRecord, at: str, seen: str) -> str:
    """The SPF record does not decide on other senders, or allows them all."""
    own = at == record.name
    led = "" if own else f", which that of {record.name} redirects to"
    return f'End the SPF record of {escaped(at)}{led} in "~all" or "-all": {shown([seen])}.'


def spf_lets_all_pass(record: DnsRecord, terms: Sequence[str], at: str) -> str:
    """Terms of the record, or of one that it includes, let every sender pass."""
    return f"Take {shown(terms)} out of the SPF record of {record.name}: the record of {escaped(at)} lets every sender pass."


def spf_serves_as_well(seen: str, lookups: int) -> str:
    """A note: another SPF record that allows SES."""
    return f"{serves_as_well([seen])}; receivers spend {lookups} of 10 look-ups on it"


def uncounted(problem: str) -> str:
    """A note: the budget is unknown."""
    return f"its look-ups could not be counted: {clause(problem)}"


def through_terms(via: Sequence[str], needed: Sequence[str], lookups: int) -> str:
    """A note: SES is allowed by a record that this one includes."""
    return (
        f"{', '.join(needed)} is reached through {shown(via)}, which must go on including it; receivers spend {lookups} of 10 "
        "look-ups on the record"
    )
