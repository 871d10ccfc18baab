"""The DMARC policy in force for a domain without a record, by the checker's questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from email_stack.dnscheck.spf import SpfDnsError
from mailroom.messages.dmarc import Governing, policy_above

__all__ = ["governing_policy"]


class TextDns(Protocol):
    """The question of a tree walk."""

    async def txt(self, name: str) -> Sequence[str]:
        """The TXT values of `name`. Raises `SpfDnsError` without an answer."""


async def governing_policy(domain: str, dns: TextDns) -> Governing | None:
    """The policy that receivers apply to `domain`, which has no DMARC record itself; None if there is none, or it is unknown."""
    walk = policy_above(domain)
    try:
        question = next(walk)
        while True:
            question = walk.send(await dns.txt(question))
    except StopIteration as end:
        found: Governing | None = end.value
        return found
    except SpfDnsError:
        return None
