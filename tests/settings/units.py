"""Counts DynamoDB's request units of a client's requests: what items below 1 kB, and pages below 4 kB, take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["Units", "counted_units"]


@dataclass
class Units:
    """Units of the table and its indexes, and the number of requests. An index takes a write for each item that has its keys.

    Source: DynamoDB developer guide, "DynamoDB read and write operations": half a unit for an eventually consistent read, and two
    for each item of a transaction.
    """

    requests: int = 0
    read: float = 0
    written: float = 0

    def add(self, operation: str, request: dict[str, Any]) -> None:
        """Count a request."""
        self.requests += 1
        match operation:
            case "GetItem" | "Query":
                self.read += 1 if request.get("ConsistentRead") else 0.5
            case "PutItem" | "UpdateItem" | "DeleteItem":
                self.written += 1
            case "TransactWriteItems":
                self.written += 2 * len(request["TransactItems"])
            case _:
                raise ValueError(f"units: {operation} is not counted")


@contextmanager
def counted_units(client: Any) -> Iterator[Units]:
    """Count the requests of a client."""
    units = Units()

    def add(params: dict[str, Any], model: Any, **_: Any) -> None:
        units.add(model.name, params)

    client.meta.events.register("provide-client-params.dynamodb", add)
    try:
        yield units
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb", add)
