"""A tree of SPF records, searched for a domain. Pure: the records are values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from email_stack.dnscheck.spf_syntax import Mechanism, Modifier, SpfRecord

__all__ = ["SpfTree", "domain_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfTree:
    """A record and all records that it leads to.

    Args:
        domain: domain of the record.
        root: the record.
        nested: the records that include and redirect lead to, by domain. A missing one matches no address.
    """

    domain: str
    root: SpfRecord
    nested: Mapping[str, SpfRecord]

    def mentions(self, domain: str) -> str:
        """The domain of the first record with a reachable include of `domain`; "" for none."""
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


def _followed(record: SpfRecord) -> list[Mechanism | Modifier]:
    includes: list[Mechanism | Modifier] = [term for term in record.evaluated if term.name == "include"]
    return [*includes, record.redirect] if record.redirect is not None else includes


def domain_of(term: Mechanism | Modifier) -> str:
    """The domain that `term` names, as DNS compares names: lower case, without the trailing dot."""
    return term.value.removesuffix(".").lower()
