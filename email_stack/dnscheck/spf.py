"""Costs of an SPF record for a receiver. Pure: DNS is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from email_stack.dnscheck.spf_syntax import Mechanism, Modifier, SpfRecord, SpfSyntaxError, is_spf, parse_spf
from email_stack.dnscheck.spf_tree import SpfTree, domain_of

__all__ = [
    "MAX_LOOKUPS",
    "MAX_VOIDS",
    "SpfBudget",
    "SpfDns",
    "SpfDnsError",
    "SpfRecord",
    "SpfSyntaxError",
    "evaluate_budget",
    "is_spf",
    "parse_spf",
]

MAX_LOOKUPS: Final = 10
MAX_VOIDS: Final = 2
MAX_MX_HOSTS: Final = 10

STOP_AT_LOOKUPS: Final = 30
"""Counting ends here. Each DNS question counts as a look-up, so this limits the questions too."""

_NAME_CHARACTERS: Final = 253
_SHOWN_CHARACTERS: Final = 80


class SpfDnsError(Exception):
    """There is no answer now; the text has the reason."""


class SpfDns(Protocol):
    """The DNS questions that SPF asks. Names are absolute, in lower case and without the trailing dot.

    An empty answer stands for NXDOMAIN and NODATA alike. Every method raises `SpfDnsError` without an answer.
    """

    async def txt(self, name: str) -> Sequence[str]:
        """The TXT values of `name`, the strings of each joined."""

    async def addresses(self, name: str) -> Sequence[str]:
        """The IPv4 and IPv6 addresses of `name`."""

    async def mx(self, name: str) -> Sequence[str]:
        """The mail hosts of `name`."""


Kind = Literal["ok", "too-many-lookups", "error", "temporary"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfBudget:
    """Costs of evaluating one record.

    Args:
        lookups: terms that make a receiver ask DNS, including those of all nested records; counting ends at 30.
        voids: those of them without a result.
        problem: a receiver's first problem, in one sentence; "" for none.
        kind: "ok"; "too-many-lookups", of either sort; "error", for which a receiver answers `permerror`; "temporary", if DNS did
            not answer.
        tree: the record with its nested records, as far as they were read; None if it is no SPF record.
    """

    lookups: int = 0
    voids: int = 0
    problem: str = ""
    kind: Kind = "ok"
    tree: SpfTree | None = None


async def evaluate_budget(text: str, domain: str, dns: SpfDns) -> SpfBudget:
    """The greatest cost of `text` for a receiver: that of a message for which no term matches before `all`.

    The terms include, a, mx, ptr, exists and redirect count. The term exp does not count, because its look-up has no limit; nor do
    the addresses of mx hosts, which have a limit of their own. A domain with macros depends on the message, so it counts, but its
    record is not read. The same holds for ptr, which asks about the sender's address.

    Args:
        text: the SPF record.
        domain: the name it stands at.
        dns: answers the questions, at most 30.

    Source: RFC 7208 4.6.4, 5.2 and 6.1.
    """
    try:
        record = parse_spf(text)
    except SpfSyntaxError as error:
        return SpfBudget(problem=str(error), kind="error")
    walk = _Walk(dns=dns)
    kind: Kind = "ok"
    problem = ""
    try:
        await walk.record(record, (_normal(domain),))
        excess = walk.excess()
    except _StopError as stop:
        kind, problem = stop.kind, str(stop)
        excess = walk.excess(more=True)
    if excess:
        # A receiver never gets to the terms behind the limit.
        kind, problem = "too-many-lookups", excess
    return SpfBudget(
        lookups=walk.lookups,
        voids=walk.voids,
        problem=problem,
        kind=kind,
        tree=SpfTree(domain=_normal(domain), root=record, nested=walk.found),
    )


class _StopError(Exception):
    """The walk ends here."""

    def __init__(self, kind: Kind, problem: str) -> None:
        self.kind = kind
        super().__init__(problem)


@dataclass(kw_only=True, slots=True)
class _Walk:
    dns: SpfDns
    lookups: int = 0
    voids: int = 0
    over: Literal["", "lookups", "voids"] = ""
    over_at: str = ""
    found: dict[str, SpfRecord] = field(default_factory=dict)

    async def record(self, record: SpfRecord, path: tuple[str, ...]) -> None:
        """Count all terms of `record`, which is at the last name of `path`."""
        for term in record.evaluated:
            if term.name in {"ip4", "ip6"}:
                continue
            self._count(term)
            if term.name == "include":
                await self._nested(term, path)
            elif term.name != "ptr" and "%" not in term.value:
                await self._hosts(term, path[-1])
        if record.redirect is not None:
            self._count(record.redirect)
            await self._nested(record.redirect, path)

    def excess(self, *, more: bool = False) -> str:
        """The sentence on the first exceeded limit; "" for none. With `more`, the count may be incomplete."""
        behind = " or more" if more else ""
        if self.over == "lookups":
            return f'needs {self.lookups}{behind} look-ups, {MAX_LOOKUPS} are allowed; "{self.over_at}" is the eleventh'
        if self.over == "voids":
            return f'{self.voids}{behind} look-ups find nothing, {MAX_VOIDS} may; "{self.over_at}" is the third'
        return ""

    def _count(self, term: Mechanism | Modifier) -> None:
        if self.lookups == STOP_AT_LOOKUPS:
            raise _StopError("too-many-lookups", "")
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS and not self.over:
            self.over, self.over_at = "lookups", _shown(term)

    def _count_void(self, term: Mechanism | Modifier) -> None:
        self.voids += 1
        if self.voids > MAX_VOIDS and not self.over:
            self.over, self.over_at = "voids", _shown(term)

    async def _hosts(self, term: Mechanism, current: str) -> None:
        name = _askable(term, current)
        try:
            found = await (self.dns.mx(name) if term.name == "mx" else self.dns.addresses(name))
        except SpfDnsError as error:
            raise _unanswered(term, error) from error
        if not found:
            self._count_void(term)
        if term.name == "mx" and len(found) > MAX_MX_HOSTS:
            raise _wrong(term, f"finds {len(found)} mail hosts, {MAX_MX_HOSTS} are allowed")

    async def _nested(self, term: Mechanism | Modifier, path: tuple[str, ...]) -> None:
        if "%" in term.value:
            return
        name = _askable(term, path[-1])
        if name in path:
            raise _wrong(term, f"leads back to {name}, which led here")
        try:
            values = await self.dns.txt(name)
        except SpfDnsError as error:
            raise _unanswered(term, error) from error
        if not values:
            self._count_void(term)
        records = [value for value in values if is_spf(value)]
        if len(records) != 1:
            raise _wrong(term, f"finds {len(records)} SPF records, must find one")
        try:
            record = parse_spf(records[0])
        except SpfSyntaxError as error:
            raise _wrong(term, f"finds a record that is wrong: {error}") from error
        self.found[name] = record
        await self.record(record, (*path, name))


def _wrong(term: Mechanism | Modifier, problem: str) -> _StopError:
    return _StopError("error", f'"{_shown(term)}" {problem}')


def _unanswered(term: Mechanism | Modifier, error: SpfDnsError) -> _StopError:
    return _StopError("temporary", f'"{_shown(term)}" got no answer: {error}')


def _askable(term: Mechanism | Modifier, current: str) -> str:
    """The name that `term` queries, `current` if it names none."""
    name = domain_of(term) or current
    # The grammar allows names that DNS cannot hold, and the backslash, which is special in every DNS library.
    if len(name) > _NAME_CHARACTERS or "\\" in name or not all(0 < len(part) <= 63 for part in name.split(".")):
        raise _wrong(term, "names what cannot be a DNS name")
    return name


def _normal(name: str) -> str:
    return name.removesuffix(".").lower()


def _shown(term: Mechanism | Modifier) -> str:
    text = str(term)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
