"""What a tree of SPF records results in for a sender. Pure: the records come in as values.

A sender is what a mechanism matches: here the servers behind one `include`, or nobody in particular. Every other mechanism that
asks for addresses is taken not to match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from email_stack.dnscheck.spf_syntax import Mechanism, Modifier, SpfRecord

__all__ = ["SpfResult", "SpfTree", "domain_of"]

Outcome = Literal["+", "-", "~", "?", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class SpfResult:
    """What a receiver computes.

    Args:
        outcome: the qualifier of the term that matched; "none" when none does, which is neutral; "unknown" behind a redirect
            whose domain depends on the message.
        path: the terms that led there, the record's own first: the last one matched.
        at: the domain of the record that the last one stands in, or that ends without a match.
        matched: the domain of the include or redirect that matched; "" when `all` did, or nothing.
    """

    outcome: Outcome
    path: tuple[str, ...]
    at: str
    matched: str = ""

    @property
    def passes(self) -> bool:
        """Whether it is a pass."""
        return self.outcome == "+"


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfTree:
    """A record and all that it leads to.

    Args:
        domain: where the record stands.
        root: the record.
        nested: the records that include and redirect lead to, by domain. One that is not there matches nobody.
    """

    domain: str
    root: SpfRecord
    nested: Mapping[str, SpfRecord]

    def behind(self, domain: str) -> SpfResult:
        """The result for the servers that `include:domain` stands for: the first term that matches decides.

        Source: RFC 7208 4.6.2, 5.2 and 6.1.
        """
        return _Evaluation(self, domain).result(self.root, self.domain)

    def stranger(self) -> SpfResult:
        """The result for a sender that nothing but `all` matches."""
        return _Evaluation(self, None).result(self.root, self.domain)

    def mentions(self, domain: str) -> str:
        """The domain of the first record that includes `domain` where evaluation may get to it; "" when none does."""
        waiting, seen = [(self.domain, self.root)], {self.domain}
        while waiting:
            at, record = waiting.pop(0)
            for name in map(domain_of, _followed(record)):
                if name == domain:
                    return at
                if name in self.nested and name not in seen:
                    seen.add(name)
                    waiting.append((name, self.nested[name]))
        return ""


@dataclass(slots=True)
class _Evaluation:
    """One evaluation for one sender: each nested record is evaluated once, however often it is included."""

    tree: SpfTree
    sender: str | None
    known: dict[str, SpfResult | None] = field(default_factory=dict)

    def result(self, record: SpfRecord, at: str) -> SpfResult:
        for term in record.evaluated:
            if term.name != "include":
                continue
            if domain_of(term) == self.sender:
                return SpfResult(term.qualifier, (str(term),), at, domain_of(term))
            inner = self.nested(term)
            if inner is not None and inner.passes:
                return SpfResult(term.qualifier, (str(term), *inner.path), inner.at, inner.matched)
        return self.end(record, at)

    def end(self, record: SpfRecord, at: str) -> SpfResult:
        """The result where no include matched."""
        if record.all is not None:
            return SpfResult(record.all.qualifier, (str(record.all),), at)
        if record.redirect is None:
            return SpfResult("none", (), at)
        if domain_of(record.redirect) == self.sender:
            return SpfResult("+", (str(record.redirect),), at, domain_of(record.redirect))
        inner = self.nested(record.redirect)
        if inner is None:
            return SpfResult("unknown", (str(record.redirect),), at)
        return SpfResult(inner.outcome, (str(record.redirect), *inner.path), inner.at, inner.matched)

    def nested(self, term: Mechanism | Modifier) -> SpfResult | None:
        name = domain_of(term)
        if name not in self.known:
            # A record that leads back to itself matches nobody.
            self.known[name] = None
            record = self.tree.nested.get(name)
            if record is not None:
                self.known[name] = self.result(record, name)
        return self.known[name]


def _followed(record: SpfRecord) -> list[Mechanism | Modifier]:
    includes: list[Mechanism | Modifier] = [term for term in record.evaluated if term.name == "include"]
    return [*includes, record.redirect] if record.redirect is not None else includes


def domain_of(term: Mechanism | Modifier) -> str:
    """The domain that `term` names, as DNS compares names: lower case, without the trailing dot."""
    return term.value.removesuffix(".").lower()
