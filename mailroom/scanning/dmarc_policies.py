"""DMARC policies of domains, from DNS."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from mailroom.messages.dmarc import DmarcPolicy, TextsError, governing_policy

__all__ = ["DmarcPolicies", "texts_of"]

_KEPT_SECONDS: Final = 3600.0
_KEPT: Final = 10_000
_LIFETIME: Final = 4.0
"""Seconds for one question, as long as any resolver takes."""
_MOST_SECONDS: Final = 12.0
"""Seconds for all questions about one domain."""


def texts_of(name: str, *, servers: Sequence[str] = (), port: int = 53, lifetime: float = _LIFETIME) -> list[str]:
    """The TXT values of a name, by the machine's resolver; none where it has none.

    Args:
        name: in A-labels.
        servers: addresses of resolvers. Default: the machine's.
        port: of these resolvers. Default: 53.
        lifetime: seconds to wait. Default: 4.

    Raises:
        TextsError: DNS gave no answer.
    """
    import dns.exception  # noqa: PLC0415 - mail that fails is rare
    import dns.resolver  # noqa: PLC0415

    try:
        resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            resolver.nameservers, resolver.port = list(servers), port
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=lifetime, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise TextsError(f"{name}: {type(error).__name__}") from error
    return [b"".join(one.strings).decode("utf-8", "replace") for one in answer]


@dataclass(slots=True)
class DmarcPolicies:
    """Policies of domains, each cached for an hour.

    Args:
        texts: looks up the TXT values of a name; raises `TextsError`. Default: the machine's resolver.
        clock: monotonic, in seconds.
    """

    texts: Callable[[str], Sequence[str]] = texts_of
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, tuple[float, DmarcPolicy]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, domain: str) -> DmarcPolicy:
        """The requested policy; UNKNOWN without an answer of DNS, which is not cached."""
        now = self.clock()
        with self._lock:
            until, known = self._kept.get(domain, (0.0, DmarcPolicy.UNKNOWN))
        if until > now:
            return known
        try:
            policy = governing_policy(domain, self._within(now + _MOST_SECONDS))
        except TextsError:
            return DmarcPolicy.UNKNOWN
        with self._lock:
            self._kept[domain] = (now + _KEPT_SECONDS, policy)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return policy

    def _within(self, end: float) -> Callable[[str], Sequence[str]]:
        def texts(name: str) -> Sequence[str]:
            if self.clock() > end:
                raise TextsError(f"{name}: too late")
            return self.texts(name)

        return texts
