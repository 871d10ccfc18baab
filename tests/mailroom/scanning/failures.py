"""AWS clients that fail at one call, before or after it took effect, and remember what took effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

from botocore.exceptions import ClientError

__all__ = ["Calls"]


@dataclass
class Calls:
    """The calls of several clients, in their order.

    Args:
        fails_at: number of the call that fails, the first is 1; 0 for none.
        when: whether it fails before or after it took effect.
    """

    fails_at: int = 0
    when: Literal["before", "after"] = "before"
    number: int = 0
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it came to the call that fails."""
        return 0 < self.fails_at <= self.number

    def of(self, client: Any) -> Any:
        """The client, its calls counted here."""
        return _Counted(client, self)

    def named(self, name: str) -> list[dict[str, Any]]:
        """Arguments of the calls of one operation that took effect."""
        return [arguments for operation, arguments in self.done if operation == name]


class _Counted:
    def __init__(self, client: Any, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def get_paginator(self, name: str) -> _Pages:
        """Of which all pages are one call."""
        return _Pages(self._client.get_paginator(name), name, self._calls)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(_call, self._calls, name, getattr(self._client, name))


class _Pages:
    def __init__(self, paginator: Any, name: str, calls: Calls) -> None:
        self._paginator = paginator
        self._name = name
        self._calls = calls

    def paginate(self, **arguments: Any) -> list[Any]:
        """The pages."""
        return cast(
            "list[Any]",
            _call(self._calls, self._name, lambda **named: [*self._paginator.paginate(**named)], **arguments),
        )


def _call(calls: Calls, name: str, does: Callable[..., Any], **arguments: Any) -> Any:
    calls.number += 1
    hit = calls.number == calls.fails_at
    if hit and calls.when == "before":
        raise _broken(name)
    answer = does(**arguments)
    calls.done.append((name, arguments))
    if hit:
        raise _broken(name)
    return answer


def _broken(name: str) -> ClientError:
    said: Any = {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    return ClientError(said, name)
