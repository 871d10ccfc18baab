"""A DynamoDB in memory, as far as the store calls it, for tests of years and of costs.

Conditions, transactions, pages of 1 MB and the index are DynamoDB's; `tests/mailroom/store/test_memory.py` compares them with the
emulator's. Units are counted as AWS says: DynamoDB developer guide, "Capacity unit consumption".
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from mailroom.store.keys import LATEST, LISTED, PARTITION, SORT

Item = dict[str, Any]
Key = tuple[str, str]
Hook = Callable[[str, Mapping[str, Any], str], None]

PAGE_OCTETS = 1_048_576
_TERM = re.compile(r"(attribute_exists|attribute_not_exists)\((#\w+)\)|(#\w+) (=|<) (:\w+)")
_CONTAINS = re.compile(r"NOT contains\((#\w+), (:\w+)\)")
_CLAUSE = re.compile(r"(SET|REMOVE|ADD|DELETE) (.*?)(?=$| (?:SET|REMOVE|ADD|DELETE) )")


def failure(code: str, operation: str, reasons: list[str] | None = None) -> ClientError:
    """boto3's error for an answer of AWS."""
    status = 500 if code.startswith("Internal") else 400
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons is not None:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(answer, operation)


def octets(value: Any) -> int:
    """Size of an item or of a typed value. DynamoDB developer guide, "Item sizes and formats"."""
    if PARTITION in value:
        return sum(len(name.encode()) + octets(one) for name, one in value.items())
    ((kind, content),) = value.items()
    if kind in {"S", "SS"}:
        return len((content if kind == "S" else "".join(content)).encode())
    if kind == "N":
        return (len(content.strip("-")) + 1) // 2 + 1
    if kind == "L":
        return 3 + sum(1 + octets(one) for one in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + octets(one) for name, one in content.items())
    return len(content) if kind == "B" else 1


def copied(value: Any) -> Any:
    """A copy of an item or of a typed value, in a tenth of the time of Python's own."""
    if isinstance(value, dict):
        return {name: copied(one) for name, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


@dataclass
class MemoryTable:
    """A client of DynamoDB with one table.

    Args:
        hook: is told of each call before and after it takes effect, and may raise.
    """

    hook: Hook | None = None
    items: dict[Key, Item] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    written: int = 0
    indexed: int = 0
    read: float = 0
    _lock: Any = field(default_factory=threading.RLock)

    def reset(self) -> None:
        """Count from zero."""
        self.calls.clear()
        self.written, self.indexed, self.read = 0, 0, 0.0

    def get_item(self, *, Key: Any, ConsistentRead: bool = False, **_: Any) -> Any:  # noqa: N803 - boto3's names
        """GetItem."""

        def effect() -> Any:
            found = self._read([_key(Key)], strong=ConsistentRead)
            return {"Item": found[0]} if found else {}

        return self._call("get_item", {"Key": Key}, effect)

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """BatchGetItem."""
        ((name, asked),) = RequestItems.items()

        def effect() -> Any:
            found = self._read([_key(one) for one in asked["Keys"]], strong=asked.get("ConsistentRead", False))
            return {"Responses": {name: found}}

        return self._call("batch_get_item", RequestItems, effect)

    def query(self, **request: Any) -> Any:
        """Query of the table or of its index."""
        return self._call("query", request, lambda: self._page(request))

    def scan(self, **request: Any) -> Any:
        """Scan of the table."""
        start = request.get("ExclusiveStartKey")

        def effect() -> Any:
            first = _place(_key(start)) if start is not None else ()
            keys = [key for key in sorted(self.items, key=_place) if _place(key) > first]
            return self._answer(keys, request, [PARTITION, SORT])

        return self._call("scan", request, effect)

    def put_item(self, *, Item: Any, **request: Any) -> Any:  # noqa: N803
        """PutItem."""
        return self._call(
            "put_item", {"Item": Item}, lambda: self._alone({"Put": {"Item": Item, **request}}, "PutItem")
        )

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """BatchWriteItem, of items that are put."""
        ((_name, asked),) = RequestItems.items()

        def effect() -> Any:
            keys = [_key(one["PutRequest"]["Item"]) for one in asked]
            assert 0 < len(keys) <= 25, len(keys)
            assert len(set(keys)) == len(keys), "one item twice"
            for one in asked:
                self._alone({"Put": one["PutRequest"]}, "BatchWriteItem")
            return {"UnprocessedItems": {}}

        return self._call("batch_write_item", RequestItems, effect)

    def update_item(self, **request: Any) -> Any:
        """UpdateItem."""
        return self._call("update_item", request, lambda: self._alone({"Update": request}, "UpdateItem"))

    def transact_write_items(self, *, TransactItems: Any, **_: Any) -> Any:  # noqa: N803
        """TransactWriteItems."""

        def effect() -> Any:
            planned = [self._planned(one) for one in TransactItems]
            keys = [key for key, _new, _holds in planned]
            assert len(keys) <= 100, len(keys)
            assert len(set(keys)) == len(keys), "one item twice"
            if not all(holds for _key, _new, holds in planned):
                self.written += sum(2 * self._units(key, None) for key in keys)
                reasons = ["None" if holds else "ConditionalCheckFailed" for _key, _new, holds in planned]
                raise failure("TransactionCanceledException", "TransactWriteItems", reasons)
            for key, new, _holds in planned:
                self._store(key, new, 2)
            return {}

        return self._call("transact_write_items", {"TransactItems": TransactItems}, effect)

    def drop(self, key: Key) -> None:
        """Delete an item, as time to live does."""
        self.items.pop(key, None)

    def _call(self, name: str, request: Mapping[str, Any], effect: Callable[[], Any]) -> Any:
        self.calls[name] += 1
        if self.hook is not None:
            self.hook(name, request, "before")
        with self._lock:
            answer = effect()
        if self.hook is not None:
            self.hook(name, request, "after")
        return answer

    def _read(self, keys: list[Key], *, strong: bool) -> list[Item]:
        found = []
        for key in keys:
            item = self.items.get(key)
            self.read += max(1, math.ceil(octets(item) / 4096) if item else 1) * (1 if strong else 0.5)
            found += [copied(item)] if item else []
        return found

    def _page(self, request: Mapping[str, Any]) -> Any:
        values = request["ExpressionAttributeValues"]
        partition, prefix = values[":p"]["S"], values.get(":s", {"S": ""})["S"]
        index = "IndexName" in request
        if index:
            listed = [key for key, item in self.items.items() if item.get(LISTED, {}).get("S") == partition]
            rank: Any = lambda key: (self.items[key][LATEST]["S"], *key)  # noqa: E731
        else:
            listed = [key for key in self.items if key[0] == partition and key[1].startswith(prefix)]
            rank = lambda key: key  # noqa: E731
        backwards = not request.get("ScanIndexForward", True)
        start = request.get("ExclusiveStartKey")
        if start is not None:
            begin = (start[LATEST]["S"], *_key(start)) if index else _key(start)
            listed = [key for key in listed if (rank(key) < begin if backwards else rank(key) > begin)]
        ordered = sorted(listed, key=rank, reverse=backwards)
        return self._answer(ordered, request, [PARTITION, SORT, *([LISTED, LATEST] if index else [])])

    def _answer(self, keys: list[Key], request: Mapping[str, Any], names: list[str]) -> Any:
        found: list[Item] = []
        size, more = 0, False
        for key in keys:
            item = self.items[key]
            if len(found) == request.get("Limit") or (found and size + octets(item) > PAGE_OCTETS):
                more = True
                break
            found.append(copied(item))
            size += octets(item)
        self.read += max(1, math.ceil(size / 4096)) * (1 if request.get("ConsistentRead") else 0.5)
        # A page that ends at the limit has a position also where nothing follows.
        more = more or len(found) == request.get("Limit")
        return {"Items": found, **({"LastEvaluatedKey": {name: found[-1][name] for name in names}} if more else {})}

    def _alone(self, action: Any, operation: str) -> Any:
        key, new, holds = self._planned(action)
        if not holds:
            self.written += self._units(key, None)
            raise failure("ConditionalCheckFailedException", operation)
        self._store(key, new, 1)
        return {}

    def _planned(self, action: Any) -> tuple[Key, Item | None, bool]:
        """Key and item after one action, and whether its condition holds."""
        ((kind, body),) = action.items()
        key = key_of(action)
        old = self.items.get(key)
        names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
        holds = _holds(body.get("ConditionExpression", ""), old or {}, names, values)
        if kind == "Put":
            return key, copied(body["Item"]), holds
        if kind == "Update":
            begun = old or {PARTITION: {"S": key[0]}, SORT: {"S": key[1]}}
            return key, _updated(begun, body["UpdateExpression"], names, values), holds
        return key, old if kind == "ConditionCheck" else None, holds

    def _units(self, key: Key, new: Item | None) -> int:
        sizes = [octets(one) for one in (self.items.get(key), new) if one is not None]
        return max(1, math.ceil(max(sizes, default=1) / 1024))

    def _store(self, key: Key, new: Item | None, factor: int) -> None:
        self.written += factor * self._units(key, new)
        old = self.items.get(key)
        listed = [one for one in (old, new) if one is not None and LISTED in one]
        if listed and old != new:
            moved = len(listed) == 2 and listed[0][LATEST] != listed[1][LATEST]
            units = [math.ceil(octets(one) / 1024) for one in listed]
            self.indexed += sum(units) if moved else max(units)
        if new is None:
            self.items.pop(key, None)
        else:
            assert octets(new) <= 400 * 1024
            self.items[key] = new


def _place(key: Key) -> tuple[str, str]:
    """Where a scan comes to an item: partitions are in the order of their hashes."""
    return _hash(key[0]), key[1]


@cache
def _hash(partition: str) -> str:
    return hashlib.sha256(partition.encode()).hexdigest()


def key_of(action: Any) -> Key:
    """Key of what one action of a transaction writes or checks."""
    ((kind, body),) = action.items()
    return _key(body["Item"] if kind == "Put" else body["Key"])


def _key(item: Any) -> Key:
    return item[PARTITION]["S"], item[SORT]["S"]


def _holds(expression: str, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    """Whether a condition holds: terms joined by AND, and those by OR."""

    def holds(term: str) -> bool:
        if lacks := _CONTAINS.fullmatch(term):
            return values[lacks[2]]["S"] not in item.get(names[lacks[1]], {"SS": []})["SS"]
        found = _TERM.fullmatch(term)
        assert found is not None, term
        function, of, left, operator, right = found.groups()
        if function:
            return (names[of] in item) == (function == "attribute_exists")
        if names[left] not in item:
            return False
        one, other = item[names[left]], values[right]
        if operator == "=":
            return bool(one == other)
        ((kind, low),), ((_, high),) = one.items(), other.items()
        return int(low) < int(high) if kind == "N" else bool(low < high)

    return not expression or any(
        all(holds(term) for term in alternative.split(" AND ")) for alternative in expression.split(" OR ")
    )


def _updated(old: Item, expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> Item:
    new: Item = copied(old)
    for clause, body in _CLAUSE.findall(expression):
        for part in body.split(", "):
            if clause == "SET":
                name, value = part.split(" = ")
                new[names[name]] = copied(values[value])
            elif clause == "REMOVE":
                new.pop(names[part], None)
            else:
                name, value = part.split()
                _collect(new, names[name], values[value], adds=clause == "ADD")
    return new


def _collect(item: Item, name: str, value: Any, *, adds: bool) -> None:
    """ADD to a number or a set, or DELETE from a set."""
    if "N" in value:
        item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(value["N"]))}
        return
    had = set(item.get(name, {"SS": []})["SS"])
    left = had | set(value["SS"]) if adds else had - set(value["SS"])
    item.pop(name, None)
    if left:
        item[name] = {"SS": sorted(left)}
