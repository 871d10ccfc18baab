"""Worlds of SPF records, and a receiver that evaluates them for one address: RFC 7208 4 and 5 word by word, as an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from email_stack.dnscheck.spf import SpfDnsError
from email_stack.dnscheck.spf_syntax import Mechanism, SpfSyntaxError, is_spf, parse_spf

__all__ = ["Receiver", "World"]

RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class World:
    """Names with their values, each "TXT ...", "A ...", "AAAA ..." or "MX 10 host"; names in `silent` do not answer."""

    def __init__(self, records: Mapping[str, Sequence[str]], silent: Sequence[str] = ()) -> None:
        self.records = records
        self.silent = silent
        self.asked = 0

    def values(self, name: str, kind: str) -> list[str]:
        """The values of one type."""
        self.asked += 1
        if name in self.silent:
            raise SpfDnsError("timed out")
        return [value.partition(" ")[2] for value in self.records.get(name, ()) if value.startswith(f"{kind} ")]

    async def txt(self, name: str) -> list[str]:
        """The TXT values."""
        return self.values(name, "TXT")

    async def addresses(self, name: str) -> list[str]:
        """The addresses of both kinds."""
        return [*self.values(name, "A"), *self.values(name, "AAAA")]

    async def mx(self, name: str) -> list[str]:
        """The mail hosts."""
        return [value.partition(" ")[2] for value in self.values(name, "MX")]


class _EndError(Exception):
    """Evaluation ends here, with this result."""


@dataclass
class Receiver:
    """One evaluation for one address. Macros are not expanded: its worlds have none."""

    world: World
    address: str
    lookups: int = 0
    voids: int = 0

    def check_host(self, domain: str) -> str:
        """The result in the RFC's words."""
        try:
            return self._check(domain)
        except SpfDnsError:
            return "temperror"
        except (_EndError, SpfSyntaxError):
            return "permerror"

    def _check(self, domain: str) -> str:
        texts = [text for text in self.world.values(domain, "TXT") if is_spf(text)]
        if not texts:
            return "none"
        if len(texts) > 1:
            raise _EndError
        record = parse_spf(texts[0])
        for term in record.terms:
            if isinstance(term, Mechanism) and self._matches(term, domain):
                return RESULTS[term.qualifier]
        if record.redirect is None:
            return "neutral"
        self._count()
        result = self._check(record.redirect.value)
        if result == "none":
            raise _EndError
        return result

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > 10:
            raise _EndError

    def _void(self, found: Sequence[str]) -> None:
        self.voids += not found
        if self.voids > 2:
            raise _EndError

    def _matches(self, term: Mechanism, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.name in {"ip4", "ip6"}:
            return self._within(term.value, term.ip4_prefix if term.name == "ip4" else term.ip6_prefix)
        self._count()
        name = term.value or domain
        if term.name == "include":
            result = self._check(name)
            if result == "none":
                raise _EndError
            return result == "pass"
        if term.name == "exists":
            found = self.world.values(name, "A")
            self._void(found)
            return bool(found)
        kind = "AAAA" if ":" in self.address else "A"
        if term.name == "mx":
            hosts = [value.partition(" ")[2] for value in self.world.values(name, "MX")]
            self._void(hosts)
            if len(hosts) > 10:
                raise _EndError
            addresses = [address for host in hosts for address in self.world.values(host, kind)]
        else:
            addresses = self.world.values(name, kind)
            self._void(addresses)
        prefix = term.ip6_prefix if kind == "AAAA" else term.ip4_prefix
        return any(self._within(address, prefix) for address in addresses)

    def _within(self, address: str, prefix: int | None) -> bool:
        network = ip_network(f"{address}/{prefix}" if prefix is not None else address, strict=False)
        return ip_address(self.address) in network
