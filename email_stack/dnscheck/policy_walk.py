"""Which DMARC policy holds for a domain that has no record of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from email_stack.dnscheck.dmarc import Dmarc, DmarcSyntaxError, Policy, is_dmarc, parse_dmarc
from email_stack.dnscheck.spf import SpfDnsError

__all__ = ["Governing", "governing_policy"]

LABELS_AT_MOST: Final = 8
"""A longer name is cut to 7 labels after its first question. Source: RFC 9989 4.10."""


class TextDns(Protocol):
    """The one question that a tree walk asks."""

    async def txt(self, name: str) -> Sequence[str]:
        """The TXT values of `name`. Raises `SpfDnsError` when the answer cannot be had."""


@dataclass(frozen=True, slots=True)
class Governing:
    """The policy that holds, and the domain whose record says so."""

    domain: str
    policy: Policy


async def governing_policy(domain: str, dns: TextDns) -> Governing | None:
    """The policy that receivers apply to `domain`, which has no DMARC record itself; None when none holds, or nobody can tell.

    The tree walk asks each domain above, at most 8 names. The record of the one with the fewest labels is the organization's
    and decides by its `sp`; `psd=n` ends the walk there, and behind `psd=y` the organization is one label below.

    Source: RFC 9989 4.10.1 and 4.10.2.
    """
    found: dict[str, Dmarc] = {}
    name = _next(domain)
    while name:
        try:
            texts = [text for text in await dns.txt(f"_dmarc.{name}") if is_dmarc(text)]
        except SpfDnsError:
            return None
        record = _read(texts)
        if record is not None:
            found[name] = record
            if record.public_suffix or record.organization:
                break
        name = _next(name)
    if not found:
        return None
    last = list(found)[-1]
    if found[last].public_suffix:
        below = ".".join(domain.split(".")[-last.count(".") - 2 :])
        last = below if below in found else last
    return Governing(last, found[last].subdomain_policy)


def _next(name: str) -> str:
    labels = name.split(".")
    return ".".join(labels[-LABELS_AT_MOST + 1 :] if len(labels) > LABELS_AT_MOST else labels[1:])


def _read(texts: list[str]) -> Dmarc | None:
    """The one record; several count as none."""
    try:
        return parse_dmarc(texts[0]) if len(texts) == 1 else None
    except DmarcSyntaxError:
        return None
