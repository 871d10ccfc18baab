"""A tenant's table in DynamoDB, with plain values in and out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import MailroomError, RetryableError
from mailroom.faults import code_of, fault
from mailroom.store.keys import PARTITION, SORT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["ConflictError", "Item", "Key", "Table", "UnderWayError", "Write", "pause"]

Item = dict[str, Any]
Key = tuple[str, str]

_MOST_KEYS: Final = 100
"""DynamoDB API reference, "BatchGetItem"."""
_MOST_PUT: Final = 25
"""DynamoDB API reference, "BatchWriteItem"."""
_FAILED: Final = "ConditionalCheckFailed"
_CONFLICTS: Final = {_FAILED, "TransactionConflict"}
_TRIES: Final = 8
_ALONE: Final = {
    "ConditionalCheckFailedException": {_FAILED},
    "TransactionConflictException": {"TransactionConflict"},
    "TransactionInProgressException": {"TransactionConflict"},
}
"""Errors of a single write, in the form of a transaction's reasons."""
_FIRST_WAIT: Final = 0.02
_LONGEST_WAIT: Final = 1.0


class ConflictError(Exception):
    """An item has changed since it was read; the caller reads it again."""


class UnderWayError(RetryableError):
    """Concurrent transactions on the same item went on; the condition was not judged."""


def pause(attempt: int) -> None:
    """Wait for a random time before the next try, counted from 0, so that colliding writers do not collide again.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter": full jitter.
    """
    time.sleep(random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))  # noqa: S311 - no secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One write of a transaction: exactly one of `put`, `update`, `delete` and `check`.

    Args:
        put: an item.
        update: key of an item, and the expression that changes it.
        delete: key of an item.
        check: key of an item that must fulfil the condition, and is not written.
        condition: expression that must be true; "" for none.
        values: values of `:name` in expressions. Attribute names in expressions are written as `#name`.
    """

    put: Item | None = None
    update: tuple[Key, str] | None = None
    delete: Key | None = None
    check: Key | None = None
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One tenant's table.

    Args:
        client: of DynamoDB.
        name: the table's.
    """

    client: DynamoDBClient
    name: str

    def get(self, key: Key, *, eventually: bool = False) -> Item | None:
        """The present item; None where there is none. Raises MailroomError.

        Args:
            key: the item's.
            eventually: whether the item may be a moment old, for half the price. Default: False.
        """
        with self._errors("dynamodb:GetItem"):
            answer = self.client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=not eventually)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key], *, eventually: bool = False) -> dict[Key, Item]:
        """The present items of these keys; missing ones are left out. Raises MailroomError.

        Args:
            keys: of any number of items.
            eventually: whether items may be a moment old, for half the price. Default: False.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for start in range(0, len(wanted), _MOST_KEYS):
            some = [_key(key) for key in wanted[start : start + _MOST_KEYS]]
            asked: Any = {self.name: {"Keys": some, "ConsistentRead": not eventually}}
            for attempt in range(_TRIES):
                with self._errors("dynamodb:BatchGetItem"):
                    answer = self.client.batch_get_item(RequestItems=asked)
                items = [_plain(item) for item in answer["Responses"].get(self.name, [])]
                found |= {(item[PARTITION], item[SORT]): item for item in items}
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
                time.sleep(0.05 * 2**attempt)
            else:
                raise RetryableError(f"table {self.name}: does not answer; try again")
        return found

    def query(
        self,
        partition: str,
        prefix: str = "",
        *,
        index: str = "",
        names: tuple[str, str] = (PARTITION, SORT),
        backwards: bool = False,
        limit: int | None = None,
        after: Item | None = None,
        where: tuple[str, str] | None = None,
        until: str = "",
    ) -> tuple[list[Item], Item | None]:
        """Items of one partition in the order of their sort keys, and the position of the next page; None behind the last.

        `where` selects items by an attribute's value: a page may then have fewer items. `until` selects items up to this sort key.
        Raises MailroomError.
        """
        expression, values = "#p = :p", {":p": partition}
        named = {"#p": names[0]}
        if prefix:
            expression, named["#s"], values[":s"] = "#p = :p AND begins_with(#s, :s)", names[1], prefix
        elif until:
            expression, named["#s"], values[":s"] = "#p = :p AND #s <= :s", names[1], until
        request: Any = {
            "TableName": self.name,
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": named,
            "ExpressionAttributeValues": _typed(values),
            "ScanIndexForward": not backwards,
            **({"IndexName": index} if index else {"ConsistentRead": True}),
            **({"Limit": limit} if limit else {}),
            **({"ExclusiveStartKey": _typed(after)} if after else {}),
        }
        if where is not None:
            request["FilterExpression"] = "#w = :w"
            named["#w"] = where[0]
            request["ExpressionAttributeValues"] |= _typed({":w": where[1]})
        with self._errors("dynamodb:Query", index):
            answer = self.client.query(**request)
        following = answer.get("LastEvaluatedKey")
        return [_plain(item) for item in answer["Items"]], _plain(following) if following else None

    def scan(self, *, limit: int | None = None, after: Key | None = None) -> tuple[list[Item], Key | None]:
        """Items of the whole table, in no order, and the position of the next page; None behind the last. Raises MailroomError."""
        request: Any = {
            "TableName": self.name,
            "ConsistentRead": True,
            **({"Limit": limit} if limit else {}),
            **({"ExclusiveStartKey": _key(after)} if after else {}),
        }
        with self._errors("dynamodb:Scan"):
            answer = self.client.scan(**request)
        following = _plain(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        return [_plain(item) for item in answer["Items"]], (
            following[PARTITION],
            following[SORT],
        ) if following else None

    def put(self, item: Item) -> None:
        """Write one item over any earlier one, for half the price of a transaction. Raises MailroomError."""
        self.change(Write(put=item))

    def put_many(self, items: Iterable[Item]) -> None:
        """Write items over any earlier ones, in any order; after an error, some may be written. Raises MailroomError."""
        wanted = [{"PutRequest": {"Item": _typed(item)}} for item in items]
        for start in range(0, len(wanted), _MOST_PUT):
            asked: Any = {self.name: wanted[start : start + _MOST_PUT]}
            for attempt in range(_TRIES):
                with self._errors("dynamodb:BatchWriteItem"):
                    asked = self.client.batch_write_item(RequestItems=asked).get("UnprocessedItems")
                if not asked:
                    break
                pause(attempt)
            else:
                raise RetryableError(f"table {self.name}: does not take everything; try again")

    def write(self, writes: Sequence[Write]) -> None:
        """All of these, or none.

        Raises:
            ConflictError: a condition does not hold.
            UnderWayError: others wrote one of these items, at each of several tries.
            RetryableError: AWS failed.
            PermanentError: AWS refuses, and would again.
        """
        items: Any = [self._action(write) for write in writes]
        self._until_alone(lambda: self.client.transact_write_items(TransactItems=items), writes)

    def change(self, write: Write) -> None:
        """One update or one put, for half of what a transaction of it costs.

        Raises:
            ConflictError: its condition does not hold.
            UnderWayError: a transaction wrote the item, at each of several tries.
            MailroomError: AWS failed, or refuses.
        """
        ((kind, body),) = self._action(write).items()
        call: Callable[..., Any] = self.client.put_item if kind == "Put" else self.client.update_item
        self._until_alone(lambda: call(**body), [write])

    def _until_alone(self, call: Callable[[], object], writes: Sequence[Write]) -> None:
        """Call once more for as long as others write the same items; a condition that fails is an answer."""
        for attempt in range(_TRIES):
            try:
                with self._errors(_written(writes)):
                    call()
            except MailroomError as error:
                codes = _conflicts(error.__cause__)
                if _FAILED in codes:
                    raise ConflictError from error
                if not codes:
                    raise
                if attempt + 1 == _TRIES:
                    raise UnderWayError(f"table {self.name}: an item is written by others; try again") from error
            else:
                return
            pause(attempt)

    @contextmanager
    def _errors(self, action: str, index: str = "") -> Iterator[None]:
        """Turns what AWS raises into one of our errors. Its text may hold values: kind, action and table must do."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            resource = f"{self.name}/index/{index}" if index else self.name
            raise fault(error, action=action, resource=resource) from error

    def _action(self, write: Write) -> dict[str, Any]:
        expressions = write.condition
        body: dict[str, Any] = {"TableName": self.name}
        if write.put is not None:
            kind, body["Item"] = "Put", _typed(write.put)
        elif write.update is not None:
            kind, (key, expression) = "Update", write.update
            body |= {"Key": _key(key), "UpdateExpression": expression}
            expressions += f" {expression}"
        elif write.delete is not None:
            kind, body["Key"] = "Delete", _key(write.delete)
        elif write.check is not None:
            kind, body["Key"] = "ConditionCheck", _key(write.check)
        else:
            raise ValueError("write: must have a write")
        if write.condition:
            body["ConditionExpression"] = write.condition
        names = {word: word[1:] for word in _names(expressions)}
        return {
            kind: {
                **body,
                **({"ExpressionAttributeNames": names} if names else {}),
                **({"ExpressionAttributeValues": _typed(write.values)} if write.values else {}),
            }
        }


def _names(expression: str) -> Iterator[str]:
    """Placeholders of attribute names in an expression."""
    for word in expression.replace("(", " ").replace(")", " ").replace(",", " ").split():
        if word.startswith("#"):
            yield word


def _key(key: Key) -> dict[str, Any]:
    return {PARTITION: {"S": key[0]}, SORT: {"S": key[1]}}


_SERIALIZER: Final = TypeSerializer()
_DESERIALIZER: Final = TypeDeserializer()


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    # Most values are text, which boto3 takes through eight questions.
    return {name: {"S": value} if type(value) is str else _SERIALIZER.serialize(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {
        name: value["S"] if "S" in value else _plain_value(_DESERIALIZER.deserialize(value))
        for name, value in item.items()
    }


def _plain_value(value: Any) -> Any:
    """Numbers as integers; bytes unchanged."""
    if isinstance(value, Binary):
        octets: Any = value
        return octets.value
    return int(value) if isinstance(value, Decimal) else value


def _written(writes: Sequence[Write]) -> str:
    """The IAM actions that a transaction needs."""
    kinds = {"PutItem": "put", "UpdateItem": "update", "DeleteItem": "delete", "ConditionCheckItem": "check"}
    return " and ".join(
        f"dynamodb:{action}"
        for action, name in kinds.items()
        if any(getattr(write, name) is not None for write in writes)
    )


def _conflicts(error: BaseException | None) -> set[str]:
    """Causes of a cancelled write: failed conditions, concurrent transactions; empty for another error."""
    if not isinstance(error, ClientError):
        return set()
    code = code_of(error)
    if code == "TransactionCanceledException":
        reasons: Any = error.response.get("CancellationReasons", [])
        codes = {reason.get("Code") for reason in reasons} - {"None", None}
        return codes if codes <= _CONFLICTS else set()
    return _ALONE.get(code, set())
