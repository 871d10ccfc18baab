"""Receivers' results of an SPF record, for all addresses at once. Pure: DNS is an argument.

`check_host` of RFC 7208 4 gives one address one result. Here whole sets of addresses go through it: a mechanism removes its matches
from the set, and the rest goes on to the next. Each part counts its look-ups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from email_stack.dnscheck.address_sets import BITS, Addresses, Family, network_range
from email_stack.dnscheck.spf import MAX_LOOKUPS, MAX_MX_HOSTS, MAX_VOIDS, SpfDns, SpfDnsError
from email_stack.dnscheck.spf_macros import expand
from email_stack.dnscheck.spf_syntax import Mechanism, Modifier, SpfRecord, SpfSyntaxError, is_spf, parse_spf

__all__ = ["FAMILIES", "Decided", "Result", "evaluate"]

Result = Literal["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror", "unknown"]

FAMILIES: Final[tuple[Family, Family]] = (4, 6)

QUESTIONS_AT_MOST: Final = 100
"""More than any record within the limits needs: further questions count as unanswered."""

_RESULTS: Final[dict[str, Result]] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_PTR_OF_SES: Final = "amazonses.com"


@dataclass(frozen=True, slots=True)
class Decided:
    """Addresses with one result.

    Args:
        addresses: the addresses.
        result: a receiver's result; "unknown" if it depends on more than the address.
        path: the terms on the way, the record's own first; the last one decided. Empty if no term did.
        at: the domain of the last term's record, or of the record that ends without a match.
        reason: of an error; "" otherwise.
    """

    addresses: Addresses
    result: Result
    path: tuple[str, ...]
    at: str
    reason: str = ""


async def evaluate(text: str, domain: str, family: Family, dns: SpfDns) -> list[Decided]:
    """Receivers' results for all addresses of the family, for mail from an address at `domain`.

    If a term depends on more than the address, as macros of the sender's local part do, its addresses are "unknown" where the rest
    of the record would give another result.

    Args:
        text: the SPF record.
        domain: the name it stands at, lower case, no trailing dot.
        family: 4 or 6.
        dns: answers at most 100 questions.

    Source: RFC 7208 4.6, 5 and 6.1.
    """
    try:
        record = parse_spf(text)
    except SpfSyntaxError as error:
        return [Decided(Addresses.everybody(family), "permerror", (), domain, str(error))]
    run = _Run(dns=dns, sender=domain, family=family)
    return [_told(end) for end in await run.record(record, domain, [_Part(Addresses.everybody(family))])]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A term that may have matched: its result, and its record."""

    result: Result
    path: tuple[str, ...]
    at: str


_Doubts = tuple[_Doubt, ...]


@dataclass(slots=True)
class _Part:
    """Addresses that no term has matched yet, and their costs.

    Args:
        addresses: the addresses.
        lookups: terms that asked DNS.
        voids: those without a result.
        doubts: terms of this record that may have matched before.
        outer: the same of the records that led here, the outermost first.
    """

    addresses: Addresses
    lookups: int = 0
    voids: int = 0
    doubts: _Doubts = ()
    outer: tuple[_Doubts, ...] = ()

    def end(self, decided: Decided) -> _End:
        """The decided part."""
        return _End(decided, self.lookups, self.voids, self.doubts, self.outer)


@dataclass(frozen=True, slots=True)
class _End:
    """A part that was decided; the rest as in `_Part`."""

    decided: Decided
    lookups: int
    voids: int
    doubts: _Doubts
    outer: tuple[_Doubts, ...]


class _Unanswered(Exception):  # noqa: N818 - no error of ours: what a receiver computes then is temperror
    """DNS gave no answer."""


@dataclass(slots=True)
class _Run:
    dns: SpfDns
    sender: str
    family: Family
    asked: set[tuple[str, str]] = field(default_factory=set)

    async def record(self, record: SpfRecord, domain: str, parts: list[_Part]) -> list[_End]:
        """Results of `parts` in one record, with the record's own doubts."""
        ends: list[_End] = []
        for term in record.evaluated:
            if not parts:
                break
            if term.name in {"ip4", "ip6"}:
                self._network(term, domain, parts, ends)
            else:
                parts = await self._looked_up(term, domain, parts, ends)
            parts = [part for part in parts if part.addresses]
        if record.all is not None:
            result, path = _RESULTS[record.all.qualifier], (str(record.all),)
            return ends + [_settled(part, result, path, domain) for part in parts]
        if record.redirect is not None:
            return ends + await self._redirected(record.redirect, domain, parts)
        return ends + [_settled(part, "neutral", (), domain) for part in parts]

    def _network(self, term: Mechanism, domain: str, parts: list[_Part], ends: list[_End]) -> None:
        prefix = term.ip4_prefix if term.name == "ip4" else term.ip6_prefix
        if (term.name == "ip4") == (self.family == 4):
            first, last = network_range(term.value, prefix)
            for part in parts:
                _match(part, part.addresses.take(first, last), term, domain, ends)

    async def _looked_up(self, term: Mechanism, domain: str, parts: list[_Part], ends: list[_End]) -> list[_Part]:
        """The parts that go on behind a term that asks DNS."""
        parts = _counted(term, domain, parts, ends)
        if not parts:
            return parts
        name = expand(term.value, domain=domain, sender=self.sender, family=self.family) if term.value else domain
        if term.name == "ptr":
            # SES's servers have names below amazonses.com; the names of other servers are unknown here.
            return _doubtful(term, domain, parts) if name is None or _PTR_OF_SES.endswith(name) else parts
        if name is None:
            return _doubtful(term, domain, parts)
        try:
            if term.name == "include":
                return await self._included(term, name, parts, ends)
            return await self._found(term, name, domain, parts, ends)
        except _Unanswered as error:
            ends += [_broken(part, "temperror", term, domain, str(error)) for part in parts]
        except _TooManyHostsError as error:
            ends += [_broken(part, "permerror", term, domain, str(error)) for part in parts]
        return []

    async def _found(
        self, term: Mechanism, name: str, domain: str, parts: list[_Part], ends: list[_End]
    ) -> list[_Part]:
        """The parts that go on behind a, mx or exists. Raises the errors of `_hosts`."""
        found = [one async for one in self._hosts(term, name)]
        if not found:
            return _counted_void(term, domain, parts, ends)
        everybody = [(0, 2 ** BITS[self.family] - 1)]
        ranges = (
            everybody if term.name == "exists" else [one for address in found for one in self._ranges(term, address)]
        )
        for part in parts:
            for first, last in ranges:
                _match(part, part.addresses.take(first, last), term, domain, ends)
        return parts

    def _ranges(self, term: Mechanism, address: str) -> list[tuple[int, int]]:
        if not address or (":" in address) != (self.family == 6):
            return []
        return [network_range(address, term.ip4_prefix if self.family == 4 else term.ip6_prefix)]

    async def _hosts(self, term: Mechanism, name: str) -> AsyncIterator[str]:
        """Results of the term: addresses of the family; for exists any IPv4 address; for mx also "", for a host without one."""
        if term.name != "mx":
            for address in await self._ask("addresses", name):
                if (":" in address) == (term.name != "exists" and self.family == 6):
                    yield address
            return
        hosts = await self._ask("mx", name)
        if len(hosts) > MAX_MX_HOSTS:
            raise _TooManyHostsError(f'"{term}" finds {len(hosts)} mail hosts, {MAX_MX_HOSTS} are allowed')
        for host in hosts:
            yield ""
            for address in await self._ask("addresses", host.removesuffix(".").lower()):
                yield address

    async def _included(self, term: Mechanism, name: str, parts: list[_Part], ends: list[_End]) -> list[_Part]:
        """The parts that go on behind an include: addresses that pass the record at `name` match; its errors are errors here."""
        going_on: dict[tuple[int, int, _Doubts, tuple[_Doubts, ...]], list[Addresses]] = defaultdict(list)
        for end in await self._nested(term, name, parts):
            one, doubts, outer = end.decided, end.outer[-1], end.outer[:-1]
            path = (str(term), *one.path)
            possible = {one.result, *(doubt.result for doubt in end.doubts)}
            if possible == {"pass"}:
                decided = Decided(one.addresses, _RESULTS[term.qualifier], path, one.at)
                ends.append(_End(decided, end.lookups, end.voids, doubts, outer))
                continue
            if possible & {"pass", "unknown"}:
                doubts = (*doubts, _Doubt(_RESULTS[term.qualifier], path, one.at))
            if one.result in {"permerror", "temperror", "none"}:
                result: Result = "permerror" if one.result == "none" else one.result
                decided = Decided(one.addresses, result, path, one.at, one.reason)
                ends.append(_End(decided, end.lookups, end.voids, doubts, outer))
            else:
                going_on[end.lookups, end.voids, doubts, outer].append(one.addresses)
        return [_Part(Addresses.union(sets), *spent) for spent, sets in going_on.items()]

    async def _redirected(self, term: Modifier, domain: str, parts: list[_Part]) -> list[_End]:
        ends: list[_End] = []
        parts = _counted(term, domain, parts, ends)
        name = expand(term.value, domain=domain, sender=self.sender, family=self.family)
        if name is None:
            return ends + [_settled(part, "unknown", (str(term),), domain) for part in parts]
        try:
            inner = await self._nested(term, name, parts) if parts else []
        except _Unanswered as error:
            return ends + [_broken(part, "temperror", term, domain, str(error)) for part in parts]
        for end in inner:
            one = end.decided
            result: Result = "permerror" if one.result == "none" else one.result
            decided = Decided(one.addresses, result, (str(term), *one.path), one.at, one.reason)
            doubts = (*end.outer[-1], *end.doubts)
            ends.append(_End(decided, end.lookups, end.voids, doubts, end.outer[:-1]))
        return ends

    async def _nested(self, term: Mechanism | Modifier, name: str, parts: list[_Part]) -> list[_End]:
        """Results of the parts by the record at `name`; "none" unless it has exactly one record. Raises `_Unanswered`."""
        records = [value for value in await self._ask("txt", name) if is_spf(value)]
        inside = [_Part(part.addresses, part.lookups, part.voids, (), (*part.outer, part.doubts)) for part in parts]
        reason = f'"{term}" finds {len(records)} SPF records, must find one'
        if len(records) == 1:
            try:
                return await self.record(parse_spf(records[0]), name, inside)
            except SpfSyntaxError as error:
                reason = f'"{term}" finds a record that is wrong: {error}'
        result: Result = "permerror" if records else "none"
        return [part.end(Decided(part.addresses, result, (), name, reason)) for part in inside]

    async def _ask(self, kind: Literal["txt", "addresses", "mx"], name: str) -> Sequence[str]:
        if len(name) > 253 or "\\" in name or not all(0 < len(part) <= 63 for part in name.split(".")):
            return ()
        self.asked.add((kind, name))
        if len(self.asked) > QUESTIONS_AT_MOST:
            raise _Unanswered(f"more than {QUESTIONS_AT_MOST} questions")
        ask = {"txt": self.dns.txt, "addresses": self.dns.addresses, "mx": self.dns.mx}[kind]
        try:
            return await ask(name)
        except SpfDnsError as error:
            raise _Unanswered(f"{name}: {error}") from error


class _TooManyHostsError(Exception):
    """The term finds more mail hosts than a receiver may query."""


def _counted(term: Mechanism | Modifier, domain: str, parts: list[_Part], ends: list[_End]) -> list[_Part]:
    """The parts that may spend one look-up more; the others end as `permerror`. Source: RFC 7208 4.6.4."""
    going_on = []
    for part in parts:
        part.lookups += 1
        if part.lookups > MAX_LOOKUPS:
            reason = f'"{term}" would be look-up {part.lookups}, {MAX_LOOKUPS} are allowed'
            ends.append(_broken(part, "permerror", term, domain, reason))
        else:
            going_on.append(part)
    return going_on


def _counted_void(term: Mechanism | Modifier, domain: str, parts: list[_Part], ends: list[_End]) -> list[_Part]:
    going_on = []
    for part in parts:
        part.voids += 1
        if part.voids > MAX_VOIDS:
            reason = f'"{term}" is the third that finds nothing, {MAX_VOIDS} may'
            ends.append(_broken(part, "permerror", term, domain, reason))
        else:
            going_on.append(part)
    return going_on


def _doubtful(term: Mechanism, domain: str, parts: list[_Part]) -> list[_Part]:
    doubt = _Doubt(_RESULTS[term.qualifier], (str(term),), domain)
    for part in parts:
        part.doubts = (*part.doubts, doubt)
    return parts


def _match(part: _Part, matched: Addresses, term: Mechanism, domain: str, ends: list[_End]) -> None:
    if matched:
        ends.append(part.end(Decided(matched, _RESULTS[term.qualifier], (str(term),), domain)))


def _settled(part: _Part, result: Result, path: tuple[str, ...], domain: str) -> _End:
    return part.end(Decided(part.addresses, result, path, domain))


def _told(end: _End) -> Decided:
    """The result, or "unknown" by the first term that may have decided otherwise."""
    one = end.decided
    doubt = next((doubt for doubt in end.doubts if doubt.result != one.result), None)
    return one if doubt is None else Decided(one.addresses, "unknown", doubt.path, doubt.at)


def _broken(part: _Part, result: Result, term: Mechanism | Modifier, domain: str, reason: str) -> _End:
    return part.end(Decided(part.addresses, result, (str(term),), domain, reason))
