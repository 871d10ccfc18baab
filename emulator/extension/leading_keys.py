"""dynamodb:LeadingKeys, which ministack does not name: the partition keys of the items that a request is about.

Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.extension import upstream

EQUAL = re.compile(r"(?P<name>[#\w.-]+)\s*=\s*(?P<value>:\w+)")


def leading_keys(action: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """This condition key of a request that names items. Raises AttributeError, KeyError, TypeError, ValueError for a broken one."""
    if not action.startswith("dynamodb:"):
        return {}
    keys = sorted({str(next(iter(value.values()))) for value in _keys(request)})
    return {"dynamodb:LeadingKeys": keys} if keys else {}


def _keys(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Typed partition keys."""
    if "TransactItems" in request:
        for action in request["TransactItems"]:
            for one in action.values():
                yield from _keys(one)
    elif "RequestItems" in request:
        for table, asked in request["RequestItems"].items():
            keys = asked["Keys"] if isinstance(asked, Mapping) else [_of_write(one) for one in asked]
            yield from (key[_partition(table)] for key in keys)
    elif "KeyConditionExpression" in request:
        name = _partition(request["TableName"], request.get("IndexName"))
        names = request.get("ExpressionAttributeNames") or {}
        for match in EQUAL.finditer(request["KeyConditionExpression"]):
            if names.get(match["name"], match["name"]) == name:
                yield request["ExpressionAttributeValues"][match["value"]]
    elif "Key" in request or "Item" in request:
        yield (request.get("Key") or request["Item"])[_partition(request["TableName"])]


def _of_write(write: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
    return found


def _partition(table: str, index: str | None = None) -> str:
    """Name of the partition key."""
    found = upstream.attribute("services.dynamodb", "_tables")[table.rpartition("table/")[2]]
    if index is None:
        return str(found["pk_name"])
    indexes = [*(found.get("GlobalSecondaryIndexes") or []), *(found.get("LocalSecondaryIndexes") or [])]
    (schema,) = [one["KeySchema"] for one in indexes if one["IndexName"] == index]
    return next(str(one["AttributeName"]) for one in schema if one["KeyType"] == "HASH")
