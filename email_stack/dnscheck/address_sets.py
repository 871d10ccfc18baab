"""Sets of IP addresses as ranges, with removal of networks in time linear in their number. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal

__all__ = ["BITS", "Addresses", "Family", "network_range"]

Family = Literal[4, 6]
BITS: Final[dict[Family, int]] = {4: 32, 6: 128}


def network_range(address: str, prefix: int | None) -> tuple[int, int]:
    """First and last address of the network that `address` lies in, as numbers.

    Args:
        address: IPv4 or IPv6.
        prefix: bits that count; None for all.

    Raises:
        ValueError: no address, or more bits than it has.
    """
    network: IPv4Network | IPv6Network = ip_network(
        f"{address}/{prefix}" if prefix is not None else address, strict=False
    )
    return int(network.network_address), int(network.broadcast_address)


class Addresses:
    """A set of addresses of one family, as ranges that neither touch nor overlap.

    Args:
        ranges: first and last address of each, sorted and apart.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self._firsts.append(first)
            self._lasts.append(last)

    @classmethod
    def everybody(cls, family: Family) -> Addresses:
        """All addresses of the family."""
        return cls([(0, 2 ** BITS[family] - 1)])

    @classmethod
    def union(cls, sets: Iterable[Addresses]) -> Addresses:
        """The union of the sets."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(one for each in sets for one in each):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return cls(joined)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __len__(self) -> int:
        """Number of ranges."""
        return len(self._firsts)

    @property
    def count(self) -> int:
        """Number of addresses."""
        return sum(last - first + 1 for first, last in self)

    @property
    def first(self) -> str:
        """The lowest address as text. Raises `IndexError` for an empty set."""
        return str(ip_address(self._firsts[0]))

    def copy(self) -> Addresses:
        """A copy of the set."""
        return Addresses(self)

    def take(self, first: int, last: int) -> Addresses:
        """Remove the addresses from `first` to `last`, and return them."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return Addresses()
        taken = [
            (max(start, first), min(end, last))
            for start, end in zip(self._firsts[low:high], self._lasts[low:high], strict=True)
        ]
        left = []
        if self._firsts[low] < first:
            left.append((self._firsts[low], first - 1))
        if self._lasts[high - 1] > last:
            left.append((last + 1, self._lasts[high - 1]))
        self._firsts[low:high] = [one for one, _ in left]
        self._lasts[low:high] = [one for _, one in left]
        return Addresses(taken)

    def within(self, other: Addresses) -> Addresses:
        """The intersection of both sets."""
        rest = self.copy()
        return Addresses.union([rest.take(first, last) for first, last in other])
