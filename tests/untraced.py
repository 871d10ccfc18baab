"""Calls of libraries that coverage does not watch: nothing of ours runs in them, and watching makes them half as slow again.

Before Python 3.12 whoever measures coverage is told of every line of every library, too. What the CDK calls back is watched.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from botocore.client import BaseClient
from botocore.session import Session

__all__ = ["leave_cdk_unwatched", "leave_libraries_unwatched"]

_KERNEL_CALLS: Final = ("create", "get", "invoke", "set", "sget", "sinvoke", "sset")
_PACKAGES: Final = frozenset({"aws_cdk", "cdk_nag", "constructs"})
_PAUSED: Final = threading.local()


def leave_libraries_unwatched() -> None:
    """Have boto3 make clients and calls unwatched, in this process and its forks."""
    for owner, name in ((BaseClient, "_make_api_call"), (Session, "create_client")):
        setattr(owner, name, _unwatched(getattr(owner, name)))


def leave_cdk_unwatched() -> None:
    """Have the CDK make constructs, and ask its kernel, unwatched, in this process."""
    # Other processes than the tests' own need no CDK.
    from jsii import _kernel, _runtime

    for name in _KERNEL_CALLS:
        setattr(_kernel.Kernel, name, _unwatched(getattr(_kernel.Kernel, name)))
    _kernel._handle_callback = _watched(_kernel._handle_callback)
    made: Any = _runtime.JSIIMeta.__call__
    unwatched = _unwatched(made)

    def make(cls: Any, *arguments: Any, **named: Any) -> Any:
        own = cls.__module__.partition(".")[0] not in _PACKAGES
        return (made if own else unwatched)(cls, *arguments, **named)

    setattr(_runtime.JSIIMeta, "__call__", make)  # noqa: B010 - mypy takes no assignment to a method


def _unwatched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        tracer: Any = sys.gettrace()
        # Coverage's own, which can be told to pause; a debugger's cannot.
        if type(tracer).__name__ != "CTracer":
            return function(*arguments, **named)
        outer = getattr(_PAUSED, "tracer", None)
        _PAUSED.tracer = tracer
        tracer.stop()
        try:
            return function(*arguments, **named)
        finally:
            tracer.start()
            _PAUSED.tracer = outer

    return wrapper


def _watched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        tracer = getattr(_PAUSED, "tracer", None)
        if tracer is None or sys.gettrace() is not None:
            return function(*arguments, **named)
        tracer.start()
        try:
            return function(*arguments, **named)
        finally:
            tracer.stop()

    return wrapper
