"""Calls of libraries that coverage does not watch: nothing of ours runs in them, and watching makes them half as slow again.

Before Python 3.12 whoever measures coverage is told of every line of every library, too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient
from botocore.session import Session

__all__ = ["leave_libraries_unwatched"]


def leave_libraries_unwatched() -> None:
    """Have boto3 make clients and calls unwatched, in this process and its forks."""
    for owner, name in ((BaseClient, "_make_api_call"), (Session, "create_client")):
        setattr(owner, name, _unwatched(getattr(owner, name)))


def _unwatched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        tracer: Any = sys.gettrace()
        # Coverage's own, which can be told to pause; a debugger's cannot.
        if type(tracer).__name__ != "CTracer":
            return function(*arguments, **named)
        tracer.stop()
        try:
            return function(*arguments, **named)
        finally:
            tracer.start()

    return wrapper
