"""Costs of a settings API: of a look at due work, and of a million requests, as measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from email_stack.costs.prices import Price, memory_gb
from email_stack.costs.usage import REQUEST_SECONDS, Row

__all__ = ["LIST", "LOOK", "WRITE", "Taken", "listing", "look_of", "refusal", "writing"]

_TOKEN_SECONDS: Final = 0.002
"""To verify a token, and to write the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What one call takes of DynamoDB; a test measures it with the project's own code.

    Args:
        requests: their number.
        read: read units.
        written: write units of the table.
        indexed: write units of its indexes.
    """

    requests: int
    read: float
    written: int
    indexed: int = 0

    @property
    def prices(self) -> dict[Price, float]:
        """The same, by price."""
        return {Price.TABLE_READ: self.read, Price.TABLE_WRITE: self.written + self.indexed}

    @property
    def seconds(self) -> float:
        """Of the function's time."""
        return self.requests * REQUEST_SECONDS


LOOK: Final = Taken(requests=7, read=2.5, written=2)
"""A look that finds nothing to do: it takes and ends its hold, and asks for due work."""
LIST: Final = Taken(requests=3, read=3, written=0)
"""A list of an organisation's addresses."""
WRITE: Final = Taken(requests=7, read=5, written=9, indexed=2)
"""An added address: counter of the limit, address, claim, revision and audit; the organisation's mark moves in the index.

Source: DynamoDB developer guide, "Using Global Secondary Indexes": another value of an index's key is two writes.
"""


def look_of(function: Mapping[str, Any]) -> float:
    """Cost of one look without work; the argument has the function's properties."""
    lambda_ = Price.X86_SECOND.of(LOOK.seconds * memory_gb(function)) + Price.INVOCATION.of(1)
    return lambda_ + sum(price.of(number) for price, number in LOOK.prices.items())


def listing(function: Mapping[str, Any]) -> list[Row]:
    """Rows of a list of addresses; the argument has the API's function's properties."""
    return _rows(function, LIST)


def writing(function: Mapping[str, Any]) -> list[Row]:
    """Rows of an added address; the argument as above. Its deployment is left out."""
    return _rows(function, WRITE)


def refusal(function: Mapping[str, Any]) -> list[Row]:
    """Rows of a request with a bad token; the argument as above."""
    return _rows(function, Taken(requests=0, read=0, written=0))


def _rows(function: Mapping[str, Any], taken: Taken) -> list[Row]:
    memory, seconds = memory_gb(function), _TOKEN_SECONDS + taken.seconds
    written = taken.written + taken.indexed
    return [
        Row("API Gateway: an HTTP API", "1 request", {Price.API_REQUEST: 1}),
        Row(
            f"Lambda: token 2 ms, {taken.requests} requests of 15 ms",
            f"1 request; {seconds:.3f} s x {memory:g} GB",
            {Price.INVOCATION: 1, Price.X86_SECOND: seconds * memory},
        ),
        Row(
            "DynamoDB, a transaction's items twice",
            f"{taken.read:g} reads, {written:g} writes",
            taken.prices,
        ),
    ]
