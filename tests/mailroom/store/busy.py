"""A DynamoDB in memory whose calls take time, and whose transactions meet others: for tests of many writers at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.mailroom.store.memory import Key, MemoryTable, failure, key_of

__all__ = ["BusyTable"]

CALL_SECONDS = 0.002
TRANSACTION_SECONDS = 0.006


@dataclass
class BusyTable(MemoryTable):
    """Each call takes a few milliseconds by chance; a transaction holds its items for that time, and whoever writes one meets it.

    Source: DynamoDB developer guide, "Transaction conflict handling": a write that meets a transaction on the same item is refused,
    be it alone or a transaction itself. Reads are not.

    Args:
        conflicts: number of writes that met a transaction, by call.
    """

    conflicts: Counter[str] = field(default_factory=Counter)
    _held: set[Key] = field(default_factory=set)

    def transact_write_items(self, *, TransactItems: Any, **request: Any) -> Any:  # noqa: N803
        """TransactWriteItems."""
        keys = [key_of(one) for one in TransactItems]
        with self._lock:
            reasons = ["TransactionConflict" if key in self._held else "None" for key in keys]
            if "TransactionConflict" in reasons:
                self.calls["transact_write_items"] += 1
                self.conflicts["transact_write_items"] += 1
                raise failure("TransactionCanceledException", "TransactWriteItems", reasons)
            self._held |= set(keys)
        try:
            _wait(TRANSACTION_SECONDS)
            return super().transact_write_items(TransactItems=TransactItems, **request)
        finally:
            with self._lock:
                self._held -= set(keys)

    def put_item(self, **request: Any) -> Any:
        """PutItem."""
        with self._alone_with("put_item", key_of({"Put": request})):
            return super().put_item(**request)

    def update_item(self, **request: Any) -> Any:
        """UpdateItem."""
        with self._alone_with("update_item", key_of({"Update": request})):
            return super().update_item(**request)

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """BatchWriteItem: what meets a transaction is left unprocessed."""
        ((name, asked),) = RequestItems.items()
        _wait(CALL_SECONDS)
        with self._lock:
            met = [one for one in asked if key_of({"Put": one["PutRequest"]}) in self._held]
            self.conflicts["batch_write_item"] += len(met)
            done = [one for one in asked if one not in met]
            if done:
                super().batch_write_item(RequestItems={name: done})
            return {"UnprocessedItems": {name: met} if met else {}}

    def get_item(self, **request: Any) -> Any:
        """GetItem."""
        _wait(CALL_SECONDS)
        return super().get_item(**request)

    def batch_get_item(self, **request: Any) -> Any:
        """BatchGetItem."""
        _wait(CALL_SECONDS)
        return super().batch_get_item(**request)

    def query(self, **request: Any) -> Any:
        """Query."""
        _wait(CALL_SECONDS)
        return super().query(**request)

    @contextmanager
    def _alone_with(self, name: str, key: Key) -> Iterator[None]:
        _wait(CALL_SECONDS)
        with self._lock:
            if key in self._held:
                self.calls[name] += 1
                self.conflicts[name] += 1
                raise failure("TransactionConflictException", name)
            yield


def _wait(seconds: float) -> None:
    time.sleep(seconds * random.uniform(0.6, 2))
