"""Conflicts of writes on request of a test, because successive requests have none.

Source: DynamoDB developer guide, "Transaction conflict handling"; S3 user guide, "Conditional writes".
"""

from __future__ import annotations

import json
from typing import Any, Final

from emulator.extension import endpoints, upstream

PATH: Final = "/_emulator/conflicts"
_ALONE: Final = frozenset({"DeleteItem", "PutItem", "UpdateItem"})
_S3: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>ConditionalRequestConflict</Code><Message>The conditional request cannot '
    "succeed due to a conflicting operation against this resource.</Message></Error>"
)

_left: dict[tuple[str, str], int] = {}
"""Number of the next writes with a conflict, by region and service."""


def install() -> None:
    """Check each write before it is done."""
    upstream.replace("services.dynamodb", "handle_request", _with_transactions)
    upstream.replace("services.s3", "handle_request", _with_writers)
    endpoints.serve("PUT", PATH, _set)


def _set(query: dict[str, str], content: bytes) -> tuple[int, str]:
    if query["service"] not in {"dynamodb", "s3"}:
        return 400, f"writes of {query['service']} meet no others"
    _left[query["region"], query["service"]] = int(content)
    return 200, ""


def _meets(service: str) -> bool:
    """Whether this write has a conflict, which is counted."""
    at = (upstream.region(), service)
    left = _left.get(at, 0)
    _left[at] = max(0, left - 1)
    return left > 0


def _with_transactions(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation == "TransactWriteItems" and _meets("dynamodb"):
            others = len(json.loads(body)["TransactItems"]) - 1
            reasons = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * others]
            return _refused("TransactionCanceledException", CancellationReasons=reasons)
        if operation in _ALONE and _meets("dynamodb"):
            return _refused("TransactionConflictException")
        return await original(method, path, headers, body, query)

    return handle


def _with_writers(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], *rest: Any, **named: Any) -> Any:
        if method == "PUT" and {"if-none-match", "if-match"} & {name.lower() for name in headers} and _meets("s3"):
            return 409, {"Content-Type": "application/xml"}, _S3.encode()
        return await original(method, path, headers, *rest, **named)

    return handle


def _refused(code: str, **further: Any) -> Any:
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "a transaction is under way", **further}
    return 400, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}, json.dumps(content).encode()
