"""The verdict on an SPF record: every address of SES passes, and the whole internet does not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from constructs_lib.records import DnsRecord
from email_stack.dnscheck import spf_remedies
from email_stack.dnscheck.address_sets import Addresses, Family
from email_stack.dnscheck.judgement import Judgement
from email_stack.dnscheck.model import Status
from email_stack.dnscheck.spf import SpfBudget, SpfDns, evaluate_budget, parse_spf
from email_stack.dnscheck.spf_evaluation import FAMILIES, Decided, Result, evaluate
from email_stack.dnscheck.spf_tree import domain_of

__all__ = ["JudgedSpf", "Senders", "evaluate_spf", "judge_spf"]

PUBLIC: Final[dict[Family, tuple[int, int]]] = {4: (0, 2**32 - 1), 6: (0x2000 << 112, (0x4000 << 112) - 1)}
"""Addresses of the internet: for IPv6, the assigned ones (2000::/3)."""

_SETTLED: Final[set[Result]] = {"fail", "softfail", "unknown", "temperror"}
"""Allowed results for unnamed addresses: no pass, or unknown."""

_TERMS_NAMED: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Senders:
    """Receivers' results for the addresses of one family.

    Args:
        family: 4 or 6.
        ses: SES's addresses: those that pass the record of the setup instructions.
        decided: the results of all addresses, each in one of the sets.
    """

    family: Family
    ses: Addresses
    decided: tuple[Decided, ...]

    @property
    def of_ses(self) -> list[tuple[Addresses, Decided]]:
        """Results of SES's addresses, the most frequent first."""
        found = [(one.addresses.within(self.ses), one) for one in self.decided]
        return sorted(((part, one) for part, one in found if part), key=lambda pair: -pair[0].count)

    @property
    def everybody(self) -> tuple[Decided, ...]:
        """The fewest results that let more than half of the internet pass, the biggest first; empty if less passes."""
        first, last = PUBLIC[self.family]
        passing = [(one, Addresses.union([one.addresses]).take(first, last).count) for one in self.decided]
        passing = sorted(((one, count) for one, count in passing if one.result == "pass"), key=lambda pair: -pair[1])
        if 2 * sum(count for _, count in passing) <= last - first + 1:
            return ()
        left, blamed = sum(count for _, count in passing), list[Decided]()
        for one, count in passing:
            # A term that lets a /8 pass is blamed with the others.
            if 2 * left <= last - first + 1 and count << 8 <= last - first + 1:
                break
            blamed.append(one)
            left -= count
        return tuple(blamed)

    @property
    def unnamed(self) -> Decided:
        """The most frequent result of addresses that do not pass."""
        others = [one for one in self.decided if one.result != "pass"] or list(self.decided)
        return max(others, key=lambda one: one.addresses.count)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedSpf:
    """One SPF record: its costs, and receivers' results for senders of both families."""

    budget: SpfBudget
    senders: tuple[Senders, ...]


async def evaluate_spf(text: str, record: DnsRecord, dns: SpfDns) -> JudgedSpf:
    """Receivers' results of `text` in the place of `record`, which lets SES's addresses pass."""
    budget = await evaluate_budget(text, record.name, dns)
    senders = []
    for family in FAMILIES:
        wanted = await evaluate(record.values[0], record.name, family, dns)
        ses = Addresses.union(one.addresses for one in wanted if one.result == "pass")
        decided = wanted if text == record.values[0] else await evaluate(text, record.name, family, dns)
        senders.append(Senders(family=family, ses=ses, decided=tuple(decided)))
    return JudgedSpf(budget=budget, senders=tuple(senders))


def judge_spf(record: DnsRecord, found: str, judged: JudgedSpf) -> Judgement:
    """The verdict on the SPF record `found` in the place of `record`."""
    budget = judged.budget
    if budget.kind == "too-many-lookups":
        return Judgement(Status.TOO_MANY_LOOKUPS, spf_remedies.too_many_lookups(record, budget.problem))
    if budget.kind == "error" or budget.tree is None:
        return Judgement(Status.WRONG, spf_remedies.spf_error(record, budget.problem))
    needed = sorted(domain_of(term) for term in parse_spf(record.values[0]).evaluated if term.name == "include")
    fault = _first(
        *(_everybody(record, found, one) for one in judged.senders),
        _unknown_ses(record, judged),
        *(_of_ses(record, found, judged, one, needed) for one in judged.senders),
        *(_unnamed(record, found, one) for one in judged.senders),
    )
    return fault or _right(record, found, judged, needed)


def _first(*faults: Judgement | None) -> Judgement | None:
    return next((fault for fault in faults if fault is not None), None)


def _everybody(record: DnsRecord, found: str, senders: Senders) -> Judgement | None:
    """All senders pass: by the end of the record, or by terms of it."""
    passing = senders.everybody
    if not passing:
        return None
    most = passing[0]
    if _ends(most):
        return Judgement(Status.WRONG, spf_remedies.spf_end(record, most.at, found))
    terms = list(dict.fromkeys(one.path[0] for one in passing))[:_TERMS_NAMED]
    return Judgement(Status.WRONG, spf_remedies.spf_lets_all_pass(record, terms, most.at))


def _unknown_ses(record: DnsRecord, judged: JudgedSpf) -> Judgement | None:
    """SES's addresses are unknown, so it is unknown whether they pass."""
    if any(senders.ses for senders in judged.senders):
        return None
    return Judgement(
        Status.UNREACHABLE, spf_remedies.spf_unanswered(record, judged.budget.problem or "SES's own SPF record")
    )


def _of_ses(
    record: DnsRecord, found: str, judged: JudgedSpf, senders: Senders, needed: Sequence[str]
) -> Judgement | None:
    """The term that keeps addresses of SES from passing: the one that decides for most of them."""
    kept = next(((part, one) for part, one in senders.of_ses if one.result != "pass"), None)
    tree = judged.budget.tree
    if kept is None or tree is None:
        return None
    part, one = kept
    term = one.path[0] if one.path else ""
    if one.result == "temperror":
        return Judgement(Status.UNREACHABLE, spf_remedies.spf_temperror(record, needed, term, one.reason))
    if one.result in {"permerror", "none"}:
        return Judgement(Status.WRONG, spf_remedies.spf_error(record, one.reason))
    decides = spf_remedies.spf_decides(term, one.result, part.first)
    mentioned = [(domain, at) for domain in needed if (at := tree.mentions(domain))]
    if mentioned:
        domain, at = mentioned[0]
        return Judgement(Status.WRONG, spf_remedies.spf_not_passing(record, domain, at, decides))
    before = "" if _ends(one) else term
    return Judgement(Status.WRONG, spf_remedies.spf_without(record, needed, found, before=before))


def _unnamed(record: DnsRecord, found: str, senders: Senders) -> Judgement | None:
    """Result of most unnamed addresses: they must not pass."""
    one = senders.unnamed
    if one.result in _SETTLED:
        return None
    if one.result in {"permerror", "none"}:
        return Judgement(Status.WRONG, spf_remedies.spf_error(record, one.reason))
    if _ends(one):
        return Judgement(Status.WRONG, spf_remedies.spf_end(record, one.at, found))
    return Judgement(Status.WRONG, spf_remedies.spf_leaves_open(record, one.path[0], one.result))


def _right(record: DnsRecord, found: str, judged: JudgedSpf, needed: Sequence[str]) -> Judgement:
    budget = judged.budget
    own = {
        domain_of(term)
        for term in (budget.tree.root.evaluated if budget.tree else ())
        if term.name == "include" and term.qualifier == "+"
    }
    # An include of the record itself suffices, even if another include comes first.
    missing = {domain for domain in needed if domain not in own}
    paths = [one.path for senders in judged.senders for _, one in senders.of_ses] if missing else []
    via = tuple(dict.fromkeys(term for path in paths for term in _before(path, missing)))
    notes = []
    if via:
        notes.append(spf_remedies.through_terms(via, needed, budget.lookups))
    elif missing and not any(_names(term, missing) for path in paths for term in path):
        notes.append(spf_remedies.spf_by_address(found, needed, budget.lookups))
    elif found != record.values[0] and budget.kind != "temporary":
        notes.append(spf_remedies.spf_serves_as_well(found, budget.lookups))
    if budget.kind == "temporary":
        notes.append(spf_remedies.uncounted(budget.problem))
    return Judgement(Status.OK, note="; ".join(notes), via=via)


def _before(path: Sequence[str], domains: Iterable[str]) -> Iterator[str]:
    """The terms in front of the one that names one of the domains; without such a term, those in front of the last."""
    end = next((at for at, term in enumerate(path) if _names(term, domains)), len(path) - 1)
    return iter(path[:end])


def _names(term: str, domains: Iterable[str]) -> bool:
    return any(
        term.lower().lstrip("+").removesuffix(".") in {f"include:{domain}", f"redirect={domain}"} for domain in domains
    )


def _ends(one: Decided) -> bool:
    """Whether the end of a record decided: its own, or that of one that it redirects to."""
    *before, last = one.path or ("all",)
    return all(term.startswith("redirect=") for term in before) and (
        last.startswith("redirect=") or last.lstrip("+-~?") == "all"
    )
