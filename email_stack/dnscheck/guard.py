"""Limits queries for untrusted users: public addresses only, and a maximum number.

The owner of a domain chooses its servers' addresses. They may be of this machine, of its network, or of a cloud's credentials
service.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import Final

from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.transport import Network, NoAnswerError

__all__ = ["MOST_QUERIES", "GuardedNetwork", "IPNetwork", "is_public"]

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_QUERIES: Final = 100
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052 2.1: its last 32 bits are an IPv4 address, which a gateway asks."""


class GuardedNetwork(Network):
    """Asks servers at public addresses only, until the queries are spent.

    Args:
        resolvers: recursive servers of ours, at any address.
        queries: most questions in all. Default: 100.
        allowed: networks that may be asked, too, for tests on loopback. Default: none.
    """

    def __init__(
        self, *, resolvers: Collection[Endpoint], queries: int = MOST_QUERIES, allowed: Sequence[IPNetwork] = ()
    ) -> None:
        super().__init__()
        self._resolvers = frozenset(resolvers)
        self._left = queries
        self._allowed = tuple(allowed)

    async def ask(
        self, server: Endpoint, name: str, kind: str, *, recursive: bool = False, unchecked: bool = False
    ) -> Reply:
        """The reply of `Network.ask`. Raises NoAnswerError for refused questions, too."""
        if server not in self._resolvers and not is_public(server.address, self._allowed):
            raise NoAnswerError("is not asked: its address is not a public one")
        if self._left <= 0:
            raise NoAnswerError("is not asked: this check has asked too much already")
        self._left -= 1
        return await super().ask(server, name, kind, recursive=recursive, unchecked=unchecked)


def is_public(text: str, allowed: Sequence[IPNetwork] = ()) -> bool:
    """Whether an address is public: not private, loopback, link-local, reserved or multicast, and not mapped to such.

    Args:
        text: the address; an invalid one is not public.
        allowed: networks that count as public.

    Source: IANA's special-purpose address registries; RFC 3056 2 and RFC 6052 2.1 for IPv4 within IPv6.
    """
    address = _address(text)
    if address is None:
        return False
    if any(address.version == network.version and address in network for network in allowed):
        return True
    # Python's releases differ in what they say of these networks themselves.
    if (inner_address := _within(address)) is not None:
        return is_public(str(inner_address))
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    inner = address.ipv4_mapped or address.teredo
    return not (address.is_site_local or inner)


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which a NAT64 or 6to4 address leads; None for other addresses."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if isinstance(address, ipaddress.IPv6Address) else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
